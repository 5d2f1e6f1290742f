"""What there is to say of a failure: where it comes up, which known mistake it is, and a script to see it."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Sequence

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Instance
from refms.conformance.instances.rules import axes_of, best_rule
from refms.conformance.instances.search import Tried, search
from refms.conformance.isolation.time_limit import TimeIsUp, time_limit
from refms.conformance.mutants.diagnosis import diagnose
from refms.conformance.property import Property
from refms.conformance.reports.report import Row
from refms.conformance.reproduction import reproduce_in_time
from refms.conformance.reproduction.calls import Call, right_under, watch
from refms.conformance.reproduction.patience import Patience

FURTHER = 40
"""Instances beyond those of the tier on which it is seen where a property of cost 1 fails."""

MOST_FAILURES = 12
"""Failing instances that are compared with known mistakes."""

_LEAST, _EFFORT, _SHARE = 0.5, 20.0, 5
"""Seconds for further instances, more of them for slow properties, and at most this part of the rest."""


def explain_failure(row: Row, gate: Gate, item: Property, found: Tried, more: Sequence[Instance]) -> Row:
    """Return the row of a failure with all that is known of it.

    ``found`` are instances and whether the property fails on them, the worst first; ``more`` are others of
    the same kind, on which it is tried while there is time.
    """
    seconds = min(Patience().seconds, _LEAST + _EFFORT * row.seconds, gate.where.left() / _SHARE)
    tried = _try_on(more, gate, item, found, seconds)
    failures = [case for case, fails in tried if fails]
    known = diagnose(_calls(gate, item, failures), right_under(gate.profile))
    small = reproduce_in_time(gate, item, failures[0], row.seconds)
    return dataclasses.replace(
        row,
        where=where_it_fails(tried),
        operation=known.operation,
        mistakes=known.mistakes,
        certain=known.certain,
        diagnosis=known.sentence,
        sentence=f"{row.sentence} Smallest case: {small.sentence}." if small.sentence else row.sentence,
        shrunk_instance=small.instance.describe(),
        reproduction=small.script,
    )


def where_it_fails(tried: Tried) -> str:
    """Return where a property fails, from instances and whether it does there; empty for a single one."""
    n, f = len(tried), sum(fails for _, fails in tried)
    if f == n:
        return f"fails on all {n} instances" if n > 1 else ""
    rule = best_rule([(axes_of(case), not fails) for case, fails in tried])
    return f"fails on {f} of {n} instances" if rule is None else f"fails only where {rule}"


def _try_on(
    more: Sequence[Instance], gate: Gate, item: Property, found: Tried, seconds: float
) -> list[tuple[Instance, bool]]:
    """Return what was found, and on further instances until the time is up or they say no more."""
    tried, end = list(found), time.monotonic() + seconds
    further = search(found, more, lambda case: watch(gate, item, case).fails, item.domain, gate.profile)
    with contextlib.suppress(TimeIsUp), time_limit(2 * max(seconds, 1e-3)):  # should a call hang
        for one in further:
            tried.append(one)
            if time.monotonic() > end:
                break
    return tried


def _calls(gate: Gate, item: Property, failures: Sequence[Instance]) -> Iterator[Sequence[Call]]:
    for case in failures[:MOST_FAILURES]:
        yield watch(gate, item, case).calls
