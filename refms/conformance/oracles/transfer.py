"""The transfer pairs as rows of numbers, their dense matrices, and what is true of each of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from refms.errors import Array

Weights = dict[int, float]
"""Offset -> weight."""


@dataclass(frozen=True)
class Pair:
    """R[I, 2I + a] = r_a and P[2J + b, J] = p_b in one dimension, and the facts about them.

    Parameters
    ----------
    r, p : dict of int to float
        The weights.
    vertex : bool
        Whether coarse point I lies at fine point 2I (True) or covers the fine cells 2I and 2I + 1 (False).
    gamma : float or None
        γ where RP = γI in one dimension.
    variational : bool
        Whether R = 2^-d Pᵀ.
    linears : tuple of bool
        Whether (R, P) carry linear functions over exactly.
    order : int
        q in ‖PRu − u‖ = O(h^q), R scaled to R1 = 1.
    """

    r: Weights
    p: Weights
    vertex: bool
    gamma: float | None
    variational: bool
    linears: tuple[bool, bool]
    order: int

    @property
    def row_sum(self) -> float:
        """Σ r_a."""
        return sum(self.r.values())

    @property
    def correlation(self) -> Weights:
        """c_k = Σ_{b-a=k} r_a p_b."""
        c: Weights = {}
        for a, ra in self.r.items():
            for b, pb in self.p.items():
                c[b - a] = c.get(b - a, 0.0) + ra * pb
        return {k: v for k, v in sorted(c.items()) if v != 0.0}

    @property
    def symmetric(self) -> bool:
        """Whether c_{-k} = c_k."""
        c = self.correlation
        return all(c.get(-k) == v for k, v in c.items())

    @property
    def monotone(self) -> bool:
        """Whether no weight is negative."""
        return min(*self.r.values(), *self.p.values(), 0.0) == 0.0


_MEAN, _SUM, _INJECT = {0: 0.5, 1: 0.5}, {0: 1.0, 1: 1.0}, {0: 1.0}
_LINEAR = {-1: 0.5, 0: 1.0, 1: 0.5}
_BILINEAR = {-1: 0.25, 0: 0.75, 1: 0.75, 2: 0.25}
_CUBIC = {-3: -1 / 16, -1: 9 / 16, 0: 1.0, 1: 9 / 16, 3: -1 / 16}
_FULL_WEIGHTING = {-1: 0.25, 0: 0.5, 1: 0.25}

PAIRS: dict[str, Pair] = {
    "averaging-bilinear": Pair(_MEAN, _BILINEAR, False, None, False, (True, True), 2),
    "averaging-constant": Pair(_MEAN, _SUM, False, 1.0, True, (True, False), 1),
    "summing-constant": Pair(_SUM, _SUM, False, 2.0, False, (False, False), 1),
    "full-weighting-linear": Pair(_FULL_WEIGHTING, _LINEAR, True, None, True, (True, True), 2),
    "injection-linear": Pair(_INJECT, _LINEAR, True, 1.0, False, (True, True), 2),
    "injection-cubic": Pair(_INJECT, _CUBIC, True, 1.0, False, (True, True), 4),
    "nearest": Pair(_INJECT, _SUM, False, 1.0, False, (False, False), 1),
}
"""The pairs of the papers and of the multigrid literature, under the names that profiles use."""


def restriction(pair: Pair, grid: tuple[int, ...]) -> Array:
    """Return the dense matrix R = R_1 ⊗ … ⊗ R_d on a fine grid, periodic.

    Parameters
    ----------
    pair : Pair
        The pair.
    grid : tuple of int
        Even extents.

    Returns
    -------
    numpy.ndarray
        Shape (coarse cells, fine cells), float64.

    Examples
    --------
    >>> restriction(PAIRS["averaging-constant"], (4,)).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    return reduce(np.kron, [_rows(pair.r, n) for n in grid])


def prolongation(pair: Pair, grid: tuple[int, ...]) -> Array:
    """Return the dense matrix P = P_1 ⊗ … ⊗ P_d to a fine grid, periodic; see :func:`restriction`."""
    return reduce(np.kron, [_rows(pair.p, n).T for n in grid])


def _rows(weights: Weights, n: int) -> Array:
    """Return the (n/2, n) matrix with weights[a] at (I, 2I + a mod n)."""
    matrix = np.zeros((n // 2, n))
    for row in range(n // 2):
        for offset, weight in weights.items():
            matrix[row, (2 * row + offset) % n] += weight
    return matrix


def applied(matrix: Array, Y: Array, grid: tuple[int, ...]) -> Array:
    """Return a matrix applied to every channel and example of images; ``grid`` is that of the result."""
    flat = np.asarray(Y, dtype="float64").reshape(*Y.shape[:2], -1)
    return (flat @ matrix.T).reshape(*Y.shape[:2], *grid)


def coarse(grid: tuple[int, ...]) -> tuple[int, ...]:
    """Return the grid with half as many cells along every axis."""
    return tuple(n // 2 for n in grid)


def stencil_map(pair: Pair, size: int) -> Array:
    """Return the 1-D matrix A_{Q,q} = c_{q-2Q} of s_H = A s_h, its rows Q as wide as c reaches.

    Parameters
    ----------
    pair : Pair
        The pair.
    size : int
        Odd size of s_h.

    Returns
    -------
    numpy.ndarray
        Shape (odd size of s_H, size), float64.

    Examples
    --------
    >>> stencil_map(PAIRS["averaging-bilinear"], 3).tolist()
    [[0.5, 0.125, 0.0], [0.5, 0.75, 0.5], [0.0, 0.125, 0.5]]
    """
    r, c = size // 2, pair.correlation
    reach = 0
    for q in range(-r, r + 1):
        for k in c:
            if (q - k) % 2 == 0:
                reach = max(reach, abs(q - k) // 2)
    rows = range(-reach, reach + 1)
    return np.array([[c.get(q - 2 * Q, 0.0) for q in range(-r, r + 1)] for Q in rows])


def closed(pair: Pair, size: int) -> bool:
    """Return whether stencils of this size are mapped one to one onto stencils of this size."""
    A = stencil_map(pair, size)
    return A.shape == (size, size) and int(np.linalg.matrix_rank(A)) == size


def down(S: Array, pair: Pair, d: int) -> Array:
    """Return (A ⊗ … ⊗ A) S over the last d axes, in double precision."""
    result = np.asarray(S, dtype="float64")
    for axis in range(S.ndim - d, S.ndim):
        A = stencil_map(pair, S.shape[axis])
        result = np.moveaxis(np.tensordot(A, result, axes=(1, axis)), 0, axis)
    return result
