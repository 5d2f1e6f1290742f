"""Patches of feature columns, gathered slab by slab: what K(s) multiplies its stencils with.

Along the last grid axis neighbouring patches overlap, so only the *leading* axes are gathered: one line of
cells is stored as (cells + 2r, leading offsets, channels, examples), and every run of n_K consecutive cells
in it *is* the patch matrix of one cell. That is n_K^{d-1} copies of Y instead of the n_K^d of a full im2col,
and each patch matrix is small enough for the matrix product to find it in cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from refms.backend import Backend
from refms.errors import Array
from refms.stencils.routes.neighbours import neighbours, offsets_of
from refms.stencils.routes.route import Geometry

SLAB_BYTES = {"numpy": 2 * 1024**2, "cupy": 64 * 1024**2}
"""Size of one gathered slab. On a CPU a common second-level cache, so that the product finds the slab there,
yet large enough for whole lines; times are flat between 1 and 4 MiB and grow on both sides. On a GPU enough
to fill the device with one launch, and little beside its memory."""

KEPT_ROWS = 2**18
"""Row numbers up to which the plan of a gathering is kept: 2 MiB. Longer ones are made anew, slab by slab."""

Where = tuple[slice, slice]
"""Lines and cells of a slab."""

Piece = tuple[Where, Array, Array | None]
"""A slab, the rows of Y that it gathers, and what of them lies beyond a zero boundary."""


def lines_of(geometry: Geometry, examples: int) -> Callable[[Array], Array]:
    """Return the view of columns (c·n, m) as (lines, cells, c, m), a function; a line is the last axis.

    A stencil of one entry only mixes channels: there the cells of a line count as examples, so that products
    get fewer and wider.

    >>> from refms.grid import Grid
    >>> lines_of(Geometry(Grid((3, 4)), (3, 3), "zero"), 2)(np.zeros((24, 2))).shape
    (3, 4, 2, 2)
    """
    *leading, last = geometry.grid.shape
    if math.prod(geometry.stencil_shape) == 1:
        *leading, last, examples = *(leading or [1]), last * examples
    shape = (math.prod(leading), last, examples)
    return lambda Y: Y.reshape(-1, *shape).transpose(1, 2, 0, 3)


def patches_of(
    geometry: Geometry, examples: int, backend: Backend, slab_bytes: int | None = None
) -> Callable[[Array, int], Iterator[tuple[Where, Array]]]:
    """Return the function (Y, c) ↦ its patch matrices, slab by slab, each with its place in ``lines_of``.

    For every cell of a slab, the matrix of entry (κ_d, κ_1, …, κ_{d-1}, channel) by example holds y_{i+κ}, or
    0 beyond a zero boundary: shape (lines, cells, K·c, m), a view with overlapping entries. Y is
    C-contiguous; a slab has ``slab_bytes`` (:data:`SLAB_BYTES`) at most, where a single cell allows it.
    """
    if math.prod(geometry.stencil_shape) == 1:
        lines, everything = lines_of(geometry, examples), (slice(None), slice(None))
        return lambda Y, channels: iter([(everything, lines(Y))])
    plans: dict[tuple[int, int], list[Piece]] = {}
    budget, size = slab_bytes or SLAB_BYTES[backend.name], geometry.stencil_shape[-1]
    gathered = math.prod(geometry.grid.shape[:-1]) * (geometry.grid.shape[-1] + size - 1)
    gathered *= math.prod(geometry.stencil_shape[:-1])

    def pieces(channels: int, itemsize: int) -> Iterable[Piece]:
        kept = plans.get((channels, itemsize))
        if kept is None:
            made = _pieces(geometry, channels, channels * examples * itemsize, backend, budget)
            if gathered * channels > KEPT_ROWS:
                return made
            kept = plans[channels, itemsize] = list(made)
        return kept

    def patches(Y: Array, channels: int) -> Iterator[tuple[Where, Array]]:
        for where, rows, beyond in pieces(channels, Y.dtype.itemsize):
            slab = Y.take(rows, axis=0)
            if beyond is not None:
                slab[beyond] = 0
            yield where, _view_as_patches(backend, slab, size)

    return patches


def _pieces(
    geometry: Geometry, channels: int, bytes_per_entry: int, backend: Backend, budget: int
) -> Iterator[Piece]:
    """Yield the slabs; a gathered cell has ``bytes_per_entry`` for each leading offset."""
    grid, sizes, periodic = geometry.grid, geometry.stencil_shape, geometry.boundary == "periodic"
    last, size = grid.shape[-1], sizes[-1]
    rows, inside = neighbours(grid.shape[:-1], [offsets_of(k) for k in sizes[:-1]], geometry.boundary)
    along = np.arange(last + size - 1) - size // 2
    along_inside = ((along >= 0) & (along < last)) | periodic
    channel_rows = np.arange(channels) * grid.cells
    room = budget // (rows.shape[1] * bytes_per_entry)
    for lines, cells in _blocks(rows.shape[0], last, size - 1, room):
        reach = slice(cells.start, cells.stop + size - 1)
        table = rows[lines, None, :] * last + (along[reach] % last)[None, :, None]
        acts = inside[lines, None, :] & along_inside[None, reach, None]
        beyond = None if acts.all() else backend.from_host(~acts)
        yield (lines, cells), backend.from_host(table[..., None] + channel_rows), beyond


def _blocks(lines: int, cells: int, halo: int, budget: int) -> Iterator[Where]:
    """Cut lines × cells into blocks of at most ``budget`` gathered cells: whole lines, or pieces of one."""
    height = max(1, min(lines, budget // (cells + halo)))
    width = max(1, budget - halo)
    for top in range(0, lines, height):
        for left in range(0, cells, width):
            yield slice(top, min(top + height, lines)), slice(left, min(left + width, cells))


def _view_as_patches(backend: Backend, slab: Array, size: int) -> Array:
    """View a slab (lines, cells + size - 1, offsets, channels, m) as one patch matrix per cell."""
    lines, reach, offsets, channels, examples = slab.shape
    line, cell, _, row, column = slab.strides
    shape = (lines, reach - size + 1, size * offsets * channels, examples)
    strides = (line, cell, row, column)
    if backend.name == "numpy":  # as as_strided does, at a tenth of its time
        return np.ndarray(shape, slab.dtype, slab, 0, strides)
    return backend.xp.lib.stride_tricks.as_strided(slab, shape=shape, strides=strides)
