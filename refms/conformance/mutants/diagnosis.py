"""Which known mistake an implementation makes: its outputs are compared with those of every mutant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Instance
from refms.conformance.mutants import MUTANTS, Mutant
from refms.conformance.property import Property
from refms.conformance.reproduction.calls import Call, gives, right_under, watch

_MOST_INSTANCES, _MOST_NAMES = 4, 3


def diagnosis(gate: Gate, item: Property, cases: Sequence[Instance]) -> str:
    """Return which known mistakes explain that a property fails.

    Every call that the property makes is repeated on refms under the declared conventions. Where the results
    differ the implementation is wrong, and each mutant that gives what it gives, within ρ <= 30, is named;
    the text is empty if there is none. Of ``cases``, the instances it fails on, the worst comes first.
    """
    right = right_under(gate.profile)
    found: tuple[Mutant, ...] = MUTANTS
    for number, case in enumerate(cases[:_MOST_INSTANCES]):
        narrowed = explaining(watch(gate, item, case).calls, right, found)
        if not narrowed and number == 0:
            return ""
        found = narrowed or found
    return "your output equals: " + ", or ".join(one.name for one in found[:_MOST_NAMES])


def explaining(calls: Sequence[Call], right: Any, mutants: Iterable[Mutant] = MUTANTS) -> tuple[Mutant, ...]:
    """Return the mutants that give the recorded results, the simplest first.

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


def _gives_all(adapter: Any, calls: Sequence[Call]) -> bool:
    """Return whether an adapter gives all recorded results."""
    return all(gives(adapter, call, adapter.profile.dtype) for call in calls)
