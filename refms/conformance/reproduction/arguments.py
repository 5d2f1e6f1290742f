"""The arguments of a wrong call made simpler while it stays wrong: delta images, unit stencils.

Arrays are cut and set along the axes of the table of operations. Hypothesis shrinks only what it has drawn
itself, and is no part of an installation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from refms.conformance.operations import OPERATIONS, PARAMETER_AXES, Operation
from refms.conformance.reproduction.patience import Allowance
from refms.errors import Array

Given = Mapping[str, Any]
"""What the gate gets, by name: arrays, mappings of arrays, and what is neither."""

Path = tuple[str, str | None]
"""Where an array stands: its name, and its key if a mapping is there."""

_LEAST = {"y": 2, "p": 2}
"""Fewest entries along an axis, where one is not enough: of classes and of the parameters of a layer."""

_LABELS = "C"
"""The argument whose entries stay as they are."""

_MOST_DELTAS = 64
"""So many places are tried for the only entry of an array."""


def simplify(operation: str, given: Given, still_wrong: Callable[[Given], bool], left: Allowance) -> Given:
    """Return simpler arguments of a call that is still wrong, by greedy descent.

    First single examples, layers, channels and classes are tried; then arrays of zeros, of a single one
    (delta images, unit stencils) and 1, 2, 3, …; then entries that are 0, 1, 2, 3 or have one digit.
    """
    axes = dict(_arrays(OPERATIONS[operation]))
    free = [path for path in axes if path[0] != _LABELS]

    def better(candidates: Iterator[Given]) -> Given:
        for one in candidates:
            if not left():
                break
            if still_wrong(one):
                return one
        return given

    for axis in dict.fromkeys(axis for named in axes.values() for axis in named):
        if len(axis) == 1 and axis.islower():
            given = better(_cut(given, axes, axis))
    for path in free:
        given = better(_put(given, path, array) for array in _plain(_get(given, path)))
    for path in free:
        for at in np.argwhere(_get(given, path)).tolist():
            given = better(_put(given, path, array) for array in _plainer(_get(given, path), tuple(at)))
    return given


def _arrays(row: Operation) -> Iterator[tuple[Path, Sequence[str]]]:
    """Yield where arrays stand, and the names of their axes."""
    for one in row.given:
        if one.is_mapping:
            yield from (((one.name, key), axes.split()) for key, axes in PARAMETER_AXES.items())
        elif one.axes:
            yield (one.name, None), one.axes


def _cut(given: Given, axes: Mapping[Path, Sequence[str]], axis: str) -> Iterator[Given]:
    """Yield the arguments with fewer entries along the axes of one name, where there are such."""
    found = {path: named.index(axis) for path, named in axes.items() if axis in named}
    places = {path: number for path, number in found.items() if number < _get(given, path).ndim}
    extent = min((_get(given, path).shape[number] for path, number in places.items()), default=0)
    for count in range(_LEAST.get(axis, 1), extent):
        for start in range(extent - count + 1):
            cut = given
            for path, number in places.items():
                cut = _put(cut, path, np.take(_get(cut, path), range(start, start + count), number))
            yield cut


def _plain(array: Array) -> Iterator[Array]:
    """Yield simple arrays of the same shape: zeros, a single one, the numbers from 1."""
    zeros = np.zeros_like(array)
    yield zeros
    for place in range(min(array.size, _MOST_DELTAS)):
        delta = zeros.copy()
        delta.flat[place] = 1
        yield delta
    yield np.arange(1, array.size + 1, dtype=array.dtype).reshape(array.shape)


def _plainer(array: Array, at: tuple[int, ...]) -> Iterator[Array]:
    """Yield the array with simpler values at one place, the simplest first."""
    for value in (0.0, 1.0, 2.0, 3.0, float(np.round(array[at], 1))):
        if value == array[at]:
            return
        changed = array.copy()
        changed[at] = value
        yield changed


def _get(given: Given, path: Path) -> Array:
    name, key = path
    found: Array = given[name] if key is None else given[name][key]
    return found


def _put(given: Given, path: Path, array: Array) -> Given:
    name, key = path
    return {**given, name: array if key is None else {**given[name], key: array}}
