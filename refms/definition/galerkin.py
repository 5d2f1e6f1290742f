"""Eqs. (8), (9), K(s_H) = R K(s_h) P: s_H = (A ⊗ … ⊗ A) s_h with A_{Qq} = c_{q-2Q}, c_k = Σ_{b-a=k} r_a p_b.

Fine row 2I + a and fine column 2J + b, Q = J − I, meet in the entry q = 2Q + b − a of the fine stencil.
"""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, combine
from refms.definition.linear_system import exact, inverse
from refms.definition.transfer import Pair, Weights, correlation


def stencil_map(r: Weights, p: Weights, size: int, orientation: str = "correlation") -> Array:
    """Return A, its rows Q as wide as c reaches; A_{Qq} = c_{2Q-q} for the orientation "convolution".

    >>> stencil_map({0: 0.5, 1: 0.5}, {-1: 0.25, 0: 0.75, 1: 0.75, 2: 0.25}, 3).tolist()
    [[0.5, 0.125, 0.0], [0.5, 0.75, 0.5], [0.0, 0.125, 0.5]]
    """
    sign = 1 if orientation == "correlation" else -1
    c = {sign * k: weight for k, weight in correlation(r, p).items()}
    half = range(-(size // 2), size // 2 + 1)
    reach = max(abs(q - k) // 2 for q in half for k in c if (q - k) % 2 == 0)
    return np.array([[c.get(q - 2 * Q, 0.0) for q in half] for Q in range(-reach, reach + 1)])


def down(S: Array, r: Weights, p: Weights, orientation: str = "correlation") -> Array:
    """Return s_H = (A ⊗ … ⊗ A) s_h for S (c_out, c_in, *stencil)."""
    for axis in range(2, S.ndim):
        S = combine(stencil_map(r, p, S.shape[axis], orientation), S, axis)
    return S


def up(S: Array, r: Weights, p: Weights, orientation: str = "correlation") -> Array:
    """Return s_h = (A⁻¹ ⊗ … ⊗ A⁻¹) s_H of the same size, A⁻¹ in fractions."""
    for axis in range(2, S.ndim):
        S = combine(inverse(exact(stencil_map(r, p, S.shape[axis], orientation))), S, axis)
    return S


def closed(pair: Pair, size: int) -> bool:
    """Return whether stencils of this size are mapped one to one onto stencils of this size."""
    A = stencil_map(pair.r, pair.p, size)
    return A.shape == (size, size) and int(np.linalg.matrix_rank(A)) == size
