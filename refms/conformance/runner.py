"""Runs the catalogue on an adapter and reports; what was never run is never passed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.misbehaviour import in_words, line_of, message_of
from refms.conformance.adapters.profile import Profile
from refms.conformance.explanation import FURTHER, explain_failure
from refms.conformance.instances.domain import Instance, further_instances, instances_in_tier
from refms.conformance.isolation.time_limit import TimeIsUp, time_limit
from refms.conformance.measures.outcome import Outcome, worst
from refms.conformance.operations import OPTIONAL
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reports.report import Report, Row, row_of
from refms.conformance.reproduction import replay
from refms.errors import require_choice
from refms.names import HALVES, TIERS

Progress = Callable[[Row], None]
"""Called after each property."""


def run(
    adapter: Any,
    tier: str = "quick",
    seed: int = 0,
    *,
    properties: Sequence[Property] = PROPERTIES,
    progress: Progress | None = None,
    timeout: float | None = None,
    explain: bool = True,
) -> Report:
    """Check an implementation against the catalogue of properties.

    Parameters
    ----------
    adapter : Adapter
        The implementation with its declared profile.
    tier : str
        ``"quick"`` (a few instances a property, seconds), ``"full"`` (many, minutes) or ``"torture"`` (more,
        of all shapes, with scales from 1e-6 to 1e6).
    seed : int
        Seed of all instances, at least 0; equal seeds give equal instances.
    properties : sequence of Property
        Which ones to run; all others appear as NOT RUN.
    progress : callable or None
        Told every finished row.
    timeout : float or None
        Seconds for a property, which fails if they do not suffice; without effect in other threads than the
        main one, on Windows, and in compiled code. ``refms conform run`` has no such exceptions.
    explain : bool
        Whether it is found out of every failure where it comes up, which known mistake it is and what its
        smallest case is, which takes seconds each; else it is replayed.

    Returns
    -------
    Report
        One row for every property of the catalogue.

    Raises
    ------
    InputError
        If the tier is unknown, or the time limit is not positive.

    Examples
    --------
    >>> from refms.conformance.adapters.adapter import Adapter
    >>> from refms.conformance.adapters.profile import Profile
    >>> run(Adapter(Profile("nothing yet"))).passed
    False
    """
    return make_report(
        adapter.profile,
        lambda item: check_property(Gate(adapter), item, tier, seed, timeout, explain),
        tier,
        seed,
        properties,
        progress,
    )


def make_report(
    profile: Profile,
    check: Callable[[Property], Row],
    tier: str,
    seed: int,
    properties: Sequence[Property] = PROPERTIES,
    progress: Progress | None = None,
) -> Report:
    """Return the report of a run, however its properties are checked."""
    require_choice(tier, TIERS, "tier")
    chosen = {item.id for item in properties}
    catalogue = (*PROPERTIES, *(item for item in properties if item not in PROPERTIES))
    rows = []
    for item in catalogue:
        if item.id in chosen:
            row = check(item)
        else:
            row = row_of(item, sentence="it was not selected.", selected=False)
        if row.verdict == "FAIL" and not row.reproduction:  # it hung or died, or no more is asked
            row = _replayed(row, profile, item, tier, seed)
        rows.append(row)
        if progress is not None:
            progress(row)
    return Report(profile, tier, seed, tuple(rows))


def check_property(
    gate: Gate, item: Property, tier: str, seed: int, timeout: float | None = None, explain: bool = True
) -> Row:
    """Return the row of one property: its worst outcome over the instances of the tier."""
    gate.where.limit = timeout if gate.where.limit is None else gate.where.limit
    try:
        with time_limit(timeout):
            return _checked(gate, item, tier, seed, explain)
    except TimeIsUp:
        return gate.where.failure(item, "returns in time", gate.where.overdue(timeout or 0.0))


def _checked(gate: Gate, item: Property, tier: str, seed: int, explain: bool) -> Row:
    """Return the row of one property, however long it takes."""
    cases = instances_in_tier(item, gate.profile, tier, seed)
    if not cases:
        return row_of(item, "NOT APPLICABLE", "the profile declares no case in which it is stated.")
    if gate.profile.dtype in HALVES and not item.half:
        return row_of(item, "NOT APPLICABLE", f"it is not stated in {gate.profile.dtype}.")
    if level := _unclaimed(gate, item):
        said = f"the adapter has no operation of the level {level!r}, and does not claim it."
        return row_of(item, "NOT APPLICABLE", said)
    missing = [name for name in item.needs if not provides(gate.adapter, name)]
    if not missing and item.uses and not any(provides(gate.adapter, name) for name in item.uses):
        missing = list(item.uses)
    if missing:
        return row_of(item, "NOT IMPLEMENTED", f"the adapter has no {', '.join(missing)}.")
    start = time.perf_counter()
    found: list[tuple[Instance, Outcome]] = []
    absent: Row | None = None
    for case in cases:
        try:
            found.append((case, examine(gate, item, case)))
        except NotImplementedError as error:
            said = f"the adapter says: {message_of(error)}{line_of(error)}."
            absent = row_of(item, "NOT IMPLEMENTED", said, worst_instance=case.describe())
    total = worst(outcome for _, outcome in found)
    if absent is not None and (not found or total.verdict != "FAIL"):
        return dataclasses.replace(absent, instances=len(found))
    case, shown = next((case, outcome) for case, outcome in found if outcome.sentence == total.sentence)
    row = row_of(
        item,
        total.verdict,
        "" if total.verdict == "PASS" else total.sentence,
        rho=total.rho,
        criterion=total.criterion,
        instances=len(found),
        worst_instance=case.describe(),
        seconds=time.perf_counter() - start,
        notes=tuple((note.subject, note.text) for note in sorted(total.notes, key=lambda note: note.rank)),
        detail=shown.detail,
    )
    if total.verdict != "FAIL" or not explain:
        return row
    worst_first = sorted(found, key=lambda one: one[0] is not case)
    failed = [(one, outcome.verdict == "FAIL") for one, outcome in worst_first]
    more = further_instances(item, gate.profile, tier, seed, FURTHER)
    return explain_failure(row, gate, item, failed, more)


def _unclaimed(gate: Gate, item: Property) -> str:
    """Return an optional level that a property needs, of which an adapter has and claims nothing; or ""."""
    strange = [
        (level, names)
        for level, names in OPTIONAL.items()
        if gate.profile.level != level and not any(provides(gate.adapter, one) for one in names)
    ]
    needed = next((level for level, names in strange if names & {*item.needs}), "")
    used = next((level for level, names in strange if item.uses and names.issuperset(item.uses)), "")
    return needed or used


def _replayed(row: Row, profile: Profile, item: Property, tier: str, seed: int) -> Row:
    """Return a row with the script that replays its instance."""
    cases = instances_in_tier(item, profile, tier, seed)
    case = next((case for case in cases if case.describe() == row.worst_instance), None)
    script = "" if case is None else replay(profile, item, case).script
    return dataclasses.replace(row, reproduction=script, shrunk_instance=row.worst_instance)


def examine(gate: Gate, item: Property, case: Instance) -> Outcome:
    """Return what a property finds on one instance."""
    gate.where.begin(case.describe())
    try:
        with np.errstate(all="ignore"):
            return item.check(gate, case)
    except NotImplementedError:
        raise
    except (Exception, SystemExit) as error:  # an implementation that ends Python must not end the run
        return Outcome("FAIL", None, "runs without misbehaviour", in_words(error))
