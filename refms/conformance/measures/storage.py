"""How arguments are handed over: the same arrays again, and arrays stored in every way that NumPy knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from refms.conformance.adapters.gate import Store, copied
from refms.errors import Array

Fill = float("nan")
"""What lies in the gaps between the entries of an array."""


def with_gaps(array: Array) -> Array:
    """Return every second entry, along every axis, of an array that is full of NaN otherwise.

    >>> with_gaps(np.ones((2, 3))).strides
    (96, 16)
    """
    fill = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else Fill
    wide = np.full([2 * n for n in array.shape], fill, array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def reversed_in_memory(array: Array) -> Array:
    """Return an array whose strides are negative along every axis."""
    return np.ascontiguousarray(np.flip(array))[(slice(None, None, -1),) * array.ndim]


def read_only(array: Array) -> Array:
    """Return a copy that cannot be written to."""
    found = array.copy()
    found.flags.writeable = False
    return found


def repeated(array: Array) -> Array:
    """Return an array that holds the entries along an axis once if they are the same, with stride 0.

    >>> repeated(np.array([[1.0, 1.0], [2.0, 2.0]])).strides
    (8, 0)
    """
    for axis in reversed(range(array.ndim)):
        first = array.take([0], axis)
        if array.shape[axis] > 1 and np.all(array == first):
            return np.broadcast_to(first.copy(), array.shape)
    return array.copy()


STORAGES: Mapping[str, Callable[[Array], Array]] = {
    "in Fortran order": lambda array: array.copy(order="F"),
    "with gaps between the entries": with_gaps,
    "with negative strides": reversed_in_memory,
    "read-only": read_only,
}
"""In words -> an array with the same entries, stored so."""


def stored(change: Callable[[Array], Array], *names: str) -> Store:
    """Return what hands over arrays that a function makes; with names, only those arguments."""

    def store(name: str, argument: Any) -> Any:
        if names and name not in names:
            return copied(name, argument)
        if isinstance(argument, Mapping):
            return {key: change(array) for key, array in argument.items()}
        return change(argument) if isinstance(argument, np.ndarray) else argument

    return store


def in_place() -> Store:
    """Return what hands over the same arrays in every call, into which the entries are written.

    Functions are handed over as the same objects, too, which do what they are told last.
    """
    kept: dict[Any, Any] = {}

    def store(name: str, argument: Any) -> Any:
        key = name, _shape(argument)
        if callable(argument):
            kept[key, "function"] = argument
            return kept.setdefault(key, lambda *given: kept[key, "function"](*given))
        if isinstance(argument, SimpleNamespace):
            vars(kept.setdefault(key, SimpleNamespace())).update(vars(argument))
            return kept[key]
        if key not in kept:
            kept[key] = copied(name, argument)
        if isinstance(argument, Mapping):
            for part in argument:
                kept[key][part][...] = argument[part]
        elif isinstance(argument, np.ndarray):
            kept[key][...] = argument
        else:
            return argument
        return kept[key]

    return store


def kept_while_equal() -> Store:
    """Return what hands over the same object again as long as its entries are the same."""
    kept: dict[str, Any] = {}

    def store(name: str, argument: Any) -> Any:
        if not _same(kept.get(name), argument):
            kept[name] = copied(name, argument)
        return kept[name]

    return store


def _shape(argument: Any) -> Any:
    if isinstance(argument, Mapping):
        return tuple((key, argument[key].shape) for key in argument)
    return getattr(argument, "shape", None)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return one is other or (type(one) is type(other) and not callable(one) and one == other)
