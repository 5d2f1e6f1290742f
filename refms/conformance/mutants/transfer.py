"""Mistakes in restriction and prolongation of images."""

from __future__ import annotations

import numpy as np

from refms.conformance.mutants.arrays import columns, images, roll
from refms.conformance.mutants.mutant import Asked, Table
from refms.definition.transfer import coarsen
from refms.errors import Array


def _small(t: Asked) -> Array:
    """Return the right restriction as images (m, c, *coarse grid)."""
    return images(t(), coarsen(t.grid)).copy()


def _halve_first_coarse_cell(t: Asked) -> Array:
    small = _small(t)
    small[:, :, 0] *= 0.5
    return columns(small)


def _copy_first_coarse_cell(t: Asked) -> Array:
    small = _small(t)
    small[:, :, -1] = small[:, :, 0]
    return columns(small)


def _halve_last_fine_cell(t: Asked) -> Array:
    fine = images(t(), t.grid)
    fine[:, :, -1] = 0.5 * fine[:, :, -2]
    return columns(fine)


def _cut_odd(t: Asked) -> Array:
    even = tuple(n - n % 2 for n in t.grid)
    return t(Y=columns(images(t.Y, t.grid)[(..., *(slice(0, n) for n in even))]), grid=even)


def _mix(t: Asked) -> Array:
    small = _small(t)
    return columns(small + small.mean(axis=(0, 1), keepdims=True) / 10)


def _max_pool(t: Asked) -> Array:
    """Return the largest value of every 2 x … x 2 block."""
    found = images(t.Y, t.grid)
    for axis in range(2, found.ndim):
        even, odd = (np.take(found, range(start, found.shape[axis], 2), axis) for start in (0, 1))
        found = np.maximum(even, odd)
    return columns(found)


MISTAKES: Table = {
    "restrict": {
        "R sums where it should average": lambda t: 2 ** len(t.grid) * t(),
        "R takes one cell where it should average": lambda t: t(pair="nearest"),
        "R takes the largest value (max pooling)": _max_pool,
        "R reads one fine cell further along the first axis": lambda t: t(Y=roll(t.Y, t.grid, -1, 2)),
        "a factor 2 in R in two and three dimensions": lambda t: min(len(t.grid), 2) * t(),
        "first coarse cell of R halved": _halve_first_coarse_cell,
        "last coarse cell of R is a copy of the first": _copy_first_coarse_cell,
        "odd rows at the end dropped by R": _cut_odd,
        "channels and examples mixed by R": _mix,
        "channels reversed by R": lambda t: columns(_small(t)[:, ::-1]),
    },
    "prolong": {
        "P one fine cell too far along the last axis": lambda t: roll(t(), t.grid, 1, -1),
        "P piecewise constant for every pair": lambda t: t(pair="averaging-constant"),
        "P interpolates between vertices for every pair": lambda t: t(pair="injection-linear"),
        "P too large by a tenth": lambda t: 1.1 * t(),
        "P divided by 2^d, as if it were a transposed average": lambda t: t() / 2 ** len(t.grid),
        "last fine cell of P is half of its neighbour": _halve_last_fine_cell,
    },
}
