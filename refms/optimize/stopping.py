"""When a run stops: the rules, and the verdict on an iteration."""

from __future__ import annotations

import math
from dataclasses import dataclass

from refms.errors import require_whole_fields
from refms.linear.outcome import Outcome, Status
from refms.optimize.blocks import BlockRecord
from refms.optimize.options import require_option


@dataclass(frozen=True)
class StopRules:
    """When a run stops by itself.

    Parameters
    ----------
    max_iterations : int
        After so many iterations, those of an earlier run that is continued included.
    relative_decrease : float
        When no block's objective fell by more than this fraction in an iteration. The default 0.0 stops only
        when nothing falls any more.
    gradient_tolerance : float
        When ‖g‖₂ is not above this number in any block; such a block is not stepped.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> from refms.optimize import StopRules
    >>> StopRules(max_iterations=50, gradient_tolerance=1e-6).relative_decrease
    0.0
    """

    max_iterations: int = 20
    relative_decrease: float = 0.0
    gradient_tolerance: float = 0.0

    def __post_init__(self) -> None:
        require_whole_fields(self, max_iterations=1)
        for name in ("relative_decrease", "gradient_tolerance"):
            require_option(self, name, 0.0 <= getattr(self, name) < math.inf, "0 or more")


DEFAULT_STOP = StopRules()
"""The defaults."""


def verdict(
    records: tuple[BlockRecord, ...], rules: StopRules, *, learned: bool, asked: str = ""
) -> Outcome | None:
    """Return why a run stops after an iteration, or None if it goes on.

    The first that holds of: NaN or infinity met; gradients small; no progress and nothing learned (no method
    changed its damping, so that a step once refused would be so again); objectives hardly fell; stop
    ``asked`` for, in a sentence; iterations used up.
    """
    end = records[-1]
    place = end.place if len(records) == 1 else f"iteration {end.iteration}, all blocks"
    if end.outcome.status is Status.NON_FINITE:
        message = f"{end.outcome.message} The run stopped and kept the values before that step."
        return Outcome(Status.NON_FINITE, message).at(end.place)
    endings = {record.outcome.status for record in records}
    progressed = any(record.progressed for record in records)
    decrease = max(record.relative_decrease for record in records)
    if endings == {Status.CONVERGED} and not progressed:
        return Outcome(Status.CONVERGED, _SMALL_GRADIENT.format(rules.gradient_tolerance)).at(place)
    if not progressed and not learned:
        status = Status.ROUND_OFF if endings <= {Status.ROUND_OFF, Status.CONVERGED} else Status.NO_DECREASE
        refusals = " ".join(note for record in records for note in record.notes)
        return Outcome(status, f"The run stopped: no step was taken. {refusals}").at(place)
    if progressed and decrease <= rules.relative_decrease:
        message = _SMALL_DECREASE.format(rules.relative_decrease, decrease)
        return Outcome(Status.CONVERGED, message + (_LOWER if rules.relative_decrease else "")).at(place)
    if asked:
        return Outcome(Status.STOPPED, asked).at(place)
    if end.iteration == rules.max_iterations:
        return Outcome(Status.ITERATION_LIMIT, _LIMIT.format(decrease)).at(place)
    return None


_SMALL_GRADIENT = "Converged: every gradient norm is at most gradient_tolerance = {:.2e}."
_SMALL_DECREASE = (
    "Converged: no objective fell by more than the fraction relative_decrease = {:.2e} (the largest was "
    "{:.2e})."
)
_LOWER = " Lower relative_decrease to go on."
_LIMIT = (
    "The limit of iterations was reached; the objectives last fell by up to the fraction {:.2e}. Raise it "
    "to go on."
)
