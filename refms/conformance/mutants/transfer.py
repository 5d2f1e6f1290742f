"""Mistakes in restriction and prolongation of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import coarse, columns, images, rolled, with_first
from refms.conformance.mutants.mutant import Shelf
from refms.errors import Array

shelf = Shelf("transfer")


def _first_coarse_cell(found: Array, Y: Array, grid: tuple[int, ...], pair: str) -> Array:
    return columns(with_first(images(found, coarse(grid)), 0.5, axis=2))


def _last_fine_cell(found: Array, Y: Array, grid: tuple[int, ...], pair: str) -> Array:
    fine = images(found, grid)
    fine[:, :, -1] = 0.5 * fine[:, :, -2]
    return columns(fine)


def _coarse_cell_twice(found: Array, Y: Array, grid: tuple[int, ...], pair: str) -> Array:
    small = images(found, coarse(grid))
    small[:, :, -1] = small[:, :, 0]
    return columns(small)


def _odd_cut_off(right: Any, Y: Array, grid: tuple[int, ...], pair: str) -> Array:
    even = tuple(n - n % 2 for n in grid)
    cut = images(Y, grid)[(slice(None), slice(None), *(slice(0, n) for n in even))]
    return right.restrict(columns(cut), even, pair)


def _mixed(found: Array, Y: Array, grid: tuple[int, ...], pair: str) -> Array:
    small = images(found, coarse(grid))
    return columns(small + small.mean(axis=(0, 1), keepdims=True) / 10)


def _largest(right: Any, Y: Array, grid: tuple[int, ...], pair: str) -> Array:
    """Return the largest value of every 2 x … x 2 block."""
    found = images(Y, grid)
    for axis in range(2, found.ndim):
        found = np.maximum(np.take(found, range(0, found.shape[axis], 2), axis), _odd(found, axis))
    return columns(found)


def _odd(Y: Array, axis: int) -> Array:
    return np.take(Y, range(1, Y.shape[axis], 2), axis)


TRANSFER = (
    shelf.altered(
        "R sums where it should average", restrict=lambda found, Y, grid, pair: found * 2 ** len(grid)
    ),
    shelf.replaced(
        "R takes one cell where it should average",
        restrict=lambda right, Y, grid, pair: right.restrict(Y, grid, "nearest"),
    ),
    shelf.replaced("R takes the largest value (max pooling)", restrict=_largest),
    shelf.replaced(
        "R reads one fine cell further along the first axis",
        restrict=lambda right, Y, grid, pair: right.restrict(rolled(Y, grid, -1, 2), grid, pair),
    ),
    shelf.altered(
        "a factor 2 in R in two and three dimensions",
        restrict=lambda found, Y, grid, pair: found * (1.0 if len(grid) == 1 else 2.0),
    ),
    shelf.altered("first coarse cell of R halved", restrict=_first_coarse_cell),
    shelf.altered("last coarse cell of R is a copy of the first", restrict=_coarse_cell_twice),
    shelf.replaced("odd rows at the end dropped by R", restrict=_odd_cut_off),
    shelf.altered("channels and examples mixed by R", restrict=_mixed),
    shelf.altered(
        "channels reversed by R",
        restrict=lambda found, Y, grid, pair: columns(images(found, coarse(grid))[:, ::-1]),
    ),
    shelf.altered(
        "P one fine cell too far along the last axis",
        prolong=lambda found, Y, grid, pair: rolled(found, grid, 1, -1),
    ),
    shelf.replaced(
        "P piecewise constant for every pair",
        prolong=lambda right, Y, grid, pair: right.prolong(Y, grid, "averaging-constant"),
    ),
    shelf.replaced(
        "P interpolates between vertices for every pair",
        prolong=lambda right, Y, grid, pair: right.prolong(Y, grid, "injection-linear"),
    ),
    shelf.altered("P too large by a tenth", prolong=lambda found, Y, grid, pair: found * 1.1),
    shelf.altered(
        "P divided by 2^d, as if it were a transposed average",
        prolong=lambda found, Y, grid, pair: found / 2 ** len(grid),
    ),
    shelf.altered("last fine cell of P is half of its neighbour", prolong=_last_fine_cell),
)
"""The family."""
