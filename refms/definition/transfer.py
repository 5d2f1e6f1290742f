"""Restriction and prolongation between meshes: (R y)_I = Σ_a r_a y_{2I+a}, (P y)_i = Σ_{2J+b=i} p_b y_J.

Periodic; in d dimensions R = R_1 ⊗ … ⊗ R_d and P = P_1 ⊗ … ⊗ P_d.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from refms.definition.arrays import Array, combine

Weights = Mapping[int, float]
"""Offset -> weight, a dyadic number: exact as a double."""


def correlation(r: Weights, p: Weights) -> dict[int, float]:
    """Return the non-zero c_k = Σ_{b-a=k} r_a p_b.

    >>> correlation({0: 0.5, 1: 0.5}, {0: 1.0, 1: 1.0})
    {-1: 0.5, 0: 1.0, 1: 0.5}
    """
    c: dict[int, float] = {}
    for a, ra in r.items():
        for b, pb in p.items():
            c[b - a] = c.get(b - a, 0.0) + ra * pb
    return {k: v for k, v in sorted(c.items()) if v != 0}


@dataclass(frozen=True)
class Pair:
    """r_a and p_b, and what is true of them.

    ``vertex``: coarse point I lies at fine point 2I, else it covers the cells 2I and 2I + 1. ``gamma``: γ
    where RP = γI in 1-D, or None. ``variational``: R = 2^-d Pᵀ. ``linears``: whether R and P carry linear
    functions over exactly. ``order``: q of ‖PRu − u‖ = O(h^q), R scaled to R1 = 1.
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
    def correlation(self) -> dict[int, float]:
        """c_k = Σ_{b-a=k} r_a p_b."""
        return correlation(self.r, self.p)

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
"""The pairs of the papers and of the multigrid literature."""


def rows(weights: Weights, n: int) -> Array:
    """Return the (n/2, n) matrix with w_a at (I, 2I + a mod n): R_1 of the r_a, P_1ᵀ of the p_b."""
    matrix = np.zeros((n // 2, n))
    for row in range(n // 2):
        for offset, weight in weights.items():
            matrix[row, (2 * row + offset) % n] += weight
    return matrix


def restrict(Y: Array, r: Weights) -> Array:
    """Return R Y on images: (R y)_I = Σ_a r_a y_{2I+a} along every axis."""
    for axis in range(2, Y.ndim):
        Y = combine(rows(r, Y.shape[axis]), Y, axis)
    return Y


def prolong(Y: Array, p: Weights) -> Array:
    """Return P Y on images: along every axis p_b y_J is added to (P y)_{2J+b}."""
    for axis in range(2, Y.ndim):
        Y = combine(rows(p, 2 * Y.shape[axis]).T, Y, axis)
    return Y


def restriction(pair: Pair, grid: Sequence[int]) -> Array:
    """Return the dense matrix R = R_1 ⊗ … ⊗ R_d on a fine grid.

    >>> restriction(PAIRS["averaging-constant"], (4,)).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    return reduce(np.kron, [rows(pair.r, n) for n in grid])


def prolongation(pair: Pair, grid: Sequence[int]) -> Array:
    """Return the dense matrix P = P_1 ⊗ … ⊗ P_d to a fine grid."""
    return reduce(np.kron, [rows(pair.p, n).T for n in grid])


def coarsen(grid: Sequence[int]) -> tuple[int, ...]:
    """Return the grid with half as many cells along every axis."""
    return tuple(n // 2 for n in grid)
