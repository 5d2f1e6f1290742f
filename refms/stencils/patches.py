"""Patches of feature columns, gathered slab by slab: what K(s) multiplies its stencils with.

Along the last grid axis neighbouring patches overlap, so only the *leading* axes are gathered: one line of
cells is stored as (cells + 2r, leading offsets, channels, examples), and every run of n_K consecutive cells
in it *is* the patch matrix of one cell. That is n_K^{d-1} copies of Y instead of the n_K^d of a full im2col,
and each patch matrix is small enough for the matrix product to find it in cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from refms.backend import backend_of
from refms.errors import Array
from refms.grid import Grid

SLAB_BYTES = {"numpy": 2 * 1024**2, "cupy": 64 * 1024**2}
"""Size of one gathered slab. On a CPU a common second-level cache, so that the product finds the slab there,
yet large enough for whole lines; times are flat between 1 and 4 MiB and grow on both sides. On a GPU enough
to fill the device with one launch, and little beside its memory."""


def offsets_of(size: int) -> Array:
    """Return the offsets κ = -r, …, r of a stencil of odd size 2r + 1 along one axis.

    Parameters
    ----------
    size : int
        Odd.

    Returns
    -------
    numpy.ndarray
        Shape (size,), integers.

    Examples
    --------
    >>> offsets_of(3).tolist()
    [-1, 0, 1]
    """
    return np.arange(size) - size // 2


def neighbours(extents: Sequence[int], offsets: Sequence[Array], boundary: str) -> tuple[Array, Array]:
    """Return the cells i + κ that a stencil reaches, for all cells i and offsets κ in C order.

    Parameters
    ----------
    extents : sequence of int
        Cells along each axis; empty means one cell.
    offsets : sequence of numpy.ndarray
        The offsets along each axis, 1-D integers; the stencil has all their combinations.
    boundary : str
        ``"periodic"`` or ``"zero"``.

    Returns
    -------
    cells : numpy.ndarray
        Shape (Π extents, Π offsets): number of the cell i + κ, wrapped around.
    inside : numpy.ndarray
        Same shape, bool: False where a zero boundary cuts the entry off.

    Examples
    --------
    >>> neighbours((4,), (offsets_of(3),), "periodic")[0].tolist()
    [[3, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 0]]
    >>> neighbours((4,), (offsets_of(3),), "zero")[1].tolist()[0]
    [False, True, True]
    """
    cells, inside = np.zeros((1, 1), dtype=np.int64), np.ones((1, 1), dtype=bool)
    for extent, along in zip(extents, offsets, strict=True):
        reached = np.arange(extent)[:, None] + along
        acts = ((reached >= 0) & (reached < extent)) | (boundary == "periodic")
        shape = (cells.shape[0] * extent, cells.shape[1] * along.size)
        cells = (cells[:, None, :, None] * extent + (reached % extent)[None, :, None, :]).reshape(shape)
        inside = (inside[:, None, :, None] & acts[None, :, None, :]).reshape(shape)
    return cells, inside


def lines_of(Y: Array, grid: Grid) -> Array:
    """Return feature columns as a view (lines, cells of a line, channels, examples); a line is the last axis.

    Parameters
    ----------
    Y : array
        Shape (c·n, m), C-contiguous; any dtype.
    grid : Grid
        The grid with n cells.

    Returns
    -------
    array
        Shape (n / n_d, n_d, c, m), a view.

    Examples
    --------
    >>> lines_of(np.zeros((24, 2)), Grid((3, 4))).shape
    (3, 4, 2, 2)
    """
    last = grid.shape[-1]
    return Y.reshape(Y.shape[0] // grid.cells, grid.cells // last, last, Y.shape[1]).transpose(1, 2, 0, 3)


def patch_slabs(
    Y: Array, grid: Grid, stencil_shape: tuple[int, ...], boundary: str, slab_bytes: int | None = None
) -> Iterator[tuple[slice, slice, Array]]:
    """Yield the patch matrices of all cells, slab by slab.

    Parameters
    ----------
    Y : array
        Shape (c·n, m), C-contiguous; any dtype.
    grid : Grid
        The grid with n cells.
    stencil_shape : tuple of int
        Odd sizes, one per grid axis.
    boundary : str
        ``"periodic"`` or ``"zero"``.
    slab_bytes : int or None
        Size to keep a slab below where a single cell allows it; None takes ``SLAB_BYTES``.

    Yields
    ------
    lines, cells : slice
        Where the slab lies in ``lines_of``.
    patches : array
        Shape (lines, cells, K·c, m) with K = Π sizes: the matrix of entry (κ_d, κ_1, …, κ_{d-1}, channel) by
        example, for every cell of the slab; y_{i+κ}, or 0 beyond a zero boundary. A view with
        overlapping entries: read it only, and use it before the next slab.

    Examples
    --------
    >>> Y = np.arange(4.0)[:, None]
    >>> [patches[0, :, :, 0].tolist() for *_, patches in patch_slabs(Y, Grid((4,)), (3,), "zero")]
    [[[0.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 0.0]]]
    """
    if math.prod(stencil_shape) == 1:
        yield slice(None), slice(None), lines_of(Y, grid)
        return
    backend, last, size = backend_of(Y), grid.shape[-1], stencil_shape[-1]
    rows, inside = neighbours(grid.shape[:-1], [offsets_of(k) for k in stencil_shape[:-1]], boundary)
    along = np.arange(last + size - 1) - size // 2
    along_inside = ((along >= 0) & (along < last)) | (boundary == "periodic")
    channel_rows = np.arange(Y.shape[0] // grid.cells) * grid.cells
    bytes_per_cell = rows.shape[1] * channel_rows.size * Y.shape[1] * Y.dtype.itemsize
    for lines, cells in _blocks(
        rows.shape[0], last, size - 1, (slab_bytes or SLAB_BYTES[backend.name]) // bytes_per_cell
    ):
        reach = slice(cells.start, cells.stop + size - 1)
        table = rows[lines, None, :] * last + (along[reach] % last)[None, :, None]
        slab = backend.xp.take(Y, backend.from_host(table[..., None] + channel_rows), axis=0)
        acts = inside[lines, None, :] & along_inside[None, reach, None]
        if not acts.all():
            slab[backend.from_host(~acts)] = 0
        yield lines, cells, _overlapping(backend.xp, slab, size)


def _blocks(lines: int, cells: int, halo: int, budget: int) -> Iterator[tuple[slice, slice]]:
    """Cut lines × cells into blocks of at most ``budget`` gathered cells: whole lines, or pieces of one."""
    height = max(1, min(lines, budget // (cells + halo)))
    width = max(1, budget - halo)
    for top in range(0, lines, height):
        for left in range(0, cells, width):
            yield slice(top, min(top + height, lines)), slice(left, min(left + width, cells))


def _overlapping(xp: Array, slab: Array, size: int) -> Array:
    """View a slab (lines, cells + size - 1, offsets, channels, m) as one patch matrix per cell."""
    lines, reach, offsets, channels, examples = slab.shape
    line, cell, _, row, column = slab.strides
    return xp.lib.stride_tricks.as_strided(
        slab,
        shape=(lines, reach - size + 1, size * offsets * channels, examples),
        strides=(line, cell, row, column),
    )
