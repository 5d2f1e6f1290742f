"""What properties of whole histories claim: every step is right, as far as rounding errors let it be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter

from refms.conformance.instances.instance import Instance
from refms.conformance.measures.outcome import holds, too_little
from refms.conformance.oracles.histories import Noise, Read, scales, table
from refms.conformance.property import Claims
from refms.definition.minimization import Step
from refms.errors import Array

UNDECIDED = 100.0
"""A decision is left open that hangs on so many eps of the objective's scale."""

_ATTRIBUTES = {
    "objective": "value",
    "gradient_norm": "gradient_norm",
    "step_length": "length",
    "damping": "trust",
    "radius": "trust",
    "x": "x",
}


def reads(*names: str) -> dict[str, Read]:
    """Return how arrays of a history are read from the steps of the definition."""
    return {name: attrgetter(_ATTRIBUTES[name]) for name in names}


def follow(
    x: Instance,
    text: str,
    got: Mapping[str, Array],
    run: Callable[[Noise], list[Step]],
    read: Mapping[str, Read],
    exactly: tuple[str, ...] = (),
    seldom: Mapping[str, int] | None = None,
    slack: float = 1.0,
) -> Claims:
    """Claim that a history is the right one up to the first decision that rounding errors may turn.

    ``seldom`` says which arrays are there after every so many steps alone; ``slack`` multiplies all scales.
    """
    steps, every = run(lambda a: a), seldom or {}
    told: dict[str, Read] = {"value": attrgetter("value"), **read}
    size = scales(table(steps, told), lambda noise: table(run(noise), told), x)
    for k, step in enumerate(steps):
        if step.margin <= UNDECIDED * x.eps * float(size["value"][k]):
            if k == 0:
                yield too_little(text, f"what step {k + 1} decides hangs on rounding errors")
            return
        for key, one in read.items():
            count, where = every.get(key, 1), f"{key} of step {k + 1}, {text}"
            if (k + 1) % count:
                continue
            found, right = got[key][k // count], one(step)
            if key in exactly:
                yield holds(float(found) == right, where, f"{float(found):.9g}, not {right:.9g}")
            else:
                yield where, found, right, slack * float(size[key][k])
