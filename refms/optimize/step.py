"""One step of a descent method: gradient, direction, line search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from refms.errors import Array, InputError
from refms.optimize.direction import Direction, newton_direction
from refms.optimize.line_search import armijo
from refms.optimize.objective import Objective, preconditioner_of
from refms.optimize.outcome import Outcome, Status
from refms.optimize.vectors import norm, require_like


@dataclass(frozen=True)
class StepOptions:
    """How exactly the direction is solved for, and how far a step may go.

    Parameters
    ----------
    cg_tolerance : float
        Relative residual at which conjugate gradients stop.
    cg_iterations : int
        Their largest number of iterations.
    sufficient_decrease : float
        c₁ of Armijo's rule.
    max_backtracks : int
        How often the step may be halved.
    max_step : float or None
        Bound on the max-norm of the step; None sets no bound.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> StepOptions(cg_iterations=10).cg_tolerance
    0.01
    """

    cg_tolerance: float = 1e-2
    cg_iterations: int = 20
    sufficient_decrease: float = 1e-4
    max_backtracks: int = 10
    max_step: float | None = None

    def __post_init__(self) -> None:
        rules = (
            ("cg_tolerance", 0.0 <= self.cg_tolerance < 1.0, "0 or more and below 1, such as 1e-2"),
            ("cg_iterations", self.cg_iterations >= 1, "1 or more"),
            ("sufficient_decrease", 0.0 < self.sufficient_decrease < 1.0, "between 0 and 1, such as 1e-4"),
            ("max_backtracks", self.max_backtracks >= 0, "0 or more"),
            (
                "max_step",
                self.max_step is None or self.max_step > 0.0,
                "a positive bound, or None for no bound",
            ),
        )
        for name, holds, expected in rules:
            if not holds:
                raise InputError(f"{name} is {getattr(self, name)}; expected {expected}.")


DEFAULT_STEP = StepOptions()
"""The defaults."""


@dataclass(frozen=True, eq=False)
class StepResult:
    """What one step did.

    Parameters
    ----------
    x : array
        Shape (size,): where it led, or the x it started from (the same array) if no step was taken.
    value_before, value : float
        The objective where the step began and where it ended.
    gradient_norm : float
        ‖g‖₂ where the step began.
    direction : Direction or None
        The direction, None if none was computed.
    step_length : float
        α, 0.0 if no step was taken.
    evaluations : int
        Evaluations of the objective, the one with the gradient included.
    non_finite : int
        How many trial steps gave NaN or infinity, so that the step was shrunk.
    outcome : Outcome
        ``accepted``; ``converged`` if the gradient was small enough at once; or why the step was refused.
    """

    x: Array
    value_before: float
    value: float
    gradient_norm: float
    direction: Direction | None
    step_length: float
    evaluations: int
    non_finite: int
    outcome: Outcome

    @property
    def accepted(self) -> bool:
        """Whether a step was taken."""
        return self.outcome.status is Status.ACCEPTED


class Method(Protocol):
    """A way to make steps, with whatever it remembers from one step to the next."""

    def step(
        self, objective: Objective, x: Array, *, gradient_tolerance: float = 0.0
    ) -> tuple[StepResult, Method]:
        """Return the step from x and the method with which to make the next one.

        A method that is equal to the one before has learned nothing: after a refused step it would make
        the same step again.
        """


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def descent_step(
    objective: Objective,
    x: Array,
    options: StepOptions,
    *,
    damping: float = 0.0,
    gradient_tolerance: float = 0.0,
) -> StepResult:
    """Make one step x -> x + αp with (H + λI) p = −g solved inexactly and α from Armijo's rule.

    Parameters
    ----------
    objective : Objective
        What to decrease; its ``curvature`` decides between Newton and Gauss–Newton.
    x : array
        Shape (size,), float32 or float64; never modified.
    options : StepOptions
        Accuracy of the direction and bounds on the step.
    damping : float
        λ >= 0.
    gradient_tolerance : float
        If ‖g‖₂ is not larger, no step is taken and the outcome is ``converged``.

    Returns
    -------
    StepResult
        The step. A step that is refused leaves x as it is and says why.

    Raises
    ------
    InputError
        If the gradient or a product has another shape or dtype than x.

    Notes
    -----
    NaN or infinity in the objective, in its gradient or in the first curvature product has the status
    ``non_finite``; met later, it shortens the direction or the step. NumPy's own warnings about overflow and
    invalid values are silenced within the step, for the outcome says it.
    """
    f, gradient = objective.value_and_gradient(x)
    f = float(f)
    require_like(gradient, x, "value_and_gradient")
    size = norm(gradient)

    def unmoved(status: Status, message: str, direction: Direction | None = None) -> StepResult:
        return StepResult(x, f, f, size, direction, 0.0, 1, 0, Outcome(status, message))

    if not (math.isfinite(f) and math.isfinite(size)):
        return unmoved(Status.NON_FINITE, _NON_FINITE.format(f=f, size=size))
    if size <= gradient_tolerance:
        message = f"The gradient norm {size:.2e} is not above the tolerance {gradient_tolerance:.2e}."
        return unmoved(Status.CONVERGED, message)
    curvature = objective.curvature(x)
    direction = newton_direction(
        gradient,
        curvature,
        damping=damping,
        tolerance=options.cg_tolerance,
        max_iterations=options.cg_iterations,
        preconditioner=preconditioner_of(objective, x, curvature),
    )
    if direction.cg.iterations == 0:
        return unmoved(direction.cg.outcome.status, direction.cg.outcome.message, direction)
    search = armijo(
        objective.value,
        x,
        f,
        direction.slope,
        direction.p,
        sufficient_decrease=options.sufficient_decrease,
        max_backtracks=options.max_backtracks,
        max_step=options.max_step,
    )
    return StepResult(
        x=search.x,
        value_before=f,
        value=search.value,
        gradient_norm=size,
        direction=direction,
        step_length=search.step_length,
        evaluations=1 + search.evaluations,
        non_finite=search.non_finite,
        outcome=search.outcome,
    )


_NON_FINITE = (
    "The objective is {f} and its gradient norm {size}: usually the data or the parameters are not finite or "
    "far too large. Look at the norms of both, and at the first layer whose output is not finite."
)
