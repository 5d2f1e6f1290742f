"""A wide 3×3 layer with zero padding: forward, adjoint and stencil gradient by refms and by PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.agreement import require, rho
from benchmarks.tables import DTYPES, process
from benchmarks.timing import Limits, interleaved
from refms.backend import NUMPY
from refms.grid import Grid, nchw_from_columns
from refms.stencils.convolution import Convolution
from refms.stencils.routes.route import Geometry, flip
from refms.stencils.routes.winograd import winograd_products

SIZES = (
    (16, 96, 8),
    (32, 64, 8),
    (32, 16, 64),
    (64, 64, 4),
    (64, 16, 16),
    (128, 128, 1),
    (128, 64, 1),
    (128, 64, 8),
    (128, 16, 16),
    (256, 16, 16),
    (512, 8, 32),
)
"""Channels c, cells n a side, images m."""

WAYS = ("auto", "winograd")
"""Routes of refms."""

PLAIN = "winograd, NumPy"
"""Its tiles without numba, as where the extra ``fast`` is not installed."""

BOUNDS = {"auto": 30.0, "winograd": 300.0, PLAIN: 300.0}
"""Largest ρ; ten times the round-off is what the second route states."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: each size in both precisions, on one thread."""
    seconds, least = (1.0, 2) if quick else (10.0, 5)
    return [
        process(allocator="tuned", size=size, dtype=dtype, seconds=seconds, least=least)
        for dtype in reversed(DTYPES)
        for size in (SIZES[1:2] if quick else SIZES)
    ]


def measure(size: tuple[int, int, int], dtype: str, seconds: float = 10.0, least: int = 5) -> dict[str, Any]:
    """Time the three products together."""
    c, n, m = size
    rng = np.random.default_rng(0)
    layers = {route: Convolution(Grid((n, n)), c, c, (3, 3), "zero", route=route) for route in WAYS}
    exact = Convolution(Grid((n, n)), c, c, (3, 3), "zero", route="im2col")
    S = rng.standard_normal(exact.stencils_shape).astype(dtype)
    Y, Z = rng.standard_normal((2, exact.rows_in, m)).astype(dtype)
    expected = products(exact, *(array.astype("float64") for array in (S, Y, Z)))()
    ways = {route: products(K, S, Y, Z) for route, K in layers.items()}
    ways[PLAIN] = without_numba(exact, S, Y, Z)
    missing = {}
    try:
        ways["torch"] = in_torch(S, *(nchw_from_columns(array, exact.grid) for array in (Y, Z)))
    except ImportError as error:
        missing = {"torch": str(error)}

    def check(name: str, found: Any) -> float:
        if name == "torch":
            found = [found[0].flatten(1).T.numpy(), found[1].flatten(1).T.numpy(), found[2].numpy()]
        terms = (9 * c, 9 * c, n * n * m)
        worst = max(map(rho, found, expected, [dtype] * 3, terms))
        return require(name, worst, BOUNDS.get(name, 30.0))

    times = interleaved(ways, Limits(seconds, least, 31), check)
    return {"ways": times, "operations": 3 * 18 * c * c * n * n * m, "missing": missing}


def products(K: Convolution, S: Any, Y: Any, Z: Any) -> Callable[[], tuple[Any, ...]]:
    """Return K(S) Y, K(S)ᵀ Z and the gradient, to be called."""
    return lambda: (K.apply(S, Y), *K.adjoint_and_gradient(S, Z, Y))


def without_numba(K: Convolution, S: Any, Y: Any, Z: Any) -> Callable[[], tuple[Any, ...]]:
    """Return the same by Winograd's tiles in NumPy alone."""
    P = winograd_products(Geometry(K.grid, K.stencil_shape, K.boundary), Y.shape[1], NUMPY)
    return lambda: (P.combine([(S, Y)]), *P.adjoint_and_gradient(flip(S).swapaxes(0, 1), Z, Y, None))


def in_torch(S: Any, Y: Any, Z: Any) -> Callable[[], tuple[Any, ...]]:
    """Return the same of PyTorch, on images NCHW, by its backward pass."""
    import torch

    s, y, z = torch.from_numpy(S), torch.from_numpy(Y), torch.from_numpy(Z)
    s.requires_grad_()
    y.requires_grad_()

    def call() -> tuple[Any, ...]:
        out = torch.conv2d(y, s, padding=1)
        return (out.detach(), *torch.autograd.grad(out, (y, s), z))

    return call
