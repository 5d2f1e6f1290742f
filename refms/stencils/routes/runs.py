"""Cells in runs: pieces of lines in which every tap of a stencil reads consecutive cells."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from refms.errors import Array
from refms.grid import Grid
from refms.stencils.routes.neighbours import neighbours, offsets_of
from refms.stencils.routes.route import Geometry


@lru_cache(maxsize=64)
def runs_of(geometry: Geometry) -> tuple[Array, Array]:
    """Return all cells in runs, in C order: the inner part of every line (last axis), its ends cell by cell.

    Table, int64 (runs, 4): first cell, number of cells, position of the first tap, number of taps.
    Taps, int64 (all taps, 2): number κ of the tap, and the cell that it reads for the first cell; for the
    following cells the following ones. A zero boundary leaves out what lies beyond.

    >>> table, taps = runs_of(Geometry(Grid((5,)), (3,), "periodic"))
    >>> table[:, :2].tolist(), taps[:3].tolist()
    ([[0, 1], [1, 3], [4, 1]], [[0, 4], [1, 0], [2, 1]])
    """
    grid, sizes = geometry.grid, geometry.stencil_shape
    if math.prod(sizes) == 1:  # nothing wraps around: all cells are one line
        grid, sizes = Grid((grid.cells,)), (1,)
    last, reach = grid.shape[-1], sizes[-1] // 2
    single = set(range(min(reach, last))) | set(range(max(last - reach, 0), last))
    starts = [i for i in range(last) if i in single or i == reach]
    lengths = [1 if i in single else last - 2 * reach for i in starts]
    cells, inside = neighbours(grid.shape, [offsets_of(size) for size in sizes], geometry.boundary)
    first = (np.arange(grid.cells // last)[:, None] * last + np.array(starts)).reshape(-1)
    acts = inside[first]
    numbers = np.broadcast_to(np.arange(acts.shape[1]), acts.shape)
    counts = acts.sum(axis=1)
    lines = first.size // len(starts)
    table = np.stack([first, np.tile(lengths, lines), np.cumsum(counts) - counts, counts], axis=1)
    return table.astype(np.int64), np.stack([numbers[acts], cells[first][acts]], axis=1)
