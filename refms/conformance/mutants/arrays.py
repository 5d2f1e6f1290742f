"""What mutants do to arrays."""

from __future__ import annotations

import numpy as np

from refms.conformance.operations import Parameters
from refms.errors import Array


def flip(S: Array, *axes: int) -> Array:
    """Return stencils flipped along some array axes, by default along all of the stencil."""
    return np.flip(S, axes or tuple(range(2, S.ndim))).copy()


def exchanged(S: Array, first: int, second: int) -> Array:
    """Return an array with two axes exchanged, or as it is where their extents differ."""
    same = S.shape[first] == S.shape[second]
    return np.ascontiguousarray(S.swapaxes(first, second)) if same else S


def images(Y: Array, grid: tuple[int, ...]) -> Array:
    """Return columns (c·n, m) as images (m, c, *grid)."""
    return np.ascontiguousarray(Y.T).reshape(Y.shape[1], -1, *grid)


def columns(Y: Array) -> Array:
    """Return images (m, c, *grid) as columns (c·n, m)."""
    return np.ascontiguousarray(Y.reshape(len(Y), -1).T)


def coarse(grid: tuple[int, ...]) -> tuple[int, ...]:
    """Return the extents of the coarse grid."""
    return tuple(n // 2 for n in grid)


def rolled(Y: Array, grid: tuple[int, ...], cells: int, axis: int) -> Array:
    """Return columns moved by some cells along an axis of the images."""
    return columns(np.roll(images(Y, grid), cells, axis=axis))


def with_first(Y: Array, factor: float, axis: int = 0) -> Array:
    """Return an array of which the first slice along an axis is multiplied by a factor."""
    found = Y.copy()
    found[(slice(None),) * axis + (0,)] *= factor
    return found


def scaled(parameters: Parameters, factor: float, *names: str) -> Parameters:
    """Return named arrays multiplied by a factor, by default all of them."""
    chosen = names or tuple(parameters)
    return {key: factor * array if key in chosen else array for key, array in parameters.items()}


def softmax(Z: Array) -> Array:
    """Return the softmax of every column."""
    e = np.exp(Z - Z.max(axis=0))
    return e / e.sum(axis=0)
