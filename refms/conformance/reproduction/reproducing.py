"""From a property that fails to a script that shows it, by way of the smallest wrong call that is found.

The instance is shrunk, the first call whose result differs from that of refms under the declared conventions
is looked up, its arrays are shrunk too, and a script is written that makes this one call and compares it with
the definition. Where no single call is wrong, the script replays the property.
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
from refms.conformance.instances.domain import Instance
from refms.conformance.isolation.time_limit import TimeIsUp, time_limit
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reproduction.arguments import Given, simplify
from refms.conformance.reproduction.calls import Call, gives, refuses, right_under, watch
from refms.conformance.reproduction.judging import AdapterCall, Wrong
from refms.conformance.reproduction.literals import TooLong
from refms.conformance.reproduction.patience import Allowance, Patience, allowance
from refms.conformance.reproduction.script import PLACEHOLDER, call_script, replay_script
from refms.conformance.reproduction.shrinking import shrink
from refms.conformance.reproduction.source import JUDGED

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

    ``script`` ends with 1 as long as it fails; its adapter is named by :func:`name_adapter`. ``instance`` is
    the simplest one that fails; ``sentence`` says which call is wrong, and at which index first, and is empty
    if no single one is.
    """

    script: str
    instance: Instance
    sentence: str


def reproduce(gate: Gate, item: Property, case: Instance, patience: Patience | None = None) -> Reproduction:
    """Return how to see in a few lines that a property fails on an instance.

    The script has been run, and ends with 1, unless it replays the property.
    """
    patience, right = patience or Patience(), right_under(gate.profile)
    first, small = _failure(gate, item, case, right), case
    if first is not None:

        def still_fails(x: Instance) -> bool:
            return _failure(gate, item, x, right) == first

        small = shrink(case, item.domain, gate.profile, still_fails, allowance(patience))
    heading = [*_heading(gate.profile, item), f"instance: {small.describe()}"]
    left = allowance(patience)
    for call in _wrong_calls(watch(gate, item, small).calls, right, gate.profile.dtype)[:_MOST_CALLS]:
        found = _reproduce_call(gate, call, right, heading, left)
        if found is not None:
            return Reproduction(found[0], small, found[1].sentence)
    return replay(gate.profile, item, small)


def reproduce_in_time(gate: Gate, item: Property, case: Instance, seconds: float) -> Reproduction:
    """Return the same by an effort that befits the seconds it took to find the failure.

    The property is replayed where the implementation hangs, too little time is left, or anything unexpected
    happens: what was found must not be lost.
    """
    affordable = min(Patience().seconds, 1 + _EFFORT * seconds, gate.where.left() / _STAGES)
    if affordable > 0:
        with contextlib.suppress(TimeIsUp, Exception), time_limit(_STAGES * affordable):
            return reproduce(gate, item, case, Patience(seconds=affordable))
    return replay(gate.profile, item, case)


def replay(profile: Profile, item: Property, case: Instance) -> Reproduction:
    """Return the script that replays a property on an instance as it is; nothing of the adapter is called."""
    why = f"source: {item.source}. No single call is known to be wrong, so the property itself is replayed."
    heading = [*_heading(profile, item), why]
    return Reproduction(replay_script(heading, item, case, known=item in PROPERTIES), case, "")


def _heading(profile: Profile, item: Property) -> list[str]:
    title = f"{item.id} ({profile.dtype}) fails for {profile.name}"
    return [title, f"{item.title}.", f"formula: {item.statement}"]


def _failure(gate: Gate, item: Property, x: Instance, right: Any) -> tuple[bool, str, bool] | None:
    """Return in which way a property fails, which simpler instances must share; None if it does not.

    It misbehaves or not, the first wrong operation, and, where no call is wrong, whether refms fails too: a
    relation that is true of random numbers in the long run may be false of the simplest ones.
    """
    found = watch(gate, item, x)
    if not found.fails:
        return None
    wrong = _wrong_calls(found.calls, right, gate.profile.dtype)
    if wrong:
        return found.misbehaves, wrong[0].operation, False
    return found.misbehaves, "", watch(Gate(right), item, x).fails


def _wrong_calls(calls: Sequence[Call], right: Any, dtype: str) -> list[Call]:
    """Return the calls that an oracle can judge and whose results differ, those that must be refused last."""
    wrong = [call for call in calls if call.operation in JUDGED and not gives(right, call, dtype)]
    return sorted(wrong, key=lambda call: call.result is not None and refuses(right, call))


def _reproduce_call(
    gate: Gate, call: Call, right: Any, heading: Sequence[str], left: Allowance
) -> tuple[str, Wrong] | None:
    """Return the script of a wrong call made small, and what is wrong; None if the oracle does not see it."""
    operation = call.operation
    refused = call.result is not None and refuses(right, call)

    def ask(given: Given) -> AdapterCall:
        return AdapterCall.through_gate(gate.profile, operation, given)

    def wrong(given: Given) -> Wrong | None:
        if not refused:
            return ask(given).judge(gate.adapter)
        still = refuses(right, Call(operation, given, None))
        return ask(given).judge_refusal(gate.adapter) if still else None

    start = wrong(call.given)
    if start is None:
        return None

    def still_wrong(given: Given) -> bool:
        one = wrong(given)
        return one is not None and one.kind == start.kind and one.size >= min(start.size, CLEAR)

    given = simplify(operation, call.given, still_wrong, left)
    found = wrong(given)
    if found is None:  # it was wrong a moment ago: it does not always give the same
        return None
    try:
        script = call_script([*heading, f"{found.sentence}."], ask(given), found.kind)
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
