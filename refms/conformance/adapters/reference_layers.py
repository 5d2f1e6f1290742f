"""Layers beyond K(s) as refms has them: a strided convolution is K with gaps, in every s-th cell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse

from refms.conformance.adapters.reference_images import ImageReference, Shape
from refms.errors import Array, InputError
from refms.grid import Grid


class LayerReference(ImageReference):
    """These operations on host arrays."""

    def strided_convolution(
        self, S: Array, Y: Array, grid: Shape, stride: Shape, dilation: Shape, groups: int, boundary: str
    ) -> Array:
        wide = _with_gaps(S, len(Y), grid, dilation, groups)
        KY = self._convolution(wide, grid, boundary).apply(self._in(wide), self._in(Y))
        return self._out(KY)[_kept(len(S), grid, stride)]

    def strided_convolution_adjoint(
        self, S: Array, Z: Array, grid: Shape, stride: Shape, dilation: Shape, groups: int, boundary: str
    ) -> Array:
        wide = _with_gaps(S, groups * S.shape[1] * Grid(grid).cells, grid, dilation, groups)
        filled = _filled(Z, len(S), grid, stride)
        return self._out(self._convolution(wide, grid, boundary).adjoint(self._in(wide), self._in(filled)))

    def strided_stencil_gradient(
        self,
        Z: Array,
        Y: Array,
        grid: Shape,
        stencil: Shape,
        stride: Shape,
        dilation: Shape,
        groups: int,
        boundary: str,
    ) -> Array:
        c_out, c_in = len(Z) // len(_kept(1, grid, stride)), len(Y) // Grid(grid).cells
        S = np.zeros((c_out, c_in // groups, *stencil), Z.dtype)
        wide = _with_gaps(S, len(Y), grid, dilation, groups)
        filled = _filled(Z, c_out, grid, stride)
        geometry = self._convolution(wide, grid, boundary)
        g = self._out(geometry.stencil_gradient(self._in(filled), self._in(Y)))
        return np.concatenate([g[block] for block in _blocks(S.shape, dilation, groups)])

    def average_pool(self, Y: Array, grid: Shape, pool: Shape, stride: Shape) -> Array:
        return self._out(self._means(len(Y), grid, pool, stride, Y.dtype) @ self._in(Y))

    def average_pool_adjoint(self, Z: Array, grid: Shape, pool: Shape, stride: Shape) -> Array:
        rows = len(Z) // len(_kept(1, grid, stride)) * Grid(grid).cells
        return self._out(self._means(rows, grid, pool, stride, Z.dtype).T @ self._in(Z))

    def max_pool(self, Y: Array, grid: Shape, pool: Shape, stride: Shape) -> Array:
        cells = _window_cells(len(Y), grid, pool, stride)
        return _in_windows(Y, cells).max(axis=1)

    def max_pool_gradient(self, Z: Array, Y: Array, grid: Shape, pool: Shape, stride: Shape) -> Array:
        cells = _window_cells(len(Y), grid, pool, stride)
        first = _in_windows(Y, cells).argmax(axis=1)
        found = np.zeros_like(Y)
        np.add.at(found, (np.take_along_axis(cells, first, axis=1), np.arange(Y.shape[1])), Z)
        return found

    def _means(self, rows: int, grid: Shape, pool: Shape, stride: Shape, dtype: str) -> Any:
        """Return the matrix of average pooling."""
        cells = _window_cells(rows, grid, pool, stride)
        inside = cells >= 0
        which = np.nonzero(inside)
        ones = scipy.sparse.csr_array((np.ones(len(which[0])), (which[0], cells[which])), (len(cells), rows))
        means = scipy.sparse.diags_array(1 / inside.sum(axis=1)) @ ones
        return self.backend.csr_from_host(means.tocsr().astype(dtype))


def _with_gaps(S: Array, rows: int, grid: Shape, dilation: Shape, groups: int) -> Array:
    """Return the centred stencils (c_out, c_in, *odd sizes) of all channels, zero in between."""
    c_in = rows // Grid(grid).cells
    if c_in != groups * S.shape[1] or len(S) % groups:
        raise InputError(
            f"S has shape {S.shape} and there are {c_in} input channels; expected {groups} times "
            f"{S.shape[1]} input channels for {groups} groups, and output channels in multiples of {groups}."
        )
    reach = [_reach(k, d) for k, d in zip(S.shape[2:], dilation, strict=True)]
    wide = np.zeros((len(S), c_in, *(2 * r + 1 for r in reach)), S.dtype)
    for block, own in zip(_blocks(S.shape, dilation, groups), np.split(S, groups), strict=True):
        wide[block] = own
    return wide


def _reach(k: int, d: int) -> int:
    """Return how far a stencil of k entries, d cells apart, reaches behind: ⌈d(k − 1)/2⌉."""
    return -(-d * (k - 1) // 2)


def _blocks(shape: Shape, dilation: Shape, groups: int) -> Iterator[tuple[slice, ...]]:
    """Yield where each group of S stands in the stencils with gaps; entry q at the offset of the table."""
    rows, columns = shape[0] // groups, shape[1]
    taps = tuple(slice(d * (k - 1) % 2, None, d) for k, d in zip(shape[2:], dilation, strict=True))
    for g in range(groups):
        yield (slice(g * rows, (g + 1) * rows), slice(g * columns, (g + 1) * columns), *taps)


def _kept(channels: int, grid: Shape, stride: Shape) -> Array:
    """Return the rows of columns that belong to every s-th cell along every axis."""
    rows = np.arange(channels * math.prod(grid)).reshape(channels, *grid)
    return rows[(slice(None), *(slice(None, None, s) for s in stride))].ravel()


def _filled(Z: Array, channels: int, grid: Shape, stride: Shape) -> Array:
    """Return columns on the whole grid with Z in every s-th cell, and zeros elsewhere."""
    found = np.zeros((channels * math.prod(grid), Z.shape[1]), Z.dtype)
    found[_kept(channels, grid, stride)] = Z
    return found


def _window_cells(rows: int, grid: Shape, pool: Shape, stride: Shape) -> Array:
    """Return for each window, one a row, its rows of the columns; -1 for cells beyond the border."""
    channels, d = rows // math.prod(grid), len(grid)
    places = np.zeros((channels, *(1,) * 2 * d), int) + np.arange(channels).reshape(-1, *(1,) * 2 * d)
    inside: Array = np.ones((1,) * (1 + 2 * d), bool)
    for axis, (n, w, s) in enumerate(zip(grid, pool, stride, strict=True)):
        met = np.arange(0, n, s)[:, None] + np.arange(w) - (w - 1) // 2
        shape = [1] * (1 + 2 * d)
        shape[1 + axis], shape[1 + d + axis] = met.shape
        places = places * n + met.reshape(shape)
        inside = inside & ((met >= 0) & (met < n)).reshape(shape)
    return np.where(inside, places, -1).reshape(-1, math.prod(pool))


def _in_windows(Y: Array, cells: Array) -> Array:
    """Return the numbers in each window (windows, cells of a window, m), -∞ beyond the border."""
    return np.where((cells >= 0)[..., None], Y[cells], np.asarray(-np.inf, Y.dtype))
