"""The seven transfer pairs (R, P), and R y and P y as sums over the offsets of their weights."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from refms.certify.formulas.tensor import Number, Tensor, filled


@dataclass(frozen=True)
class Weights:
    """Rational weights by offset, over one divisor.

    Parameters
    ----------
    over : mapping of int to int
        Offset -> numerator.
    divisor : int
        Common denominator.
    """

    over: Mapping[int, int]
    divisor: int

    def products(self, dimension: int) -> list[tuple[tuple[int, ...], int]]:
        """Return the d-dimensional offsets with their numerators, over ``divisor`` to the power d.

        Parameters
        ----------
        dimension : int
            d.

        Returns
        -------
        list
            Pairs of an offset tuple and the product of the numerators.
        """
        combined = itertools.product(self.over.items(), repeat=dimension)
        return [(tuple(a for a, _ in axes), math.prod(w for _, w in axes)) for axes in combined]


@dataclass(frozen=True)
class Pair:
    """R[I, 2I + a] = r_a and P[2J + b, J] = p_b in one dimension, products of these in more.

    Parameters
    ----------
    restriction, prolongation : Weights
        The r_a and the p_b.
    """

    restriction: Weights
    prolongation: Weights


_MEAN = Weights({0: 1, 1: 1}, 2)
_POINT = Weights({0: 1}, 1)
_CONSTANT = Weights({0: 1, 1: 1}, 1)
_LINEAR = Weights({-1: 1, 0: 2, 1: 1}, 2)

PAIRS: Mapping[str, Pair] = {
    "averaging-bilinear": Pair(_MEAN, Weights({-1: 1, 0: 3, 1: 3, 2: 1}, 4)),
    "averaging-constant": Pair(_MEAN, _CONSTANT),
    "summing-constant": Pair(_CONSTANT, _CONSTANT),
    "full-weighting-linear": Pair(Weights({-1: 1, 0: 2, 1: 1}, 4), _LINEAR),
    "injection-linear": Pair(_POINT, _LINEAR),
    "injection-cubic": Pair(_POINT, Weights({-3: -1, -1: 9, 0: 16, 1: 9, 3: -1}, 16)),
    "nearest": Pair(_POINT, _CONSTANT),
}
"""The table of the conventions."""


def restrict(weights: Weights, Y: Tensor) -> Tensor:
    """Return R Y: (R y)_I = Σ_a r_a y_{2I+a}, periodic.

    Parameters
    ----------
    weights : Weights
        Of a restriction.
    Y : numpy.ndarray
        Fine features, shape (c, *grid, m) with even extents.

    Returns
    -------
    numpy.ndarray
        Coarse features, shape (c, *grid / 2, m).
    """
    grid = Y.shape[1:-1]
    taps, divisor = weights.products(len(grid)), weights.divisor ** len(grid)

    def entry(index: tuple[int, ...]) -> Number:
        c, *coarse, j = index
        return sum(w * Y[(c, *_fine(coarse, a, grid), j)] for a, w in taps) / divisor

    return filled((Y.shape[0], *(n // 2 for n in grid), Y.shape[-1]), entry)


def prolong(weights: Weights, Y: Tensor) -> Tensor:
    """Return P Y: (P y)_i = Σ_J Σ {p_b y_J : 2J + b = i}, periodic.

    Parameters
    ----------
    weights : Weights
        Of a prolongation.
    Y : numpy.ndarray
        Coarse features, shape (c, *grid, m).

    Returns
    -------
    numpy.ndarray
        Fine features, shape (c, *2 grid, m).
    """
    coarse_grid = Y.shape[1:-1]
    grid = tuple(2 * n for n in coarse_grid)
    arrivals: dict[tuple[int, ...], list[tuple[tuple[int, ...], int]]] = {}
    for coarse in itertools.product(*map(range, coarse_grid)):
        for b, w in weights.products(len(grid)):
            arrivals.setdefault(_fine(coarse, b, grid), []).append((coarse, w))
    divisor = weights.divisor ** len(grid)

    def entry(index: tuple[int, ...]) -> Number:
        c, *cell, j = index
        return sum(w * Y[(c, *coarse, j)] for coarse, w in arrivals[tuple(cell)]) / divisor

    return filled((Y.shape[0], *grid, Y.shape[-1]), entry)


def _fine(coarse: Sequence[int], offset: Sequence[int], grid: Sequence[int]) -> tuple[int, ...]:
    return tuple((2 * i + a) % n for i, a, n in zip(coarse, offset, grid, strict=True))
