"""Which known mistake an implementation makes: its outputs are compared with those of every mutant."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from refms.conformance.adapter import OPERATIONS
from refms.conformance.gate import Gate
from refms.conformance.instances import Instance
from refms.conformance.mutants import MUTANTS, Mutant
from refms.conformance.mutants.conventions import as_declared
from refms.conformance.outcome import EPS
from refms.conformance.property import Property
from refms.conformance.reference import ReferenceAdapter
from refms.errors import Array

EQUAL = 30.0
"""Largest ρ between outputs that count as equal."""

_MOST_INSTANCES, _MOST_NAMES = 4, 3


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


def diagnosis(gate: Gate, item: Property, cases: Sequence[Instance]) -> str:
    """Return which known mistakes explain that a property fails.

    Every call that the property makes is repeated on refms under the declared conventions. Where the results
    differ the implementation is wrong, and each mutant that gives what it gives, within ρ <= 30, is named.

    Parameters
    ----------
    gate : Gate
        The implementation.
    item : Property
        What fails.
    cases : sequence of Instance
        The instances it fails on, the worst first.

    Returns
    -------
    str
        Such as "your output equals: kernel flipped on all axes"; empty if no known mistake explains it.
    """
    right = as_declared(ReferenceAdapter(profile=dataclasses.replace(gate.profile, layout="columns")))
    found: tuple[Mutant, ...] = MUTANTS
    for number, case in enumerate(cases[:_MOST_INSTANCES]):
        narrowed = explaining(recorded(gate, item, case), right, found)
        if not narrowed and number == 0:
            return ""
        found = narrowed or found
    return "your output equals: " + ", or ".join(one.name for one in found[:_MOST_NAMES])


def recorded(gate: Gate, item: Property, case: Instance) -> tuple[Call, ...]:
    """Return all calls that a property makes on one instance."""
    recording = _Recording(gate)
    try:
        with np.errstate(all="ignore"):
            item.check(recording, case)  # type: ignore[arg-type]  # it answers to all names of a gate
    except (Exception, SystemExit):
        return tuple(recording.calls)
    return tuple(recording.calls)


def explaining(calls: Sequence[Call], right: Any, mutants: Iterable[Mutant] = MUTANTS) -> tuple[Mutant, ...]:
    """Return the mutants that give the recorded results, the simplest first.

    Parameters
    ----------
    calls : sequence of Call
        What an implementation gave.
    right : Adapter
        A right one in columns.
    mutants : iterable of Mutant
        The mistakes to compare with.

    Returns
    -------
    tuple of Mutant
        Those that explain all wrong operations; if there are none, those that explain one of them.
    """
    by_operation = {
        call.operation: [one for one in calls if one.operation == call.operation] for call in calls
    }
    wrong = {name for name, made in by_operation.items() if not _gives_all(right, made)}
    all_of_it, part_of_it = [], []
    for mutant in sorted(mutants, key=lambda one: len(one.changes)):
        touched = wrong & set(mutant.changes)
        mutated = mutant.around(right)
        explained = {name for name in touched if _gives_all(mutated, by_operation[name])}
        innocent = (set(mutant.changes) & set(by_operation)) - wrong
        if explained and explained == wrong and all(_gives_all(mutated, by_operation[n]) for n in innocent):
            all_of_it.append(mutant)
        elif explained:
            part_of_it.append(mutant)
    return tuple(all_of_it or part_of_it)


class _Recording:
    """A gate that keeps all calls."""

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


def _gives_all(adapter: Any, calls: Sequence[Call]) -> bool:
    """Return whether an adapter gives all recorded results."""
    return all(_gives(adapter, call, adapter.profile.dtype) for call in calls)


def _gives(adapter: Any, call: Call, dtype: str) -> bool:
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
