"""One step of a descent method: gradient, direction, line search."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from refms.errors import Array
from refms.linear.direction import Direction, newton_direction
from refms.linear.outcome import Outcome, Status
from refms.linear.vectors import norm
from refms.optimize.line_search import armijo, rounding_error
from refms.optimize.objective import Objective, curvature_at, gradient_at
from refms.optimize.options import DEFAULT_STEP, StepOptions


@dataclass(frozen=True, eq=False)
class StepResult:
    """What one step did."""

    x: Array  # shape (size,): where it led, or the x it started from (the same array) if no step was taken
    value_before: float  # the objective where the step began
    value: float  # and where it ended
    gradient_norm: float  # ‖g‖₂ where the step began
    direction: Direction | None  # the direction, None if none was computed
    step_length: float  # α, 0.0 if no step was taken
    evaluations: int  # evaluations of the objective, the one with the gradient included
    non_finite: int  # how many trial steps gave NaN or infinity, so that the step was shrunk
    outcome: Outcome  # ``accepted``; ``converged`` if the gradient was small at once; or why it was refused
    monotone: bool = True  # no step raises the objective; False for the epochs of stochastic methods
    apart_seconds: float = 0.0  # spent on measuring what the method itself does not need
    extra: Mapping[str, float] = field(default_factory=dict)  # more numbers for the history's row

    @property
    def accepted(self) -> bool:
        """Whether a step was taken."""
        return self.outcome.status is Status.ACCEPTED


def gain_ratio(result: StepResult) -> float:
    """Return the actual decrease of a step over the decrease that the quadratic model predicted.

    (f(x) − f(x + αp)) / (−α gᵀp − ½ α² pᵀGp), without damping in the model; 0.0 for a refused step; NaN if
    there is no direction or the predicted decrease is below the rounding error of f.
    """
    direction = result.direction
    if direction is None:
        return math.nan
    if not result.accepted:
        return 0.0
    predicted = direction.predicted_decrease(result.step_length)
    noise = rounding_error(result.value_before, result.x)
    return (result.value_before - result.value) / predicted if predicted > noise else math.nan


class Method(Protocol):
    """A way to make steps, with whatever it remembers from one step to the next."""

    def step(
        self, objective: Objective, x: Array, *, gradient_tolerance: float = 0.0
    ) -> tuple[StepResult, Method]:
        """Return the step from x and the method with which to make the next one.

        No step is taken where ‖g‖₂ is not above the tolerance. A method that is equal to the one before has
        learned nothing: after a refused step it would make the same step again.
        """


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The objective f and its gradient g at a point x, with ‖g‖₂.

    The outcome says why no step is to be taken from here: ``non_finite``, or ``converged``; None to go on.
    """

    x: Array
    value: float
    gradient: Array
    size: float
    outcome: Outcome | None

    def stay(self, outcome: Outcome, direction: Direction | None = None) -> StepResult:
        """Return the step that leaves x as it is, after one evaluation."""
        return StepResult(self.x, self.value, self.value, self.size, direction, 0.0, 1, 0, outcome)

    def search(
        self, value: Callable[[Array], float], x: Array, direction: Direction, options: StepOptions
    ) -> StepResult:
        """Return the step x -> x + αp with α from Armijo's rule, for a function of value f at x."""
        found = armijo(value, x, self.value, direction.slope, direction.p, options)
        return StepResult(
            x=found.x,
            value_before=self.value,
            value=found.value,
            gradient_norm=self.size,
            direction=direction,
            step_length=found.step_length,
            evaluations=1 + found.evaluations,
            non_finite=found.non_finite,
            outcome=found.outcome,
        )


def evaluate(objective: Objective, x: Array, gradient_tolerance: float = 0.0) -> Evaluation:
    """Evaluate an objective and its gradient where a step begins; ‖g‖₂ <= gradient_tolerance is converged."""
    f, gradient = gradient_at(objective, x)
    size, outcome = norm(gradient), None
    if not (math.isfinite(f) and math.isfinite(size)):
        outcome = Outcome(Status.NON_FINITE, _NON_FINITE.format(f=f, size=size))
    elif size <= gradient_tolerance:
        outcome = small_gradient(size, gradient_tolerance)
    return Evaluation(x, f, gradient, size, outcome)


def small_gradient(size: float, tolerance: float) -> Outcome:
    """Return the outcome of a point at which no step is needed."""
    message = f"The gradient norm {size:.2e} is not above the tolerance {tolerance:.2e}."
    return Outcome(Status.CONVERGED, message)


_NON_FINITE = (
    "The objective is {f} and its gradient norm {size}: usually the data or the parameters are not finite or "
    "far too large. Look at the norms of both, and at the first layer whose output is not finite."
)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def descent_step(
    objective: Objective,
    x: Array,
    options: StepOptions = DEFAULT_STEP,
    *,
    damping: float = 0.0,
    gradient_tolerance: float = 0.0,
    forcing: Callable[[float], float] | None = None,
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
    forcing : callable or None
        ‖g‖₂ -> relative residual at which conjugate gradients stop; None takes ``options.cg_tolerance``.

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
    x₊ = x + αp with ‖(H + λI) p + g‖₂ <= cg_tolerance · ‖g‖₂ and f(x₊) <= f(x) + c₁ α gᵀp. A loose
    cg_tolerance is enough far from the minimum; convergence is quadratic only if it is tight near it.

    NaN or infinity in the objective, in its gradient or in the first curvature product has the status
    ``non_finite``; met later, it shortens the direction or the step. NumPy's own warnings about overflow and
    invalid values are silenced within the step, for the outcome says it.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.objective import Classifier, EmpiricalRisk, Examples, tikhonov_regularizer
    >>> examples = Examples(np.array([[1.0, 3.0]]), np.eye(2))
    >>> f = EmpiricalRisk(Classifier(Grid((1,)), 1, 2).map, examples, tikhonov_regularizer(4, 1.0))
    >>> step = descent_step(f, np.zeros(4))
    >>> step.value < step.value_before, step.step_length
    (True, 1.0)
    """
    at = evaluate(objective, x, gradient_tolerance)
    if at.outcome is not None:
        return at.stay(at.outcome)
    curvature, preconditioner = curvature_at(objective, x)
    direction = newton_direction(
        at.gradient,
        curvature,
        damping=damping,
        tolerance=options.cg_tolerance if forcing is None else forcing(at.size),
        max_iterations=options.cg_iterations,
        preconditioner=preconditioner,
    )
    if direction.cg.iterations == 0:
        return at.stay(direction.cg.outcome, direction)
    return at.search(objective.value, x, direction, options)
