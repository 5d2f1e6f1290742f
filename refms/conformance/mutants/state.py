"""Mistakes in what is kept from call to call, and with arrays that are stored in another way than usual."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array

PAUSE = 5e-4
"""Seconds: stands for work in which other threads go on."""


def _kept_by(key: Callable[[Asked], Any], most: int | None = None) -> Change:
    """Return what computes a result once for each key, and keeps the last ``most`` of them."""

    def change(t: Asked) -> Any:
        kept: dict[Any, Any] = t.kept.setdefault(t.operation, {})
        found = key(t)
        if found not in kept:
            # The arrays are held, so that no other one gets their address.
            kept[found] = t(), dict(t.given)
            for old in list(kept)[: -most if most else 0]:
                del kept[old]
        return _copy(kept[found][0])

    return change


def _copy(found: Any) -> Any:
    if isinstance(found, Mapping):
        return {key: array.copy() for key, array in found.items()}
    return found.copy() if hasattr(found, "copy") else found


def _arrays(t: Asked) -> Iterator[Array]:
    """Yield all arrays among the arguments."""
    for value in t.given.values():
        yield from value.values() if isinstance(value, Mapping) else (value,)


def _addresses(t: Asked) -> tuple[Any, ...]:
    """Return which objects the arguments are, and what those are that are no objects."""
    return tuple(id(one) if isinstance(one, np.ndarray) else str(one) for one in _arrays(t))


def _beginnings(t: Asked) -> tuple[Any, ...]:
    """Return shape and first entry of all arrays, and all that is no array."""
    return tuple((one.shape, one.flat[0]) if isinstance(one, np.ndarray) else str(one) for one in _arrays(t))


def _digits(t: Asked) -> tuple[Any, ...]:
    """Return two digits of all numbers in arrays, and all that is no array."""
    return tuple(
        (one.shape, np.char.mod("%.1e", one).tobytes()) if isinstance(one, np.ndarray) else str(one)
        for one in _arrays(t)
    )


def _bits(*names: str) -> Callable[[Asked], Any]:
    """Return the key that holds all bits of some arguments."""
    return lambda t: tuple(
        (t.given[name].shape, t.given[name].tobytes())
        if isinstance(t.given[name], np.ndarray)
        else str(t.given[name])
        for name in names
    )


def _labels_kept(t: Asked) -> Array:
    """Return the right result for the labels that lay at the address of these when they came first."""
    labels, _ = t.kept.setdefault(id(t.C), (t.C.copy(), t.C))
    return t(C=labels if labels.shape == t.C.shape else t.C)


PLACES = 5
"""In so many places results are kept."""


def _wrong_place(t: Asked) -> Any:
    """Return results that are kept in a few places, where later ones take those of the first."""
    names, results = t.kept.setdefault(t.operation, ([], [None] * PLACES))
    name = _bits(*t.given)(t)
    if name not in names:
        results[len(names) % PLACES] = t()
        names.append(name)
    return _copy(results[names.index(name) % PLACES])


def _uncleared(t: Asked) -> float:
    """Return the mean of losses in a work space for the most examples so far, the rest of which is not 0."""
    m = t.Z.shape[1]
    losses = t.kept.get("losses", np.zeros(0))
    if len(losses) < m:
        losses = t.kept["losses"] = np.zeros(m)
    losses[:m] = [t(Z=t.Z[:, [j]], C=t.C[:, [j]]) for j in range(m)]
    return float(losses.sum() / m)


class _Later:
    """A result that is computed whenever it is read, from what the arguments hold then."""

    def __init__(self, t: Asked) -> None:
        self.t = t

    def __array__(self, *given: Any, **named: Any) -> Array:
        found: Array = self.t()
        return found


def _work_in_earlier_argument(t: Asked) -> Array:
    """Put the result into the images of the call before, where it fits, and return a copy."""
    found: Array = t()
    before = t.kept.get("before")
    t.kept["before"] = t.Y
    if before is not None and before.size and before.flags.writeable:
        before.flat[0] = found.flat[0]
    return found


def _in_memory_order(array: Array) -> Array:
    """Return the entries in the order in which they lie in memory, as if that were C order."""
    return array.ravel(order="K").reshape(array.shape)


def _first_in_memory(array: Array) -> Array:
    """Return as many numbers as an array has from the beginning of its memory, whatever its strides."""
    memory = array
    while isinstance(memory.base, np.ndarray):
        memory = memory.base
    return np.resize(memory.ravel(order="K"), array.shape)


def _forwards(array: Array) -> Array:
    """Return an array without the signs of its strides."""
    return array[tuple(slice(None, None, -1 if step < 0 else 1) for step in array.strides)].copy()


def _back_and_forth(t: Asked) -> Any:
    """Double the images in place, and halve them again when the result is there."""
    t.Y[...] *= 2
    time.sleep(PAUSE)
    found = t(Y=t.Y.copy())
    t.Y[...] /= 2
    return found / 2


def _added_through_strides(t: Asked) -> Array:
    """Add the images to zeros that are stored like them: where a stride is 0, entries add up."""
    if 0 not in t.Y.strides:
        return t()
    zeros = np.lib.stride_tricks.as_strided(np.zeros(t.Y.size, t.Y.dtype), t.Y.shape, t.Y.strides)
    for place in np.ndindex(t.Y.shape):
        zeros[place] += t.Y[place]
    return t(Y=zeros.copy())


def _put_down_and_read(t: Asked) -> Any:
    """Put the result down where other threads put theirs, and return what lies there."""
    found = t()
    t.kept[t.operation] = found
    return t.kept[t.operation]


def _in_first_precision(t: Asked) -> Array:
    """Return the result in the precision of the first one, as out of a work space that was made for it."""
    found: Array = t()
    return found.astype(t.kept.setdefault("dtype", found.dtype))


MISTAKES: Table = {
    "gradient": {"gradient kept under the addresses of its arguments": _kept_by(_addresses, 8)},
    "convolution_matrix": {
        "matrix kept under shape and first entries of the stencils": _kept_by(_beginnings)
    },
    "cross_entropy_gradient": {"labels kept under their address": _labels_kept},
    "newton_step": {"Newton step kept under the address of its start": _kept_by(_addresses, 8)},
    "convolution": {
        "result kept for stencils and images, whatever the boundary": _kept_by(_bits("S", "Y", "grid")),
        "images read in the order of their memory": lambda t: t(Y=_in_memory_order(t.Y)),
    },
    "forward": {"features kept for parameters and images, whatever T": _kept_by(_bits("parameters", "X"), 1)},
    "activation": {"result computed when it is read, from what arguments hold then": _Later},
    "prolong": {"signs of strides left out": lambda t: t(Y=_forwards(t.Y))},
    "cross_entropy": {
        "gaps between the entries of logits read": lambda t: t(Z=_first_in_memory(t.Z)),
        "losses added up in a work space that larger batches have left": _uncleared,
    },
    "restrict": {"images doubled in place and halved again": _back_and_forth},
    "mesh_free": {
        "images doubled in place and halved again if they can be written to": lambda t: (
            _back_and_forth(t) if t.Y.flags.writeable else t()
        )
    },
    "logits": {"result returned from where other threads put theirs": _put_down_and_read},
    "average_pool": {"result in a work space of the precision that came first": _in_first_precision},
    "blur": {"images added to zeros with their strides": _added_through_strides},
    "coarsen_images": {"images of the call before used as work space": _work_in_earlier_argument},
    "stencil_gradient": {"result kept for arrays that agree in two digits": _kept_by(_digits, 1)},
    "weight_smoothness_gradient": {
        "results kept in five places, the sixth under the name of the first": _wrong_place
    },
}
"""Where nothing else is said, what is kept is a result."""
