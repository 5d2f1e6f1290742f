"""``spread`` and ``gather`` of Winograd's tiles, compiled: an axis at a time, whole lines in registers.

A line of cells is kept by phase, cell 4t + p as number t of phase p: then each cell of all tiles of a line
is an offset, and the matrix along an axis is a sum of lines. Extra ``fast``: numba.

Lines are rounded up to whole registers. What is written beyond a line of tiles is overwritten by the next
one, or lies in what :func:`~refms.stencils.routes.tiles.padded` leaves free behind the last.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from refms.errors import Array
from refms.stencils.routes.microkernel import lanes, lines_tile
from refms.stencils.routes.route import Geometry
from refms.stencils.routes.tiles import HALO, TILE, Group, TileMaps, padded, places_of
from refms.stencils.routes.winograd import A, B


def compiled_tile_maps(geometry: Geometry) -> TileMaps:
    """Return what :func:`~refms.stencils.routes.tiles.tile_maps` does for A and B; float32, float64."""
    columns = -(-geometry.grid.shape[1] // TILE)
    places = {more: [places_of(geometry, axis, more) for axis in (0, 1)] for more in (0, 1)}

    def spread(M: Array, Y: Array, group: Group) -> Array:
        size, more = M.shape[1], int(M.shape[1] > TILE)
        found = padded(len(Y), group.rows * columns * group.examples, Y.dtype)
        pitch = _rounded((columns + more) * group.examples, Y.dtype)
        room = np.zeros((size + HALO + 1) * TILE * pitch, dtype=Y.dtype)
        numbers = np.ascontiguousarray(Y).reshape(-1)
        _spread(
            more, _flat(found), *_pitches(found), numbers, room, pitch, *places[more], *Y.shape, *group,
            columns, lanes(Y.itemsize),
        )  # fmt: skip
        return found

    def gather(M: Array, U: Array, V: Array, out: Array, group: Group) -> None:
        V = np.matmul(U, V, out=padded(len(out), V.shape[2], V.dtype))
        pitch = _rounded(columns * group.examples, V.dtype)
        room = np.empty((HALO + TILE) * TILE * pitch, dtype=V.dtype)
        _gather(out.reshape(-1), _flat(V), *_pitches(V), room, pitch, *out.shape, *group, lanes(V.itemsize))

    return TileMaps(spread, gather)


def _rounded(length: int, dtype: Any) -> int:
    """Return a length in whole registers."""
    width = lanes(dtype.itemsize)
    return -(-length // width) * width


def _pitches(V: Array) -> tuple[int, int]:
    """Return how many numbers lie between matrices, and between rows."""
    return V.strides[0] // V.itemsize, V.strides[1] // V.itemsize


def _flat(V: Array) -> Array:
    """Return the memory of V as one line."""
    last = sum((n - 1) * stride for n, stride in zip(V.shape, V.strides, strict=True))
    return np.lib.stride_tricks.as_strided(V, (last // V.itemsize + 1,), (V.itemsize,))


@njit
def _copy(into, to, apart, given, start, pitch, count, examples):
    """Copy the examples of so many cells, ``pitch`` and ``apart`` numbers from one to the next."""
    if examples == 1:
        for t in range(count):
            into[to + t * apart] = given[start + t * pitch]
    elif examples == 2:  # a loop over both would take three times as long
        for t in range(count):
            into[to + t * apart] = given[start + t * pitch]
            into[to + t * apart + 1] = given[start + t * pitch + 1]
    else:
        for t in range(count):
            for e in range(examples):
                into[to + t * apart + e] = given[start + t * pitch + e]


@njit
def _take_apart(room, at, pitch, Y, start, count):
    """Copy tiles of one example to where their phases lie: in one loop, which sorts whole registers."""
    a, b = room[at : at + count], room[at + pitch : at + pitch + count]
    c, d = room[at + 2 * pitch : at + 2 * pitch + count], room[at + 3 * pitch : at + 3 * pitch + count]
    cells = Y[start : start + TILE * count]
    for t in range(count):
        a[t], b[t], c[t], d[t] = cells[4 * t], cells[4 * t + 1], cells[4 * t + 2], cells[4 * t + 3]


@njit
def _split(room, at, pitch, Y, start, cells, m, examples):
    """Copy a line of cells to where its phases lie, zero where there is no cell."""
    count = cells.size // TILE
    first = 0 if cells[1] == cells[0] + 1 and cells[0] >= 0 else 1
    last = first  # between them cells follow each other
    while last < count and cells[TILE * last] >= 0 and cells[TILE * last + 3] == cells[TILE * last] + 3:
        last += 1
    inner = start + cells[TILE * first] * m if last > first else start
    if m == 1:
        _take_apart(room, at + first, pitch, Y, inner, last - first)
    else:
        for p in range(TILE):
            to = at + p * pitch + first * examples
            _copy(room, to, examples, Y, inner + p * m, TILE * m, last - first, examples)
    for t in range(count):
        if t < first or t >= last:
            for p in range(TILE):
                to, cell = at + p * pitch + t * examples, cells[TILE * t + p]
                if cell < 0:
                    room[to : to + examples] = 0
                else:
                    _copy(room, to, 0, Y, start + cell * m, 0, 1, examples)


_lines_of_halos, _lines_of_tiles, _lines_to_cells = lines_tile(B), lines_tile(A), lines_tile(A.T)
# numba keeps what it compiled of functions that name these, but of none that closes over them


@njit
def _combine(halo, out, at, apart, given, start, pitch, phases, step, length):
    """Sum lines with the numbers of B, or of A."""
    if halo:
        _lines_of_halos(out, at, apart, given, start, pitch, phases, step, length)
    else:
        _lines_of_tiles(out, at, apart, given, start, pitch, phases, step, length)


@njit(nogil=True, cache=True)
def _spread(
    halo, found, apart, rowwise, Y, room, pitch, lines, cells, c, n1, n2, m, row, rows, first, examples,
    columns, lanes,
):  # fmt: skip
    """Write (M ⊗ M) y for the tiles of a group, channel by channel and row by row."""
    size, line, width = HALO if halo else TILE, TILE * pitch, columns * examples
    whole = (width + lanes - 1) // lanes * lanes
    for channel in range(c):
        for r in range(rows):
            for q in range(size):
                cell = lines[TILE * (row + r) + q]
                if cell < 0:
                    room[q * line : (q + 1) * line] = 0
                else:
                    start = (channel * n1 + cell) * n2 * m + first
                    _split(room, q * line, pitch, Y, start, cells, m, examples)
            _combine(halo, room, size * line, line, room, 0, line, size, 0, line)
            for k in range(HALO):
                at = k * HALO * apart + channel * rowwise + r * width
                _combine(halo, found, at, apart, room, (size + k) * line, pitch, TILE, examples, whole)


@njit(nogil=True, cache=True)
def _gather(out, V, apart, rowwise, room, pitch, c, n1, n2, m, row, rows, first, examples, lanes):
    """Write (A ⊗ A)ᵀ V for the tiles of a group into out (c, n1, n2, m)."""
    line, width = TILE * pitch, (n2 + TILE - 1) // TILE * examples
    whole = (width + lanes - 1) // lanes * lanes
    for channel in range(c):
        for r in range(rows):
            for k in range(HALO):
                start = k * HALO * apart + channel * rowwise + r * width
                _lines_to_cells(room, k * line, pitch, V, start, apart, HALO, 0, whole)
            _lines_to_cells(room, HALO * line, line, room, 0, line, HALO, 0, line)
            for i in range(min(TILE, n1 - TILE * (row + r))):
                to = (channel * n1 + TILE * (row + r) + i) * n2 * m + first
                for p in range(min(TILE, n2)):
                    start, count = (HALO + i) * line + p * pitch, (n2 - p + TILE - 1) // TILE
                    _copy(out, to + p * m, TILE * m, room, start, examples, count, examples)
