"""From a property that fails to a script that shows it, by way of the smallest wrong call that is found.

The instance is shrunk, the first call whose result differs from that of refms under the declared conventions
is looked up, its arrays are shrunk too, and a script is written that makes this one call and compares it with
a few lines of NumPy. Where no single call is wrong, the script replays the property.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import Profile
from refms.conformance.instances.drawn import Instance
from refms.conformance.isolation.time_limit import TimeIsUp, time_limit
from refms.conformance.operations import OPERATIONS
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reproduction.arguments import Given, simplified
from refms.conformance.reproduction.calls import Call, gives, refuses, right_under, watched
from refms.conformance.reproduction.judging import (
    Wrong,
    accepted,
    expected,
    handed_over,
    judged,
    source,
    tolerance,
)
from refms.conformance.reproduction.literals import TooLong
from refms.conformance.reproduction.patience import Allowance, Patience
from refms.conformance.reproduction.replay import replay_script
from refms.conformance.reproduction.script import PLACEHOLDER, call_script
from refms.conformance.reproduction.shrinking import shrunk
from refms.conformance.reproduction.templates import TEMPLATES

CLEAR = 300.0
"""An error of so many eps stays at least so large while arguments are simplified."""

_EFFORT = 10.0
"""So many times as long as the property itself its reproduction may take, beyond the first second."""

_STAGES = 3
"""Instances and arguments are made smaller, each within the patience; as long again is left for the rest."""

_MOST_CALLS = 4
"""So many wrong calls are looked at."""


@dataclass(frozen=True)
class Reproduction:
    """A failure made small.

    Parameters
    ----------
    script : str
        Python that ends with 1 as long as it fails, with a placeholder for the adapter: see :func:`naming`.
    instance : Instance
        The simplest one that fails.
    sentence : str
        Which call is wrong, at which index first; empty if no single one is.
    """

    script: str
    instance: Instance
    sentence: str


def reproduced(gate: Gate, item: Property, case: Instance, patience: Patience | None = None) -> Reproduction:
    """Return how to see in a few lines that a property fails.

    Parameters
    ----------
    gate : Gate
        The implementation.
    item : Property
        What fails.
    case : Instance
        An instance on which it fails.
    patience : Patience or None
        How long to look for simpler cases; None for the usual one.

    Returns
    -------
    Reproduction
        Its script has been run, and ends with 1, unless it replays the property.
    """
    patience = patience or Patience()
    right = right_under(gate.profile)
    first = _Failure.seen(gate, item, case, right)
    small = case
    if first is not None:
        small = shrunk(
            case,
            item.domain,
            gate.profile,
            lambda x: _Failure.seen(gate, item, x, right) == first,
            Allowance(patience),
        )
    heading = (
        f"{item.id} ({gate.profile.dtype}) fails for {gate.profile.name}",
        f"{item.title}.",
        f"formula: {item.statement}",
        f"instance: {small.describe()}",
    )
    left = Allowance(patience)
    for call in _wrong_calls(watched(gate, item, small).calls, right, gate.profile.dtype)[:_MOST_CALLS]:
        found = _of_call(gate, call, right, heading, left)
        if found is not None:
            return Reproduction(found[0], small, found[1].sentence)
    return replayed(gate.profile, item, small)


def reproduced_in_time(gate: Gate, item: Property, case: Instance, seconds: float) -> Reproduction:
    """Return how to see that a property fails, by an effort that befits the time it took to find it.

    Parameters
    ----------
    gate, item, case
        As for :func:`reproduced`.
    seconds : float
        How long the property took.

    Returns
    -------
    Reproduction
        The property replayed, where the implementation hangs, too little time is left, or something happens
        that nobody thought of: what was found must not be lost.
    """
    affordable = min(Patience().seconds, 1 + _EFFORT * seconds, gate.where.left() / _STAGES)
    if affordable > 0:
        with contextlib.suppress(TimeIsUp, Exception), time_limit(_STAGES * affordable):
            return reproduced(gate, item, case, Patience(seconds=affordable))
    return replayed(gate.profile, item, case)


def replayed(profile: Profile, item: Property, case: Instance) -> Reproduction:
    """Return the script that replays a property on an instance as it is.

    Parameters
    ----------
    profile : Profile
        What the implementation declares; nothing of it is called.
    item : Property
        What fails.
    case : Instance
        On what.

    Returns
    -------
    Reproduction
        Without a sentence.
    """
    heading = (
        f"{item.id} ({profile.dtype}) fails for {profile.name}",
        f"{item.title}.",
        f"formula: {item.statement}",
        f"source: {item.source}. No single call is known to be wrong, so the property itself is replayed.",
    )
    return Reproduction(replay_script(heading, item, case, known=item in PROPERTIES), case, "")


@dataclass(frozen=True)
class _Failure:
    """In which way a property fails: simpler instances must fail in the same way."""

    misbehaves: bool
    operation: str
    so_does_refms: bool

    @classmethod
    def seen(cls, gate: Gate, item: Property, x: Instance, right: Any) -> _Failure | None:
        """Return how a property fails on an instance, None if it does not."""
        found = watched(gate, item, x)
        if not found.fails:
            return None
        wrong = _wrong_calls(found.calls, right, gate.profile.dtype)
        if wrong:
            return cls(found.misbehaves, wrong[0].operation, so_does_refms=False)
        # A relation that is true of random numbers in the long run may be false of the simplest ones.
        return cls(found.misbehaves, "", watched(Gate(right), item, x).fails)


def _wrong_calls(calls: Sequence[Call], right: Any, dtype: str) -> list[Call]:
    """Return the calls that an oracle can judge and whose results differ, those that must be refused last."""
    wrong = [call for call in calls if call.operation in TEMPLATES and not gives(right, call, dtype)]
    refused = [call.result is not None and refuses(right, call) for call in wrong]
    ordered = sorted(zip(refused, range(len(wrong)), strict=True))
    return [wrong[number] for _, number in ordered]


def _of_call(
    gate: Gate, call: Call, right: Any, heading: Sequence[str], left: Allowance
) -> tuple[str, Wrong] | None:
    """Return the script of a wrong call made small, and what is wrong; None if the oracle does not see it."""
    operation, profile = call.operation, gate.profile
    by_name = OPERATIONS[operation].bind(*call.given[0], **call.given[1])
    given: Given = tuple(by_name[one.name] for one in OPERATIONS[operation].given)
    refused = call.result is not None and refuses(right, call)

    def wrong(given: Given) -> Wrong | None:
        arguments = handed_over(profile, operation, given)
        if not refused:
            return judged(gate.adapter, profile, operation, arguments)
        still = refuses(right, Call(operation, (given, {}), None))
        return accepted(gate.adapter, operation, arguments) if still else None

    start = wrong(given)
    if start is None:
        return None

    def still_wrong(given: Given) -> bool:
        one = wrong(given)
        return one is not None and one.kind == start.kind and one.size >= min(start.size, CLEAR)

    given = simplified(operation, given, still_wrong, left)
    arguments, found = handed_over(profile, operation, given), wrong(given)
    if found is None:  # it was wrong a moment ago: it does not always give the same
        return None
    text = "" if refused else source(profile, operation, arguments)
    results = None if refused else expected(text, arguments, operation)
    most = 0.0 if results is None else tolerance(arguments, results, profile.dtype)
    try:
        script = call_script(
            [*heading, f"{found.sentence}."], profile, operation, arguments, text, found.kind, most
        )
    except TooLong:
        return None
    return (script, found) if _ends_with_1(script, gate.adapter) else None


def _ends_with_1(script: str, adapter: Any) -> bool:
    """Return whether a script, run here, says that the adapter is wrong."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            exec(script.replace(PLACEHOLDER, ""), {"adapter": adapter, "__name__": "reproduction"})
    except SystemExit as ended:
        return bool(ended.code)
    except Exception:
        return True
    return False
