"""Mistakes in restriction and prolongation of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import by, coarse, columns, images, roll, times, to_last
from refms.conformance.mutants.mutant import alter, feed, of_family, substitute
from refms.errors import Array

Grid = tuple[int, ...]


def _halve_first_coarse_cell(found: Array, Y: Array, grid: Grid, pair: str) -> Array:
    small = images(found, coarse(grid)).copy()
    small[:, :, 0] *= 0.5
    return columns(small)


def _halve_last_fine_cell(found: Array, Y: Array, grid: Grid, pair: str) -> Array:
    fine = images(found, grid)
    fine[:, :, -1] = 0.5 * fine[:, :, -2]
    return columns(fine)


def _copy_first_coarse_cell(found: Array, Y: Array, grid: Grid, pair: str) -> Array:
    small = images(found, coarse(grid))
    small[:, :, -1] = small[:, :, 0]
    return columns(small)


def _cut_odd(Y: Array, grid: Grid, pair: str) -> tuple[Any, ...]:
    even = tuple(n - n % 2 for n in grid)
    return columns(images(Y, grid)[(slice(None), slice(None), *(slice(0, n) for n in even))]), even, pair


def _mix(found: Array, Y: Array, grid: Grid, pair: str) -> Array:
    small = images(found, coarse(grid))
    return columns(small + small.mean(axis=(0, 1), keepdims=True) / 10)


def _max_pool(right: Any, Y: Array, grid: Grid, pair: str) -> Array:
    """Return the largest value of every 2 x … x 2 block."""
    found = images(Y, grid)
    for axis in range(2, found.ndim):
        even, odd = (np.take(found, range(start, found.shape[axis], 2), axis) for start in (0, 1))
        found = np.maximum(even, odd)
    return columns(found)


TRANSFER = of_family(
    "transfer",
    alter("R sums where it should average", restrict=by(lambda Y, grid, pair: 2 ** len(grid))),
    feed("R takes one cell where it should average", restrict=to_last("nearest")),
    substitute("R takes the largest value (max pooling)", restrict=_max_pool),
    feed(
        "R reads one fine cell further along the first axis",
        restrict=lambda Y, grid, pair: (roll(Y, grid, -1, 2), grid, pair),
    ),
    alter(
        "a factor 2 in R in two and three dimensions",
        restrict=by(lambda Y, grid, pair: 1.0 if len(grid) == 1 else 2.0),
    ),
    alter("first coarse cell of R halved", restrict=_halve_first_coarse_cell),
    alter("last coarse cell of R is a copy of the first", restrict=_copy_first_coarse_cell),
    feed("odd rows at the end dropped by R", restrict=_cut_odd),
    alter("channels and examples mixed by R", restrict=_mix),
    alter(
        "channels reversed by R",
        restrict=lambda found, Y, grid, pair: columns(images(found, coarse(grid))[:, ::-1]),
    ),
    alter(
        "P one fine cell too far along the last axis",
        prolong=lambda found, Y, grid, pair: roll(found, grid, 1, -1),
    ),
    feed("P piecewise constant for every pair", prolong=to_last("averaging-constant")),
    feed("P interpolates between vertices for every pair", prolong=to_last("injection-linear")),
    alter("P too large by a tenth", prolong=times(1.1)),
    alter(
        "P divided by 2^d, as if it were a transposed average",
        prolong=lambda found, Y, grid, pair: found / 2 ** len(grid),
    ),
    alter("last fine cell of P is half of its neighbour", prolong=_halve_last_fine_cell),
)
"""The family."""
