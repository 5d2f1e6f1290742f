"""Pooling over windows of w cells at every s-th cell: cell i sees the cells s i + q of the grid.

q = −⌊(w − 1)/2⌋ … ⌊w/2⌋ along every axis and i = 0 … ⌈n/s⌉ − 1; beyond the border there is nothing, so that a
mean is taken over fewer cells there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from refms.definition.arrays import Array, as_double
from refms.definition.convolution import shift
from refms.definition.strided import fill_in, thin_out


def window_offsets(window: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield q in C order.

    >>> list(window_offsets((2,))), list(window_offsets((3,)))
    ([(0,), (1,)], [(-1,), (0,), (1,)])
    """
    return itertools.product(*(range(-((w - 1) // 2), w // 2 + 1) for w in window))


def cells_of_windows(Y: Array, window: Sequence[int], stride: Sequence[int], beyond: float) -> Array:
    """Return the cells of every window, one q after the other, with a number for those beyond the border."""
    y, ones = as_double(Y), np.ones(Y.shape)
    offsets = list(window_offsets(window))
    inside = [thin_out(shift(ones, q, "zero"), stride) for q in offsets]
    values = [thin_out(shift(y, q, "zero"), stride) for q in offsets]
    return np.stack([np.where(one == 1, value, beyond) for one, value in zip(inside, values, strict=True)])


def spread_windows(parts: Array, grid: Sequence[int], window: Sequence[int], stride: Sequence[int]) -> Array:
    """Return the transpose of ``cells_of_windows``: what every window has for its cells, added up."""
    pairs = zip(window_offsets(window), parts, strict=True)
    return sum(shift(fill_in(part, grid, stride), [-k for k in q], "zero") for q, part in pairs)


def average_pool(Y: Array, window: Sequence[int], stride: Sequence[int]) -> Array:
    """Return the mean over the cells of each window that lie in the grid.

    >>> average_pool(np.array([[[1.0, 2.0, 6.0]]]), (2,), (2,)).tolist()
    [[[1.5, 6.0]]]
    """
    count = cells_of_windows(np.ones(Y.shape), window, stride, 0.0).sum(axis=0)
    return cells_of_windows(Y, window, stride, 0.0).sum(axis=0) / count


def average_pool_adjoint(
    Z: Array, grid: Sequence[int], window: Sequence[int], stride: Sequence[int]
) -> Array:
    """Return its transpose applied to Z: every window gives z over its number of cells to each of them."""
    inside = cells_of_windows(np.ones((*Z.shape[:2], *grid)), window, stride, 0.0)
    return spread_windows(inside * Z / inside.sum(axis=0), grid, window, stride)


def max_pool(Y: Array, window: Sequence[int], stride: Sequence[int]) -> Array:
    """Return the largest number in each window.

    >>> max_pool(np.array([[[1.0, 2.0, -6.0]]]), (2,), (2,)).tolist()
    [[[2.0, -6.0]]]
    """
    return cells_of_windows(Y, window, stride, -np.inf).max(axis=0)


def max_pool_gradient(Z: Array, Y: Array, window: Sequence[int], stride: Sequence[int]) -> Array:
    """Return ∂⟨Z, max pool of Y⟩/∂Y: each window gives z to its largest cell, the first of equal ones."""
    first = cells_of_windows(Y, window, stride, -np.inf).argmax(axis=0)
    places = np.arange(np.prod(window)).reshape(-1, *[1] * Z.ndim)
    return spread_windows(np.where(places == first, Z, 0.0), Y.shape[2:], window, stride)
