"""Forward propagation, eqs. (1)-(3): y_0 = L x, y_{k+1} = y_k + δt σ(K(s_k) y_k + b_k), k < N, δt = T/N.

Parameters p: ``opening`` (c, c_image, *), ``stencils`` (N, c, c, *) and ``biases`` (N, c), one a channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from refms.definition.activation import activate, slope
from refms.definition.arrays import Array, Number
from refms.definition.convolution import adjoint, convolve, stencil_gradient

Parameters = Mapping[str, Array]


def preactivation(s: Array, b: Array, y: Array, **shifts: str) -> Array:
    """Return K(s) y + b for shifts by ``boundary`` and ``orientation``."""
    return convolve(s, y, **shifts) + b.reshape(-1, *(1,) * (y.ndim - 2))


def states(p: Parameters, X: Array, T: Number, activation: str = "tanh", **shifts: str) -> list[Array]:
    """Return y_0 … y_N of images X (m, c_image, *grid), each (m, c, *grid)."""
    y, dt = [convolve(p["opening"], X, **shifts)], T / len(p["stencils"])
    for s, b in zip(p["stencils"], p["biases"], strict=True):
        y.append(y[-1] + dt * activate(preactivation(s, b, y[-1], **shifts), activation))
    return y


def slopes(p: Parameters, y: Sequence[Array], activation: str = "tanh", **shifts: str) -> list[Array]:
    """Return σ′(K(s_k) y_k + b_k) for k = 0 … N−1."""
    layers = zip(p["stencils"], p["biases"], y[:-1], strict=True)
    return [slope(preactivation(s, b, y_k, **shifts), activation) for s, b, y_k in layers]


def tangent(
    p: Parameters,
    y: Sequence[Array],
    slope_of: Sequence[Array],
    dp: Parameters,
    dy: Array,
    T: Number,
    **shifts: str,
) -> Array:
    """Return dy_N of dy_0: dy_{k+1} = dy_k + δt σ′ (K(ds_k) y_k + K(s_k) dy_k + db_k)."""
    dt = T / len(p["stencils"])
    layers = zip(p["stencils"], dp["stencils"], dp["biases"], y[:-1], slope_of, strict=True)
    for s, ds, db, y_k, slope_k in layers:
        dy = dy + dt * slope_k * (preactivation(ds, db, y_k, **shifts) + convolve(s, dy, **shifts))
    return dy


def cotangent(
    p: Parameters, y: Sequence[Array], slope_of: Sequence[Array], G: Array, T: Number, **shifts: str
) -> tuple[dict[str, Array], Array]:
    """Return the gradients of ⟨G, y_N⟩ in stencils and biases, and in y_0.

    With G_N = G and z_k = δt σ′ G_{k+1}: ∂/∂s_κ = ⟨Π_κ y_k, z_k⟩, ∂/∂b = Σ z_k, G_k = G_{k+1} + K(s_k)ᵀ z_k.
    """
    dt, stencils, biases = T / len(p["stencils"]), [], []
    for s, y_k, slope_k in zip(p["stencils"][::-1], y[-2::-1], slope_of[::-1], strict=True):
        z = dt * slope_k * G
        stencils.append(stencil_gradient(z, y_k, s.shape[2:], **shifts))
        biases.append(z.sum(axis=(0, *range(2, z.ndim))))
        G = G + adjoint(s, z, **shifts)
    return {"stencils": np.stack(stencils[::-1]), "biases": np.stack(biases[::-1])}, G
