"""The gate between properties and an adapter: layouts are converted, arguments guarded, results inspected."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import partial
from typing import Any

import numpy as np

from refms.conformance.adapters.layouts import handed_over, shape_in, to_images
from refms.conformance.adapters.misbehaviour import Misbehaviour
from refms.conformance.adapters.position import Position
from refms.conformance.adapters.profile import Profile
from refms.conformance.measures.precision import rounded, storage
from refms.conformance.operations import MEASURES, OPERATIONS, PARAMETERS, Operation, Parameters
from refms.errors import Array

Store = Callable[[str, Any], Any]
"""(name of an argument, its value) -> what the adapter gets; a copy shows whether it was left alone."""


def copied(name: str, argument: Any) -> Any:
    """Return a copy of all arrays, in C order."""
    if isinstance(argument, np.ndarray):
        return argument.copy()
    return {k: v.copy() for k, v in argument.items()} if isinstance(argument, Mapping) else argument


class Gate:
    """An adapter as properties see it: fields are images (m, c, *grid), and misbehaviour raises.

    Its methods are the rows of :mod:`refms.conformance.operations`, without ``grid`` where images show it and
    with a periodic boundary unless it is given; all raise :class:`Misbehaviour`, which says what was returned
    and what was expected. ``where`` is told every instance and every call; ``store`` says how arguments are
    handed over.
    """

    def __init__(self, adapter: Any, where: Position | None = None, store: Store = copied) -> None:
        self.adapter = adapter
        self.store = store
        self.where = where or Position()
        self.profile: Profile = adapter.profile

    def __getattr__(self, name: str) -> Any:
        if name not in OPERATIONS:
            raise AttributeError(f"a gate has no {name!r}")
        return partial(self._checked, OPERATIONS[name])

    def _checked(self, row: Operation, *values: Any, **named: Any) -> Any:
        """Call an operation with stored arguments, and see that they are left alone."""
        by_name = row.bind(*values, **named)
        arguments = handed_over(row, self.profile.layout, by_name)
        given = self._stored(row, arguments)
        self.where.enter(row.name)
        found = getattr(self.adapter, row.name)(*given)
        if any(_changed(argument, one) for argument, one in zip(arguments, given, strict=True)):
            raise Misbehaviour(f"{row.name} modified its arguments; it must leave them as they are")
        return self._read(row, found, by_name)

    def hand_over(self, row: Operation, *values: Any) -> tuple[Any, ...]:
        """Return what the adapter would get, without a call."""
        return self._stored(row, handed_over(row, self.profile.layout, row.bind(*values)))

    def _stored(self, row: Operation, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(self.store(one.name, value) for one, value in zip(row.arguments, arguments, strict=True))

    def _read(self, row: Operation, found: Any, by_name: Mapping[str, Any]) -> Any:
        """Return a result as properties see it, by its kind."""
        match row.kind:
            case "number":
                return _number(row.name, found)
            case "parameters":
                return self._parameters(row.name, found, row.parameter_shapes(by_name))
            case "history":
                return self._history(row, found, by_name)
            case "indices":
                return _indices(row.name, found, row.shape(by_name))
            case "stencils":
                S = by_name["S"]
                return self._array(row.name, found, _odd(row.name, np.shape(as_numpy(found)), S.shape))
            case "matrix":
                dense = found.toarray() if hasattr(found, "toarray") else found
                array = self._array(row.name, dense, row.shape(by_name))
                return array, int(getattr(found, "nnz", np.count_nonzero(array)))
            case "field":
                shape, layout = row.shape(by_name), self.profile.layout
                return to_images(self._array(row.name, found, shape_in(layout, shape)), layout, shape)
        return self._array(row.name, found, row.shape(by_name))

    def _parameters(self, name: str, found: Any, shapes: Mapping[str, tuple[int, ...]]) -> Parameters:
        return self._mapping(name, found, {key: shapes[key] for key in PARAMETERS})

    def _history(self, row: Operation, found: Any, by_name: Mapping[str, Any]) -> dict[str, Array]:
        """Return a history; what measures the steps may be in double precision."""
        return self._mapping(row.name, found, row.shapes(by_name), free=MEASURES)

    def _mapping(
        self, name: str, found: Any, shapes: Mapping[str, tuple[int, ...]], free: Container[str] = ()
    ) -> dict[str, Array]:
        """Return named arrays after a look at their shapes, and at the dtypes of those that are not free."""
        if not isinstance(found, Mapping) or set(found) != set(shapes):
            got = sorted(found) if isinstance(found, Mapping) else type(found).__name__
            raise Misbehaviour(f"{name} returned {got}; expected a mapping with the keys {', '.join(shapes)}")
        return {
            key: self._array(f"{name}[{key!r}]", found[key], shape, any_precision=key in free)
            for key, shape in shapes.items()
        }

    def _array(self, name: str, found: Any, shape: tuple[int, ...], *, any_precision: bool = False) -> Array:
        """Return a result as a NumPy array, after a look at its shape and dtype."""
        array = as_numpy(found)
        if array.shape != tuple(shape):
            raise Misbehaviour(f"{name} returned shape {array.shape}; expected {tuple(shape)}")
        dtype = self.profile.dtype
        if array.dtype.name == dtype == "bfloat16":  # of ml_dtypes
            array = array.astype(storage(dtype))
        if str(array.dtype) != storage(dtype) and not (any_precision and array.dtype.kind == "f"):
            raise Misbehaviour(
                f"{name} returned dtype {array.dtype} for {dtype} arguments; the precision must not change"
            )
        if dtype == "bfloat16" and not np.array_equal(rounded(array, dtype), array, equal_nan=True):
            raise Misbehaviour(f"{name} returned numbers that bfloat16 does not have; round every result")
        return array


def as_numpy(found: Any) -> Array:
    """Return an array of NumPy for whatever an operation returns."""
    if isinstance(found, np.ndarray) or not hasattr(found, "__dlpack__"):
        return np.asarray(found)
    return np.from_dlpack(found)


def _number(name: str, found: Any) -> float:
    try:
        return float(found)
    except (TypeError, ValueError) as error:
        raise Misbehaviour(f"{name} returned {type(found).__name__}; expected one number") from error


def _indices(name: str, found: Any, shape: tuple[int, ...]) -> Array:
    array = as_numpy(found)
    if array.shape != shape or array.dtype.kind not in "iu":
        raise Misbehaviour(
            f"{name} returned shape {array.shape} and dtype {array.dtype}; expected {shape} and whole numbers"
        )
    return array.astype("int64")


def _odd(name: str, shape: tuple[int, ...], given: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of stencils of whatever odd size the implementation gives them."""
    if len(shape) != len(given) or shape[:2] != given[:2] or any(size % 2 == 0 for size in shape[2:]):
        raise Misbehaviour(
            f"{name} returned shape {shape} for {given}; expected equal channels and odd sizes"
        )
    return shape


def _changed(argument: Any, copy: Any) -> bool:
    if isinstance(argument, np.ndarray):
        return not np.array_equal(argument, copy, equal_nan=True)
    if isinstance(argument, Mapping):
        return any(key not in copy or _changed(argument[key], copy[key]) for key in argument)
    return False
