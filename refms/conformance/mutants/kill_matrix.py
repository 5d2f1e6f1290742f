"""Which property finds which mistake: the catalogue run on every mutant of the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from refms.conformance.adapters.around import in_other_precision
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import instances_in_tier
from refms.conformance.mutants import MUTANTS, Mutant
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.runner import examine

GOLDEN = frozenset({"G10"})
"""Properties that are printed numbers: a mistake that only they find needs a property."""

WITH_ITSELF = frozenset({"determinism", "state"})
"""Families that compare an implementation with itself: they see how it computes, not what."""


@dataclass(frozen=True)
class Kills:
    """One mutant and the properties that fail on it."""

    name: str
    family: str
    by: tuple[str, ...]  # ids of the properties


@dataclass(frozen=True)
class KillMatrix:
    """What was found."""

    rows: tuple[Kills, ...]  # one a mutant
    properties: tuple[str, ...]  # ids of all properties that were run

    @property
    def survivors(self) -> tuple[str, ...]:
        """Names of mutants that no property kills."""
        return tuple(row.name for row in self.rows if not row.by)

    @property
    def golden_only(self) -> tuple[str, ...]:
        """Names of mutants that golden data alone kill."""
        return tuple(row.name for row in self.rows if row.by and set(row.by) <= GOLDEN)

    @property
    def killed(self) -> dict[str, int]:
        """How many mutants each property kills."""
        found = Counter(name for row in self.rows for name in row.by)
        return {name: found[name] for name in self.properties}

    @property
    def alone(self) -> dict[str, int]:
        """How many mutants each property kills that no other one kills."""
        found = Counter(row.by[0] for row in self.rows if len(row.by) == 1)
        return {name: found[name] for name in self.properties}

    @property
    def needed(self) -> dict[str, int]:
        """How many mutants each property kills and no other one that needs no more operations.

        So many mistakes would nothing find in an adapter that has the property's operations alone.
        """
        asks = {item.id: set(item.operations) for item in PROPERTIES}
        found = Counter(
            name
            for row in self.rows
            for name in row.by
            if not any(other != name and asks[other] <= asks[name] for other in row.by)
        )
        return {name: found[name] for name in self.properties}

    @property
    def idle(self) -> tuple[str, ...]:
        """Ids of properties that kill nothing."""
        return tuple(name for name, count in self.killed.items() if count == 0)

    @property
    def complete(self) -> bool:
        """Whether every mutant is killed, not by golden data alone, and every property kills something."""
        return not (self.survivors or self.golden_only or self.idle)

    def to_dict(self) -> dict[str, Any]:
        """Return the matrix as plain Python values, ready for JSON."""
        return {
            "complete": self.complete,
            "mutants": [{"name": r.name, "family": r.family, "killed_by": list(r.by)} for r in self.rows],
            "kills": self.killed,
            "alone": self.alone,
            "needed": self.needed,
            "survivors": list(self.survivors),
            "golden_only": list(self.golden_only),
            "idle": list(self.idle),
        }


def kill_matrix(
    mutants: Sequence[Mutant] = MUTANTS,
    tier: str = "quick",
    seed: int = 0,
    *,
    properties: Sequence[Property] = PROPERTIES,
    brief: bool = False,
    progress: Callable[[Kills], None] | None = None,
) -> KillMatrix:
    """Run properties on mutants of the reference in double precision.

    A mutant meets only the properties that need an operation it changes; on others it is the reference.
    Properties that compare an implementation with itself come last, and meet the mutants of other families
    only where no two others kill them.
    ``brief`` leaves out what cannot change :attr:`KillMatrix.complete`: once a mutant is killed, it meets
    only the properties of its own family that have not yet killed any. A property that killed nothing because
    it met too few mutants meets all until it does. ``progress`` is told every finished row.

    >>> from refms.conformance.mutants import mutant_named
    >>> kill_matrix([mutant_named("layers copied in place of interpolated")]).rows[0].by
    ('D1', 'D2')
    """
    rows: list[Kills] = []
    for mutant in mutants:
        gate = Gate(mutant.around(ReferenceAdapter()))
        proven = {name for row in rows for name in row.by}
        by: tuple[str, ...] = ()
        own = {item.id for item in properties if item.family == mutant.family}
        # Those of its own family that have killed nothing yet come first, printed numbers last.
        for item in sorted(properties, key=lambda one: _turn(one, own - proven)):
            needless = brief and item.id not in own - proven and not set(by) <= GOLDEN
            needless |= len(by) > 1 and item.family in WITH_ITSELF and mutant.family not in WITH_ITSELF
            if not needless and _kills(gate, mutant, item, tier, seed):
                by = (*by, item.id)
        ordered = tuple(item.id for item in properties if item.id in by)
        rows.append(Kills(mutant.name, mutant.family, ordered))
        if progress is not None:
            progress(rows[-1])
    names = tuple(item.id for item in properties)
    for name in KillMatrix(tuple(rows), names).idle:
        item = next(one for one in properties if one.id == name)
        left_out = brief or item.family in WITH_ITSELF
        for i, mutant in enumerate(mutants if left_out else ()):
            if _kills(Gate(mutant.around(ReferenceAdapter())), mutant, item, tier, seed):
                rows[i] = replace(rows[i], by=(*rows[i].by, name))
                break
    return KillMatrix(tuple(rows), names)


def _turn(item: Property, first: set[str]) -> tuple[bool, bool, bool]:
    """Return where a property has its turn: printed numbers last, before them what compares with itself."""
    return item.id in GOLDEN, item.family in WITH_ITSELF and item.id not in first, item.id not in first


def _kills(gate: Gate, mutant: Mutant, item: Property, tier: str, seed: int) -> bool:
    """Return whether a property fails on a mutant, at the first instance if may be."""
    if not set(item.operations) & set(mutant.changes):
        return False
    if item.uses:  # one by one: those that the mutant leaves alone are the right ones
        gate = Gate(_Only(gate.adapter, mutant.changes))
    cases = instances_in_tier(item, gate.profile, tier, seed)
    return any(examine(gate, item, case).verdict == "FAIL" for case in cases)


class _Only:
    """Some operations of an adapter."""

    def __init__(self, adapter: Any, names: Iterable[str]) -> None:
        self.adapter, self.names = adapter, tuple(names)
        self.profile = adapter.profile
        for name in self.names:
            setattr(self, name, getattr(adapter, name))

    def in_other_precision(self) -> _Only | None:
        """Return the same of the adapter in the other precision."""
        twin = in_other_precision(self.adapter)
        return None if twin is None else _Only(twin, self.names)
