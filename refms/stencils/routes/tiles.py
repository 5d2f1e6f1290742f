"""Tiles of 4×4 cells, with and without a halo: (M ⊗ M) y and its transpose for each tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from refms.backend import Backend
from refms.errors import Array
from refms.stencils.routes.route import Geometry

TILE, HALO = 4, 6
"""Cells of a tile along an axis, and those that a stencil of three entries reads for it."""

GROUP_BYTES = {"numpy": 3 * 512 * 1024, "cupy": 256 * 1024**2}
"""Size of what is computed for one group of tiles: on a CPU what a second-level cache holds."""

LEAST_TILES = 128
"""Tiles of a group at least: its matrix products read all weights."""

PAD_BYTES = 64
"""Bytes between the rows of what is computed for a group: a line of the cache, the widest register."""


class Group(NamedTuple):
    """Tiles that are worked on together: so many rows of them, so many examples."""

    row: int
    rows: int
    first: int
    examples: int


def groups_of(shape: tuple[int, ...], itemsize: int, backend: Backend) -> Iterator[Group]:
    """Yield groups that a cache holds, of fields (c, n_1, n_2, m): rows of tiles, or examples of one."""
    channels, *grid, examples = shape
    rows, columns = (-(-n // TILE) for n in grid)
    room = max(LEAST_TILES, GROUP_BYTES[backend.name] // (HALO**2 * channels * itemsize))
    height, width = max(1, room // (columns * examples)), max(1, room // columns)
    for row in range(0, rows, height):
        for first in range(0, examples, width):
            yield Group(row, min(height, rows - row), first, min(width, examples - first))


class TileMaps(NamedTuple):
    """``spread(M, Y, group)`` and ``gather(M, U, V, out, group)``, as :func:`tile_maps` has them."""

    spread: Callable[[Array, Array, Group], Array]
    gather: Callable[[Array, Array, Array, Array, Group], None]


def tile_maps(geometry: Geometry, backend: Backend) -> TileMaps:
    """Return ``spread`` and ``gather``, for fields Y and out of shape (c, n_1, n_2, m).

    ``spread(M, Y, group)`` is (M ⊗ M) y for each tile, shape (rows of M squared, c, tiles): M has a column
    for each cell of a tile, or of one with its halo. ``gather(M, U, V, out, group)`` writes (M ⊗ M)ᵀ (U V)
    into out, with a product of matrices for each row of M ⊗ M.
    """
    xp, columns = backend.xp, -(-geometry.grid.shape[1] // TILE)
    places = {more: [xp.asarray(places_of(geometry, axis, more)) for axis in (0, 1)] for more in (0, 1)}

    def spread(M: Array, Y: Array, group: Group) -> Array:
        size, more = M.shape[1], int(M.shape[1] > TILE)
        lines, cells = places[more]
        lines = lines[TILE * group.row : TILE * (group.row + group.rows + more)]
        Y = Y[..., group.first : group.first + group.examples]
        read = xp.take(xp.take(Y, lines, axis=1), cells, axis=2)
        read[:, lines < 0] = 0
        read[:, :, cells < 0] = 0
        found = xp.empty((size, size, len(Y), group.rows, columns, group.examples), dtype=Y.dtype)
        for i, j in np.ndindex(size, size):
            found[i, j] = read[:, i : i + TILE * group.rows : TILE, j : j + TILE * columns : TILE]
        return (kron(M, Y.dtype, xp) @ found.reshape(size**2, -1)).reshape(len(M) ** 2, len(Y), -1)

    def gather(M: Array, U: Array, V: Array, out: Array, group: Group) -> None:
        tiles = (kron(M, V.dtype, xp).T @ (U @ V).reshape(len(V), -1)).reshape(
            TILE, TILE, len(out), group.rows, columns, group.examples
        )
        top, last = TILE * group.row, group.first + group.examples
        here = out[:, top : top + TILE * group.rows, :, group.first : last]
        for i, j in np.ndindex(TILE, TILE):
            cells = here[:, i::TILE, j::TILE]
            cells[...] = tiles[i, j, :, : cells.shape[1], : cells.shape[2]]

    return TileMaps(spread, gather)


def padded(rows: int, tiles: int, dtype: Any) -> Array:
    """Return an uninitialised array (36, rows, tiles) with a register's width free after rows and matrices.

    With powers of two in between, all 36 would share a few lines of the cache.
    """
    free = PAD_BYTES // np.dtype(dtype).itemsize
    found = np.empty((HALO**2, rows * (tiles + free) + free), dtype=dtype)
    return found[:, :-free].reshape(HALO**2, rows, -1)[:, :, :tiles]


def kron(M: Array, dtype: Any, xp: Any) -> Array:
    """Return M ⊗ M, which maps both axes."""
    both = M[:, None, :, None] * M[None, :, None, :]  # np.kron takes longer than some products with it
    return xp.asarray(both.reshape(len(M) ** 2, -1), dtype=dtype)


def places_of(geometry: Geometry, axis: int, halo: int) -> Array:
    """Return the cell at each place of the tiles along an axis, -1 where there is none.

    With a halo the places begin one cell earlier, reach a tile further, and wrap around if periodic.
    """
    n = geometry.grid.shape[axis]
    at = np.arange((-(-n // TILE) + halo) * TILE) - halo
    if halo and geometry.boundary == "periodic":
        return np.where(at > n, -1, at % n)
    return np.where((at < 0) | (at >= n), -1, at)
