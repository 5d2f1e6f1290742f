"""What mutants do to arrays, and to the argument or the result that holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refms.conformance.operations import Parameters
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


def coarse(grid: tuple[int, ...]) -> tuple[int, ...]:
    """Return the extents of the coarse grid."""
    return tuple(n // 2 for n in grid)


def roll(Y: Array, grid: tuple[int, ...], cells: int, axis: int) -> Array:
    """Return columns moved by some cells along an axis of the images."""
    return columns(np.roll(images(Y, grid), cells, axis=axis))


def scale(parameters: Parameters, factor: float, *names: str) -> Parameters:
    """Return named arrays multiplied by a factor, by default all of them."""
    chosen = names or tuple(parameters)
    return {key: factor * array if key in chosen else array for key, array in parameters.items()}


def softmax(Z: Array) -> Array:
    """Return the softmax of every column, in its precision."""
    e = np.exp(Z - Z.max(axis=0))
    return e / e.sum(axis=0)


def to_first(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return (first, *rest) -> arguments whose first is a function of it."""
    return lambda first, *rest: (function(first), *rest)


def to_last(value: Any) -> Callable[..., Any]:
    """Return (*rest, last) -> arguments with another last one."""
    return lambda *given: (*given[:-1], value)


def times(factor: float, *names: str) -> Callable[..., Any]:
    """Return (found, *arguments) -> found times a factor; of parameters, named ones or all."""
    return lambda found, *given: (
        scale(found, factor, *names) if isinstance(found, Mapping) else factor * found
    )


def by(factor: Callable[..., float], *names: str) -> Callable[..., Any]:
    """Return (found, *arguments) -> found times a factor that depends on the arguments."""
    return lambda found, *given: times(factor(*given), *names)(found)
