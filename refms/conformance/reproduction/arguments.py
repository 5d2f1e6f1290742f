"""The arguments of a wrong call made simpler while it stays wrong: delta images, unit stencils."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refms.conformance.reproduction.patience import Allowance
from refms.errors import Array

Given = tuple[Any, ...]
"""What the gate gets: arrays, mappings of arrays, and what is neither."""

StillWrong = Callable[[Given], bool]
"""Whether a call with these arguments is wrong in the same way."""

_NETWORK = {"opening": "", "stencils": "n", "biases": "n", "W": "-y", "mu": "y"}

_AXES: dict[str, tuple[str | dict[str, str], ...]] = {
    "convolution": ("oc", "mc"),
    "convolution_adjoint": ("oc", "mo"),
    "stencil_gradient": ("mo", "mc"),
    "convolution_matrix": ("oc",),
    "restrict": ("mc",),
    "prolong": ("mc",),
    "stencil_down": ("oc",),
    "stencil_up": ("oc",),
    "activation": ("z",),
    "activation_derivative": ("z",),
    "forward": (_NETWORK, "m"),
    "logits": ("-y", "y", "m"),
    "jacobian_product": (_NETWORK, _NETWORK, "m"),
    "jacobian_transpose": (_NETWORK, "ym", "m"),
    "depth_prolong": ("-p",),
    "cross_entropy": ("ym", "ym"),
    "cross_entropy_gradient": ("ym", "ym"),
    "cross_entropy_hessian": ("ym", "ym", "ym"),
    "loss": (_NETWORK, "m", "ym"),
    "gradient": (_NETWORK, "m", "ym"),
    "gauss_newton": (_NETWORK, _NETWORK, "m", "ym"),
    "weight_smoothness": ("-y",),
    "weight_smoothness_gradient": ("-y",),
    "time_smoothness": ("-p",),
    "time_smoothness_gradient": ("-p",),
}
"""Names of the first axes of every argument: those of one name are cut together, "-" is never cut."""

_LEAST = {"y": 2, "p": 2}
"""Fewest entries along an axis, where one is not enough: of classes and of the parameters of a layer."""

_KEPT = {
    "loss": (2,),
    "gradient": (2,),
    "gauss_newton": (3,),
    "cross_entropy": (1,),
    "cross_entropy_gradient": (1,),
    "cross_entropy_hessian": (1,),
}
"""Positions of the labels, whose entries stay as they are."""

_MOST_DELTAS = 64
"""So many places are tried for the only entry of an array."""


Path = tuple[int, str | None]
"""Where an array stands: position, and key if a mapping is there."""


def simplified(operation: str, given: Given, still_wrong: StillWrong, left: Allowance) -> Given:
    """Return simpler arguments of a call that is still wrong, by greedy descent.

    Parameters
    ----------
    operation : str
        What is called.
    given : tuple
        Arguments with which it is wrong.
    still_wrong : callable
        Judges others.
    left : Allowance
        How often it may be asked.

    Returns
    -------
    tuple
        First single examples, layers, channels and classes are tried; then arrays of zeros, of a single one
        (delta images, unit stencils) and 1, 2, 3, …; then entries that are 0, 1, 2, 3 or have one digit.
    """

    def better(candidates: Iterator[Given]) -> Given:
        for one in candidates:
            if not left.another():
                break
            if still_wrong(one):
                return one
        return given

    for name in dict.fromkeys("".join(_names(operation))):
        given = better(_cut(operation, given, name))
    for path in _paths(operation, given):
        given = better(_put(given, path, array) for array in _plain(_get(given, path)))
    for path in _paths(operation, given):
        for at in np.argwhere(_get(given, path)).tolist():
            given = better(_put(given, path, array) for array in _plainer(_get(given, path), tuple(at)))
    return given


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


def _cut(operation: str, given: Given, name: str) -> Iterator[Given]:
    """Yield the arguments with fewer entries along the axes of one name."""
    places = [
        (path, _axes(operation, path).index(name))
        for path in _paths(operation, given, labels=True)
        if name in _axes(operation, path) and name != "-"
    ]
    if not places:
        return
    extent, least = _get(given, places[0][0]).shape[places[0][1]], _LEAST.get(name, 1)
    for count in range(least, extent):
        for start in range(extent - count + 1):
            cut = given
            for path, axis in places:
                part = np.take(_get(cut, path), range(start, start + count), axis)
                cut = _put(cut, path, part)
            yield cut


def _names(operation: str) -> list[str]:
    """Return the names of the axes of every argument."""
    return ["".join(one.values()) if isinstance(one, dict) else one for one in _AXES[operation]]


def _axes(operation: str, path: Path) -> str:
    named = _AXES[operation][path[0]]
    return named[path[1]] if isinstance(named, dict) and path[1] is not None else str(named)


def _paths(operation: str, given: Given, *, labels: bool = False) -> list[Path]:
    """Return where arrays stand, those of labels only if they are asked for."""
    found: list[Path] = []
    for position, _ in enumerate(_AXES[operation]):
        one = given[position]
        if labels or position not in _KEPT.get(operation, ()):
            found += [(position, key) for key in one] if isinstance(one, Mapping) else [(position, None)]
    return found


def _get(given: Given, path: Path) -> Array:
    position, key = path
    found: Array = given[position] if key is None else given[position][key]
    return found


def _put(given: Given, path: Path, array: Array) -> Given:
    position, key = path
    one = array if key is None else {**given[position], key: array}
    return (*given[:position], one, *given[position + 1 :])
