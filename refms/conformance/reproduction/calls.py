"""The calls that a property makes on an implementation, and whether another one gives the same results."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.conformance.adapters.around import Around
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.half import in_half
from refms.conformance.adapters.profile import Profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import Instance
from refms.conformance.measures.precision import EPS, LIMITS
from refms.conformance.mutants.conventions import as_declared
from refms.conformance.operations import OPERATIONS
from refms.conformance.property import Property
from refms.errors import Array
from refms.names import HALVES


@dataclass(frozen=True)
class Call:
    """An operation, what the gate was given by name, fields as images, and the result; None if it raised."""

    operation: str
    given: Mapping[str, Any]
    result: Any

    def repeat(self, adapter: Any) -> Any:
        """Return what another adapter gives."""
        values = [self.given[one.name] for one in OPERATIONS[self.operation].given]
        with np.errstate(all="ignore"):
            return getattr(Gate(adapter), self.operation)(*values)


@dataclass(frozen=True)
class Behaviour:
    """The calls of a property on one instance, whether it fails, and whether because something was raised."""

    calls: tuple[Call, ...]
    fails: bool
    misbehaves: bool = False


def right_under(profile: Profile) -> Any:
    """Return refms, in columns, under the conventions that a profile declares."""
    declared = dataclasses.replace(profile, layout="columns")
    if profile.dtype in HALVES:
        double = ReferenceAdapter(profile=dataclasses.replace(declared, dtype="float64"))
        return as_declared(in_half(double, declared))
    return as_declared(ReferenceAdapter(profile=declared))


def watch(gate: Gate, item: Property, case: Instance) -> Behaviour:
    """Return what a property does on one instance, and to what end; missing operations are no failure."""
    calls: list[Call] = []

    def record(name: str, operation: Callable[..., Any], *values: Any, **named: Any) -> Any:
        given = {key: _copy(one) for key, one in OPERATIONS[name].bind(*values, **named).items()}
        result = None
        try:
            result = operation(*values, **named)
        finally:
            calls.append(Call(name, given, _copy(result)))
        return result

    recording: Any = Around(gate, record)  # it answers to a gate's names
    gate.where.begin(case.describe())
    try:
        with np.errstate(all="ignore"):
            outcome = item.check(recording, case)
    except NotImplementedError:
        return Behaviour(tuple(calls), fails=False)
    except (Exception, SystemExit):
        return Behaviour(tuple(calls), fails=True, misbehaves=True)
    return Behaviour(tuple(calls), fails=outcome.verdict == "FAIL")


def gives(adapter: Any, call: Call, dtype: str) -> bool:
    """Return whether an adapter gives a recorded result; two that raise agree."""
    try:
        found = call.repeat(adapter)
    except Exception:
        return call.result is None
    if call.result is None:
        return False
    arrays = (part for part in _parts(call.given) if part.ndim)  # a grid's 9 says nothing of an image's scale
    size = max(map(_size, arrays), default=0.0)
    pairs = zip(_parts(found), _parts(call.result), strict=True)
    return all(_equal(a, b, size, dtype) for a, b in pairs)


def refuses(adapter: Any, call: Call) -> bool:
    """Return whether an adapter raises where it is called so."""
    try:
        call.repeat(adapter)
    except Exception:
        return True
    return False


def _equal(a: Array, b: Array, size: float, dtype: str) -> bool:
    """Return whether two arrays agree within the ρ that passes, the scale being the largest number around."""
    if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return False
    good = np.isfinite(a)
    error = float(np.abs(a[good] - b[good]).max(initial=0.0))
    return error <= LIMITS[dtype] * EPS[dtype] * max(size, _size(a), _size(b))


def _parts(value: Any) -> list[Array]:
    """Return all numbers in arrays, mappings, tuples and bare numbers, as arrays in double precision."""
    if isinstance(value, Mapping):
        return [part for key in sorted(value) for part in _parts(value[key])]
    if isinstance(value, tuple):
        return [part for one in value for part in _parts(one)]
    numeric = isinstance(value, np.ndarray | float | int | np.number)
    return [np.asarray(value, dtype="float64")] if numeric else []


def _size(array: Array) -> float:
    """Return the largest finite absolute value."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def _copy(value: Any) -> Any:
    """Return a copy of what holds numbers, and everything else as it is."""
    return copy.deepcopy(value) if isinstance(value, np.ndarray | Mapping | tuple) else value
