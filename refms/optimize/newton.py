"""Inexact Newton: the step, the method, and the minimisation of one smooth function."""

from __future__ import annotations

from dataclasses import dataclass

from refms.errors import Array
from refms.optimize.descent import Minimum, minimize
from refms.optimize.objective import Objective
from refms.optimize.schedule import Monitor
from refms.optimize.step import DEFAULT_STEP, StepOptions, StepResult, descent_step
from refms.optimize.stopping import DEFAULT_STOP, StopRules


@dataclass(frozen=True)
class Newton:
    """The method that makes inexact Newton steps and remembers nothing.

    Parameters
    ----------
    options : StepOptions
        Accuracy of the direction and bounds on the step.
    """

    options: StepOptions = DEFAULT_STEP

    def step(
        self, objective: Objective, x: Array, *, gradient_tolerance: float = 0.0
    ) -> tuple[StepResult, Newton]:
        """Return the step from x, and this method.

        Parameters
        ----------
        objective : Objective
            What to decrease.
        x : array
            Shape (size,).
        gradient_tolerance : float
            See ``descent_step``.

        Returns
        -------
        StepResult, Newton
            The step and the method for the next one.
        """
        return descent_step(objective, x, self.options, gradient_tolerance=gradient_tolerance), self


def newton_step(objective: Objective, x: Array, options: StepOptions = DEFAULT_STEP) -> StepResult:
    """Make one inexact Newton step: gradient, conjugate gradients on the curvature, Armijo's rule.

    Parameters
    ----------
    objective : Objective
        What to decrease; with a Gauss–Newton curvature this is a Gauss–Newton step.
    x : array
        Shape (size,), float32 or float64.
    options : StepOptions
        Accuracy of the direction and bounds on the step.

    Returns
    -------
    StepResult
        Where the step led and how.

    Raises
    ------
    InputError
        If the gradient or a product has another shape or dtype than x.

    Notes
    -----
    x₊ = x + αp with ‖H p + g‖₂ <= cg_tolerance · ‖g‖₂ and f(x₊) <= f(x) + c₁ α gᵀp. A loose cg_tolerance is
    enough far from the minimum; convergence is quadratic only if it is tight near the minimum.
    """
    return descent_step(objective, x, options)


def minimize_newton(
    objective: Objective,
    x0: Array,
    options: StepOptions = DEFAULT_STEP,
    *,
    stop: StopRules = DEFAULT_STOP,
    monitor: Monitor | None = None,
) -> Minimum:
    """Minimise a function by inexact Newton steps.

    Parameters
    ----------
    objective : Objective
        What to minimise.
    x0 : array
        Start, shape (size,), float32 or float64, finite; never modified.
    options : StepOptions
        Accuracy of the directions and bounds on the steps.
    stop : StopRules
        When to stop.
    monitor : callable or None
        See ``descend``; the one block is called ``x``.

    Returns
    -------
    Minimum
        The last finite point, the history and the outcome.

    Raises
    ------
    InputError
        If x0 is not a finite flat vector of float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> class Parabola:
    ...     def value(self, x):
    ...         return float((x - 1.0) @ (x - 1.0))
    ...     def value_and_gradient(self, x):
    ...         return self.value(x), 2.0 * (x - 1.0)
    ...     def curvature(self, x):
    ...         return lambda v: 2.0 * v
    >>> minimum = minimize_newton(Parabola(), np.zeros(2))
    >>> minimum.x.tolist(), minimum.outcome.success
    ([1.0, 1.0], True)
    """
    return minimize(objective, x0, Newton(options), stop=stop, monitor=monitor)
