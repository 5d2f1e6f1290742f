"""F1-F4: the mesh-free convolution in two dimensions and its gradient."""

from __future__ import annotations

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import norm
from refms.definition.convolution import shift
from refms.definition.mesh_free import mesh_free, mesh_free_gradient
from refms.definition.norms import max_norm
from refms.errors import Array

law = family("mesh-free")
SOURCE = "[MST], first version: mesh-free convolutions"
PLANE = Domain(dimensions=(2,), smallest=2, small=True)


@law("F1", "mesh_free", SOURCE, PLANE)
def _definition(a: Gate, x: Instance) -> Claims:
    """Every wave number is multiplied with the symbol of the seven parameters.

    v̂(k) = (g0 + i(gx k̃x + gy k̃y)) exp(−τ kᵀCk) ŵ(k), a real field; scale ‖symbol‖‖w‖₂
    Catches: kx and ky exchanged, the Nyquist number kept, 2π counted twice, a time that is no exponential,
    eigenvalues that may be negative, an angle of the other sense, high wave numbers cut off.
    """
    xi = _parameters(x)
    for shown in (x.image(), x.image(grid=(4, 6)), x.image(grid=(5, 8)), x.image("wide", 1, (18, 37), 1)):
        grid, own = shown.shape[2:], xi[: shown.shape[1]].copy()
        yield f"grid {grid}", a.mesh_free(own, shown), mesh_free(own, shown), _size(xi, grid) * norm(shown)


@law("F2", "mesh_free", SOURCE, PLANE)
def _same_operator(a: Gate, x: Instance) -> Claims:
    """The same parameters mean the same operator on every mesh.

    a band-limited field on 8 and 16 cells along each axis gives the same values at common points; scale ‖v‖_∞
    Catches: wave numbers or times that depend on the mesh.
    """
    xi, coefficients = _parameters(x)[:1], x.draw("waves", 3)
    results = []
    for n in (8, 16):
        t = 2 * np.pi * np.arange(n) / n
        u = sum(
            b * np.cos(k * t[:, None] + j * t)
            for b, k, j in zip(coefficients, (1, 0, 2), (2, 3, -1), strict=True)
        )
        u = x.image_scale * (u + np.sin(t[:, None] - 3 * t))
        results.append(a.mesh_free(xi, u[None, None].astype(x.dtype))[..., :: n // 8, :: n // 8])
    yield from agree("8 and 16 cells", results[0], results[1], 8 * _size(xi, (8, 8)) * x.image_scale)


@law("F3", "mesh_free", SOURCE, PLANE)
def _structure(a: Gate, x: Instance) -> Claims:
    """It commutes with shifts, keeps channels apart, and g0 alone keeps constants.

    C S = S C; C 1 = g0 1; scale ‖symbol‖‖w‖
    Catches: a grid that has a beginning, parameters of another channel.
    """
    Y, xi = x.image(), _parameters(x)
    scale = _size(xi, x.grid) * norm(Y)
    whole = a.mesh_free(xi, Y)
    yield from agree("shift", a.mesh_free(xi, shift(Y, (1, 1))), shift(whole, (1, 1)), scale)
    yield from agree("last channel alone", a.mesh_free(xi[-1:], Y[:, -1:].copy()), whole[:, -1:], scale)
    ones = np.ones((1, x.c_in, *x.grid), x.dtype)
    yield "C 1 = g0 1", a.mesh_free(xi, ones), xi[:, 3, None, None] * ones, _size(xi, x.grid) * norm(ones)


@law("F4", "mesh_free_gradient mesh_free", SOURCE, PLANE)
def _gradient(a: Gate, x: Instance) -> Claims:
    """The gradient in the seven parameters is the one of the definition.

    ∂⟨Z, C(ξ)Y⟩/∂ξ; linear in g: Σ_g g ∂/∂g ⟨Z, CY⟩ = ⟨Z, CY⟩; scale ‖symbol‖‖y‖‖z‖
    Catches: a derivative that is missing, the gradient summed over channels, one of them without its sign.
    """
    Y, Z, xi = x.image("Y"), x.image("Z"), _parameters(x)
    scale = 10 * _size(xi, x.grid) * norm(Y) * norm(Z)
    got = a.mesh_free_gradient(xi, Y, Z)
    yield "∂⟨Z, CY⟩/∂ξ", got, mesh_free_gradient(xi, Y, Z), scale
    linear = float((xi[:, 3:6].astype("float64") * got[:, 3:6]).sum())
    yield from agree("Σ g ∂/∂g", linear, dot(Z, a.mesh_free(xi, Y)), scale)


def _parameters(x: Instance) -> Array:
    """Return ξ (c, 7) of channels with different diffusion, both signs of a, and times of about 0.1."""
    xi = x.draw("xi", x.c_in, 7)
    xi[:, 0] = np.abs(xi[:, 0]) + np.asarray(0.2, x.dtype)
    xi[:, 6] = (xi[:, 6] - 4) / 2
    return xi


def _size(xi: Array, grid: tuple[int, ...]) -> float:
    """Return a bound of the symbol and its derivatives."""
    k = max(grid)
    return float((1 + np.abs(xi[:, 3:6]).sum(axis=1)).max() * (1 + max_norm(xi)) * k)
