"""What mutants do to arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from refms.errors import Array


def flip(S: Array, *axes: int) -> Array:
    """Return stencils flipped along some array axes, by default along all of the stencil."""
    return np.flip(S, axes or tuple(range(2, S.ndim))).copy()


def exchange(S: Array, first: int, second: int) -> Array:
    """Return an array with two axes exchanged, or as it is where their extents differ."""
    same = S.shape[first] == S.shape[second]
    return np.ascontiguousarray(S.swapaxes(first, second)) if same else S


def images(Y: Array, grid: tuple[int, ...]) -> Array:
    """Return columns (c·n, m) as images (m, c, *grid)."""
    return np.ascontiguousarray(Y.T).reshape(Y.shape[1], -1, *grid)


def columns(Y: Array) -> Array:
    """Return images (m, c, *grid) as columns (c·n, m)."""
    return np.ascontiguousarray(Y.reshape(len(Y), -1).T)


def roll(Y: Array, grid: tuple[int, ...], cells: int, axis: int) -> Array:
    """Return columns moved by some cells along an axis of the images."""
    return columns(np.roll(images(Y, grid), cells, axis=axis))


def weigh(Y: Array, g: Array, axis: int, border: str) -> Array:
    """Return Σ_k g_k Y_{i+k} along an axis, beyond the border what ``numpy.pad`` puts there."""
    wide, n = len(g) // 2, Y.shape[axis]
    beyond = [(wide, wide) if one == axis else (0, 0) for one in range(Y.ndim)]
    padded = np.pad(Y, beyond, mode=border)  # type: ignore[call-overload]  # the name is a variable
    return sum(w * np.take(padded, range(s, s + n), axis) for s, w in enumerate(g))


def scale(found: Any, factor: float, *names: str) -> Any:
    """Return a result times a factor; of parameters, named arrays or all of them."""
    if not isinstance(found, Mapping):
        return factor * found
    chosen = names or tuple(found)
    return {key: factor * array if key in chosen else array for key, array in found.items()}


def softmax(Z: Array) -> Array:
    """Return the softmax of every column, in its precision."""
    e = np.exp(Z - Z.max(axis=0))
    return e / e.sum(axis=0)


def per_channel(numbers: Array, Y: Array) -> Array:
    """Return one number per channel so that it goes with images (m, c, *grid)."""
    return numbers.reshape(-1, *(1,) * (Y.ndim - 2))
