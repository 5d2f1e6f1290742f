"""The named route for wide 3×3 layers: Winograd's F(4×4, 3×3), 36 products for a tile of 4×4 cells, not 144.

Along one axis, with the points p_k = 0, 1, -1, 1/2, -2 and ∞ (Toom and Cook; Lavin and Gray 2016),

    Σ_κ s_κ y_{i+κ} = Σ_k A_ki (Σ_j G_kj s_j) (Σ_l B_kl y_l),    i = 0 … 3;  κ, j: 3 entries;  k, l = 0 … 5,

and along two axes with A ⊗ A, G ⊗ G, B ⊗ B. So each of the 36 pairs k has one matrix product over channels
and tiles: K(S) Y is Aᵀ (U_k V_k) with U = G S, V = B Y, and the gradient of S is Gᵀ Σ_tiles (A Z)_k (V_k)ᵀ.

Round-off: the error of an entry of K(S) Y is at most γ a² ‖S‖ max|Y| with a = ``AMPLIFICATION``, ‖S‖ the
largest row sum of |K| and γ = (c + 96) ε for sums of c channels, and of 36, 36, 16 and 9 numbers before and
after; on random data it is 4 to 10 times that of the other routes. The largest number of a tile sets it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.backend import Backend
from refms.elementwise import finish
from refms.errors import Array, InputError
from refms.stencils.routes.route import ZERO, Geometry, Products, added, flip, of_one_dtype, summed
from refms.stencils.routes.tiles import TILE, TileMaps, groups_of, kron, tile_maps

POINTS = (0.0, 1.0, -1.0, 0.5, -2.0)
"""Finite points; with 2 in the place of 1/2 the error is three times as large."""


def _toom_cook() -> tuple[Array, Array, Array]:
    """Return A (6, 4), G (6, 3) and B (6, 6): a row for each point, ∞ last."""
    others = [[q for q in POINTS if q != p] for p in POINTS]
    A = [[p**i for i in range(TILE)] for p in POINTS]
    G = [
        [p**j / math.prod(p - q for q in rest) for j in range(3)]
        for p, rest in zip(POINTS, others, strict=True)
    ]
    B = [[*np.poly(rest)[::-1], 0.0] for rest in others]
    return np.array([*A, [0, 0, 0, 1]]), np.array([*G, [0, 0, 1]]), np.array([*B, np.poly(POINTS)[::-1]])


A, G, B = _toom_cook()

AMPLIFICATION = float((np.abs(A).T @ (np.abs(G).max(axis=1) * np.abs(B).sum(axis=1))).max())
"""a = max_i Σ_k |A_ki| max_j |G_kj| Σ_l |B_kl|: how much larger than their sum the terms can be."""


def winograd_products(
    geometry: Geometry, examples: int, backend: Backend, maps: TileMaps | None = None
) -> Products:
    """Return the products for stencils of 3×3 entries; any dtype, NumPy or CuPy, if no ``maps`` are given."""
    if geometry.stencil_shape != (3, 3):
        raise InputError(
            f"the route 'winograd' takes stencils of 3×3 entries, not {geometry.stencil_shape}; take 'auto'."
        )
    xp, shape = backend.xp, (*geometry.grid.shape, examples)
    spread, gather = maps or tile_maps(geometry, backend)

    def fields(Y: Array) -> Array:
        return xp.ascontiguousarray(Y).reshape(-1, *shape)

    def weights(S: Array, dtype: Any) -> Array:
        """Return U = (G ⊗ G) S, shape (36, rows, channels)."""
        if S.strides[-1] < 0:  # those of K(S)ᵀ, a view of S: flipping G is less than copying that
            own = flip(S).swapaxes(0, 1)
            return (
                (kron(G[:, ::-1], dtype, xp) @ own.reshape(-1, 9).T)
                .reshape(-1, *own.shape[:2])
                .swapaxes(1, 2)
            )
        return (kron(G, dtype, xp) @ S.reshape(-1, 9).T).reshape(-1, *S.shape[:2])

    def stencils(total: Array) -> Array:
        """Return (G ⊗ G)ᵀ of sums over tiles (36, rows, channels), shape (rows, channels, 3, 3)."""
        taps = total.reshape(len(total), -1).T @ kron(G, total.dtype, xp)
        return taps.reshape(*total.shape[1:], 3, 3)

    def correlate(S: Array, Y: Array) -> Array:
        S, Y = of_one_dtype(S, fields(Y), xp)
        U, out = weights(S, Y.dtype), xp.empty((len(S), *shape), dtype=Y.dtype)
        for group in groups_of(Y.shape, Y.itemsize, backend):
            gather(A, U, spread(B, Y, group), out, group)
        return out.reshape(-1, examples)

    def gradient(Z: Array, Y: Array) -> Array:
        (Z, Y), total = of_one_dtype(fields(Z), fields(Y), xp), ZERO
        for group in groups_of(Y.shape, Y.itemsize, backend):
            total = added(total, spread(A, Z, group) @ spread(B, Y, group).swapaxes(1, 2))
        return stencils(total)

    def adjoint_and_gradient(T: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        # Σ_i Z_{o,i} Y_{c,i+κ} = Σ_j Z_{o,j-κ} Y_{c,j}: the tiles of Z with their halo serve both.
        T, Z = of_one_dtype(T, fields(Z), xp)
        (Z, Y), total = of_one_dtype(Z, fields(Y), xp), ZERO
        U, out = weights(T, Z.dtype), xp.empty((len(T), *shape), dtype=Z.dtype)
        for group in groups_of(Z.shape, Z.itemsize, backend):
            V = spread(B, Z, group)
            gather(A, U, V, out, group)
            total = added(total, spread(A, Y, group) @ V.swapaxes(1, 2))
        found = flip(stencils(total).swapaxes(0, 1))
        return finish(backend, out.reshape(-1, examples), None, None, add), found

    return Products(summed(correlate, backend), gradient, adjoint_and_gradient)
