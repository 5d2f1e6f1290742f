"""Which known mistake an implementation makes: its outputs are compared with those of every mutant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refms.conformance.mutants import MUTANTS, Mutant
from refms.conformance.reproduction.calls import Call, gives

ENOUGH = 3
"""Instances on which outputs must agree with a mistake, and not with another one, for its name to be said."""

_MOST_NAMES = 3


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a failure: an operation that is wrong, and the mistakes that come nearest.

    ``instances`` is on how many the nearest agree; ``certain``, whether the first is told from all others.
    """

    operation: str = ""
    mistakes: tuple[str, ...] = ()
    instances: int = 0
    certain: bool = False

    @property
    def sentence(self) -> str:
        """Say which mistakes they are; empty if there are none."""
        if not self.mistakes:
            return ""
        if self.certain:
            return f"your output equals: {self.mistakes[0]}"
        on = f"{self.instances} instance{'s' * (self.instances > 1)}"
        return f"nearest known mistakes: {', or '.join(self.mistakes[:_MOST_NAMES])} (equal on {on})"


def diagnose(
    failures: Iterable[Sequence[Call]], right: Any, mutants: Iterable[Mutant] = MUTANTS
) -> Diagnosis:
    """Return which known mistakes explain the calls that a property made where it failed.

    Every call is repeated on refms under the declared conventions, ``right``, and on every mutant of it. W(M)
    are the instances on which a mutant M gives what all wrong calls gave, within ρ <= 30. The M with the most
    of them is named if it explains every instance, and if for each other mutant M' that the property can tell
    from M

        |W(M) ∖ W(M')| >= 3.

    Where two agree throughout, it cannot tell them if one also changes operations that were not called.
    Reading ends as soon as one is named, or none explains the first instance.
    """
    explained: dict[Mutant, set[int]] = {}
    called: set[str] = set()
    looked_at, found = 0, Diagnosis()
    for calls in failures:
        wrong = wrong_operations(calls, right)
        if not wrong:
            continue
        called |= {call.operation for call in calls}
        whole, parts = explaining(calls, right, wrong, mutants)
        for mutant in whole:
            explained.setdefault(mutant, set()).add(looked_at)
        looked_at += 1
        found = _nearest(explained, called, looked_at) if explained else _in_parts(parts, wrong)
        if found.certain or not explained:
            break
    return found


def _in_parts(parts: Mapping[Mutant, Sequence[str]], wrong: Sequence[str]) -> Diagnosis:
    """Return the diagnosis where no mistake explains all: several do, or an operation is left over."""
    left = [name for name in wrong if not any(name in given for given in parts.values())]
    if left:
        return Diagnosis(left[0])
    return Diagnosis(wrong[0], tuple(one.name for one in parts), 1)


def _nearest(explained: Mapping[Mutant, set[int]], called: set[str], looked_at: int) -> Diagnosis:
    """Return the diagnosis from W(M)."""

    def unseen(mutant: Mutant) -> int:
        return len(set(mutant.changes) - called)

    order = sorted(explained, key=lambda one: (-len(explained[one]), unseen(one), len(one.changes)))
    best, W = order[0], explained[order[0]]
    alike = [one for one in order if explained[one] == W]
    near = [one for one in order if one not in alike and len(W - explained[one]) < ENOUGH]
    shadowed = all(unseen(one) > unseen(best) for one in alike[1:])
    clear = len(W) == looked_at >= ENOUGH and shadowed and not near
    operation = next(name for name in best.changes if name in called)
    return Diagnosis(operation, tuple(one.name for one in (*alike, *near)), len(W), clear)


def wrong_operations(calls: Sequence[Call], right: Any) -> tuple[str, ...]:
    """Return the operations of which a recorded result differs from that of the right adapter, in order."""
    names = dict.fromkeys(call.operation for call in calls)
    return tuple(name for name in names if not _gives_all(right, _of(name, calls)))


def explaining(
    calls: Sequence[Call], right: Any, wrong: Sequence[str], mutants: Iterable[Mutant] = MUTANTS
) -> tuple[tuple[Mutant, ...], dict[Mutant, list[str]]]:
    """Return the mutants that give all recorded results; and others, with the wrong operations they give."""
    whole, parts = [], {}
    for mutant in sorted(mutants, key=lambda one: len(one.changes)):
        mutated = mutant.around(right)
        touched = [name for name in wrong if name in mutant.changes]
        given = [name for name in touched if _gives_all(mutated, _of(name, calls))]
        innocent = [one for one in calls if one.operation in mutant.changes and one.operation not in wrong]
        if given and len(given) == len(wrong) and _gives_all(mutated, innocent):
            whole.append(mutant)
        elif given:
            parts[mutant] = given
    return tuple(whole), parts


def _of(name: str, calls: Sequence[Call]) -> list[Call]:
    return [call for call in calls if call.operation == name]


def _gives_all(adapter: Any, calls: Sequence[Call]) -> bool:
    """Return whether an adapter gives all recorded results."""
    return all(gives(adapter, call, adapter.profile.dtype) for call in calls)
