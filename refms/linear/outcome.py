"""Why a solver stopped, as a status for programs and as the sentence shown to the user."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from refms.display import short_repr


class Status(StrEnum):
    """How a solver, a step or a run ended."""

    CONVERGED = "converged"
    """The accuracy asked for was reached."""
    ACCEPTED = "accepted"
    """A step was taken and decreased the objective."""
    STOPPED = "stopped"
    """The caller asked to stop."""
    ROUND_OFF = "round_off"
    """What is left to gain is smaller than the rounding errors of the objective."""
    ITERATION_LIMIT = "iteration_limit"
    """The iterations allowed were used up."""
    NEGATIVE_CURVATURE = "negative_curvature"
    """A direction p with pᵀAp <= 0 was met."""
    SINGULAR = "singular"
    """A direction p was met along which pᵀAp is rounding error, beside which A would have to be zero."""
    BOUNDARY = "boundary"
    """The edge of the trust region was reached."""
    INDEFINITE_PRECONDITIONER = "indefinite_preconditioner"
    """A residual r with rᵀM⁻¹r <= 0 was met."""
    NOT_DESCENT = "not_descent"
    """The direction does not point downhill."""
    NO_DECREASE = "no_decrease"
    """No trial step decreased the objective enough."""
    NON_FINITE = "non_finite"
    """NaN or infinity was met."""


_SUCCESSES = frozenset({Status.CONVERGED, Status.ACCEPTED, Status.STOPPED, Status.ROUND_OFF})


@dataclass(frozen=True)
class Outcome:
    """How something ended.

    Parameters
    ----------
    status : Status
        For programs.
    message : str
        For people: what happened, what it usually means and which argument to change.

    Examples
    --------
    >>> stopped = Outcome(Status.STOPPED, "Stopped by the caller.")
    >>> stopped.success, stopped.at("iteration 3").message
    (True, 'Iteration 3: Stopped by the caller.')
    """

    status: Status
    message: str

    __repr__ = short_repr

    @property
    def success(self) -> bool:
        """Whether the goal was reached: converged, accepted, at round-off, or stopped on request."""
        return self.status in _SUCCESSES

    def to_dict(self) -> dict[str, str]:
        """Return status and message for JSON."""
        return {"status": str(self.status), "message": self.message}

    def at(self, place: str) -> Outcome:
        """Return the same outcome with the place where it happened in front of its sentence."""
        return Outcome(self.status, f"{place[:1].upper()}{place[1:]}: {self.message}")
