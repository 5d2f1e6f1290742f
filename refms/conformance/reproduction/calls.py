"""The calls that a property makes on an implementation, and whether another one gives the same results."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import Profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.drawn import Instance
from refms.conformance.measures.outcome import EPS
from refms.conformance.mutants.conventions import as_declared
from refms.conformance.operations import OPERATIONS
from refms.conformance.property import Property
from refms.errors import Array

EQUAL = 30.0
"""Largest ρ between outputs that count as equal."""


@dataclass(frozen=True)
class Call:
    """One call that a property has made.

    Parameters
    ----------
    operation : str
        Its name.
    given : tuple and mapping
        Positional and named arguments, fields as images.
    result : object
        What came back; None where the operation raised.
    """

    operation: str
    given: tuple[tuple[Any, ...], Mapping[str, Any]]
    result: Any


def right_under(profile: Profile) -> Any:
    """Return refms, in columns, under the conventions that a profile declares."""
    return as_declared(ReferenceAdapter(profile=dataclasses.replace(profile, layout="columns")))


@dataclass(frozen=True)
class Watched:
    """What a property did on one instance.

    Parameters
    ----------
    calls : tuple of Call
        In their order.
    fails, misbehaves : bool
        Whether the verdict is FAIL, and whether because something was raised.
    """

    calls: tuple[Call, ...]
    fails: bool
    misbehaves: bool = False


def watched(gate: Gate, item: Property, case: Instance) -> Watched:
    """Return what a property does on one instance, and to what end.

    Parameters
    ----------
    gate : Gate
        The implementation.
    item : Property
        What to check.
    case : Instance
        On what.

    Returns
    -------
    Watched
        Missing operations are no failure.
    """
    recording = Recording(gate)
    gate.where.begin(case.describe())
    try:
        with np.errstate(all="ignore"):
            outcome = item.check(recording, case)  # type: ignore[arg-type]  # it answers to a gate's names
    except NotImplementedError:
        return Watched(tuple(recording.calls), fails=False)
    except (Exception, SystemExit):
        return Watched(tuple(recording.calls), fails=True, misbehaves=True)
    return Watched(tuple(recording.calls), fails=outcome.verdict == "FAIL")


def recorded(gate: Gate, item: Property, case: Instance) -> tuple[Call, ...]:
    """Return all calls that a property makes on one instance."""
    return watched(gate, item, case).calls


class Recording:
    """A gate that keeps all calls.

    Parameters
    ----------
    gate : Gate
        The implementation; the recording answers to all names of the gate.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate, self.calls = gate, list[Call]()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.gate, name)
        return partial(self._called, name, found) if name in OPERATIONS else found

    def _called(self, name: str, operation: Any, *arguments: Any, **named: Any) -> Any:
        given = tuple(_kept(argument) for argument in arguments), named
        try:
            result = operation(*arguments, **named)
        except (Exception, SystemExit):
            self.calls.append(Call(name, given, None))
            raise
        self.calls.append(Call(name, given, _kept(result)))
        return result


def gives(adapter: Any, call: Call, dtype: str) -> bool:
    """Return whether an adapter gives a recorded result; two that raise agree."""
    arguments, named = call.given
    try:
        with np.errstate(all="ignore"):
            found = getattr(Gate(adapter), call.operation)(*arguments, **named)
    except Exception:
        return call.result is None
    if call.result is None:
        return False
    size = max((_size(part) for part in _parts((arguments, named))), default=0.0)
    pairs = zip(_parts(found), _parts(call.result), strict=True)
    return all(_equal(a, b, size, dtype) for a, b in pairs)


def refuses(adapter: Any, call: Call) -> bool:
    """Return whether an adapter raises where it is called so."""
    arguments, named = call.given
    try:
        with np.errstate(all="ignore"):
            getattr(Gate(adapter), call.operation)(*arguments, **named)
    except Exception:
        return True
    return False


def _equal(a: Array, b: Array, size: float, dtype: str) -> bool:
    """Return whether two arrays agree within ρ <= 30, the scale being the largest number around."""
    if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return False
    good = np.isfinite(a)
    scale = max(size, _size(a), _size(b))
    error = float(np.abs(a[good] - b[good]).max(initial=0.0))
    return error <= EQUAL * EPS[dtype] * scale


def _parts(value: Any) -> list[Array]:
    """Return all numbers in arrays, mappings, tuples and bare numbers, as arrays in double precision."""
    if isinstance(value, Mapping):
        return [part for key in sorted(value) for part in _parts(value[key])]
    if isinstance(value, tuple):
        return [part for one in value for part in _parts(one)]
    if isinstance(value, (np.ndarray, float, int, np.number)):
        return [np.asarray(value, dtype="float64")]
    return []


def _size(array: Array) -> float:
    """Return the largest finite absolute value."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def _kept(value: Any) -> Any:
    """Return a copy of what holds numbers, and everything else as it is."""
    return copy.deepcopy(value) if isinstance(value, (np.ndarray, Mapping, tuple)) else value
