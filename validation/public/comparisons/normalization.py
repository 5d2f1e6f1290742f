"""Normalisation of PyTorch and JAX against refms': value, gradient, and the Hessian's product."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.comparison import Comparison, Inputs
from refms.definition.normalization import group_mean
from refms.grid import Grid, columns_from_nchw, nchw_from_columns
from refms.maps.layers.norms import normalization

EPSILON = 1e-5
SIZES = (1, 2, 3, 4, 6)


def draw_images(offset: float, grouped: bool) -> Any:
    """Return what draws images about a level, a cotangent, a direction, and groups: some, or one."""

    def draw(rng: np.random.Generator, n: int) -> Inputs:
        groups = int(rng.integers(1, 4)) if grouped else 1
        shape = (int(rng.integers(1, 3)), groups * int(rng.integers(1, 3)), n, n + 1)
        Y, G, V = rng.standard_normal((3, *shape))
        return {"Y": Y + offset, "G": G, "V": V, "groups": groups}

    return draw


def group_norm(Y: Any, groups: int) -> Any:
    """Return ``F.group_norm``."""
    from torch.nn import functional

    return functional.group_norm(Y, groups, eps=EPSILON)


def layer_norm(Y: Any, groups: int) -> Any:
    """Return ``F.layer_norm`` over all channels and cells."""
    from torch.nn import functional

    return functional.layer_norm(Y, Y.shape[1:], eps=EPSILON)


def by_torch(layer: Any, what: str) -> Any:
    """Return the value, Jᵀ g, or D(Jᵀ)[v] g, which is the Hessian of ⟨g, F⟩ times v."""

    def compute(Y: np.ndarray, G: np.ndarray, V: np.ndarray, groups: int) -> np.ndarray:
        import torch

        at = torch.from_numpy(Y).requires_grad_()
        value = layer(at, groups)
        if what == "value":
            return value.detach().numpy()
        (gradient,) = torch.autograd.grad(value, at, torch.from_numpy(G), create_graph=what == "product")
        if what == "gradient":
            return gradient.numpy()
        return torch.autograd.grad(gradient, at, torch.from_numpy(V))[0].numpy()

    return compute


def by_jax(algorithm: str) -> Any:
    """Return ``jax.nn.standardize`` over channels and cells."""

    def compute(Y: np.ndarray, G: np.ndarray, V: np.ndarray, groups: int) -> np.ndarray:
        import jax

        with jax.enable_x64(True):
            return np.asarray(jax.nn.standardize(Y, (1, 2, 3), epsilon=EPSILON, algorithm=algorithm))

    return compute


def by_refms(what: str) -> Any:
    """Return the same of ``normalization``."""

    def compute(Y: np.ndarray, G: np.ndarray, V: np.ndarray, groups: int) -> np.ndarray:
        grid = Grid(Y.shape[2:])
        F = normalization(grid, Y.shape[1], groups, EPSILON).at(np.zeros(0), columns_from_nchw(Y))
        g, v = columns_from_nchw(G), columns_from_nchw(V)
        if what == "value":
            return nchw_from_columns(F.output, grid)
        if what == "gradient":
            return nchw_from_columns(F.vjp(g)[1], grid)
        along, _ = F.second(g)
        return nchw_from_columns(along(None, v).vjp(np.zeros_like(g))[1], grid)

    return compute


def scale_of(what: str) -> Any:
    """Return s = max(1, ρ‖x‖_∞), ρ‖g‖_∞ s, or ρ²‖g‖_∞‖v‖_∞ s², with ρ = 1/√(variance + ε) at its largest."""

    def scale(Y: np.ndarray, G: np.ndarray, V: np.ndarray, groups: int) -> float:
        x = Y.reshape(len(Y), groups, -1, *Y.shape[2:])
        variance = group_mean((x - group_mean(x)) ** 2)
        rho = float((1 / np.sqrt(variance + EPSILON)).max())
        s, g, v = max(1.0, rho * abs(Y).max()), rho * abs(G).max(), rho * abs(V).max()
        return float({"value": s, "gradient": s * g, "product": s * s * g * v}[what])

    return scale


PARTS = {"value": "{}", "gradient": "{}, Jᵀ g", "product": "{}, Hessian of ⟨g, F⟩ times v"}


def row(
    library: str, function: str, groups: str, draw: Any, theirs: Any, what: str, why: str = ""
) -> Comparison:
    """Return the comparison of a value or derivative."""
    refms = f"normalization(grid, c{groups}, epsilon=1e-5)"
    names = (PARTS[what].format(name) for name in (function, refms))
    return Comparison(library, *names, draw, theirs, by_refms(what), scale_of(what), SIZES, why)


COMPARISONS = (
    *(
        row("torch", function, groups, draw_images(0.5, bool(groups)), by_torch(layer, what), what)
        for function, groups, layer in (
            ("F.group_norm(x, groups)", ", groups", group_norm),
            ("F.layer_norm(x, (c, *grid))", "", layer_norm),
        )
        for what in PARTS
    ),
    row("jax", "nn.standardize(x, axis=(1, 2, 3))", "", draw_images(0.5, False), by_jax("fast"), "value"),
    row(
        "jax",
        "nn.standardize(x, axis=(1, 2, 3)), x about 1000",
        "",
        draw_images(1000.0, False),
        by_jax("fast"),
        "value",
        'The default `algorithm="fast"` has the variance mean x² − (mean x)², whose digits cancel where the '
        "mean is large.",
    ),
    row(
        "jax",
        'nn.standardize(x, axis=(1, 2, 3), algorithm="stable"), x about 1000',
        "",
        draw_images(1000.0, False),
        by_jax("stable"),
        "value",
    ),
    row(
        "torch",
        "F.layer_norm(x, (c, *grid)), x about 1000",
        "",
        draw_images(1000.0, False),
        by_torch(layer_norm, "value"),
        "value",
    ),
)
