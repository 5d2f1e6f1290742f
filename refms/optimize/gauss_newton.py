"""Gauss–Newton, which shares everything with Newton, and Levenberg–Marquardt damping, which it adds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from refms.errors import Array, InputError
from refms.optimize.descent import Minimum, minimize
from refms.optimize.objective import Objective
from refms.optimize.schedule import Monitor
from refms.optimize.step import DEFAULT_STEP, StepOptions, StepResult, descent_step, gain_ratio
from refms.optimize.stopping import DEFAULT_STOP, StopRules


@dataclass(frozen=True)
class Damping:
    """The number λ in (G + λI) p = −g, and how it follows the trust in the quadratic model.

    Parameters
    ----------
    value : float
        λ > 0; large values turn the direction towards steepest descent and shorten it.
    factor : float
        By how much λ grows or shrinks at once, above 1.
    poor, good : float
        λ grows below the gain ratio ``poor`` and shrinks above ``good``.
    minimum, maximum : float
        Bounds on λ.

    Raises
    ------
    InputError
        If the numbers are not in these orders.

    Examples
    --------
    >>> Damping(1.0).updated(0.9).value, Damping(1.0).updated(0.1).value
    (0.25, 4.0)
    """

    value: float
    factor: float = 4.0
    poor: float = 0.25
    good: float = 0.75
    minimum: float = 1e-12
    maximum: float = 1e12

    def __post_init__(self) -> None:
        if not 0.0 < self.minimum <= self.value <= self.maximum < math.inf:
            raise InputError(
                f"damping {self.value} with bounds {self.minimum} and {self.maximum}; expected "
                "0 < minimum <= value <= maximum. Give no damping at all (None) to switch it off."
            )
        if not (self.factor > 1.0 and 0.0 < self.poor < self.good):
            raise InputError(
                f"damping factor {self.factor}, poor {self.poor}, good {self.good}; expected factor > 1 and "
                "0 < poor < good, such as 4, 0.25, 0.75."
            )

    def updated(self, gain_ratio: float) -> Damping:
        """Return the damping for the next step.

        Parameters
        ----------
        gain_ratio : float
            Actual decrease over predicted decrease; NaN (no decrease could be told) keeps λ.

        Returns
        -------
        Damping
            The new state.
        """
        if gain_ratio < self.poor:
            return replace(self, value=min(self.value * self.factor, self.maximum))
        if gain_ratio > self.good:
            return replace(self, value=max(self.value / self.factor, self.minimum))
        return self


@dataclass(frozen=True)
class GaussNewton:
    """The method that makes Gauss–Newton steps and remembers only its damping.

    Parameters
    ----------
    options : StepOptions
        Accuracy of the direction and bounds on the step.
    damping : Damping or None
        λ and its rule; None makes plain Gauss–Newton steps.
    """

    options: StepOptions = DEFAULT_STEP
    damping: Damping | None = None

    def step(
        self, objective: Objective, x: Array, *, gradient_tolerance: float = 0.0
    ) -> tuple[StepResult, GaussNewton]:
        """Return the step from x, and the method with the damping for the next one.

        Parameters
        ----------
        objective : Objective
            What to decrease; its ``curvature`` is the Gauss–Newton product.
        x : array
            Shape (size,).
        gradient_tolerance : float
            See ``descent_step``.

        Returns
        -------
        StepResult, GaussNewton
            The step, with its ``damping`` among its extra numbers, and the method for the next one.
        """
        value = 0.0 if self.damping is None else self.damping.value
        result = descent_step(
            objective, x, self.options, damping=value, gradient_tolerance=gradient_tolerance
        )
        if self.damping is None:
            return result, self
        result = replace(result, extra={**result.extra, "damping": value})
        return result, replace(self, damping=self.damping.updated(gain_ratio(result)))


def minimize_gauss_newton(
    objective: Objective,
    x0: Array,
    options: StepOptions = DEFAULT_STEP,
    *,
    damping: Damping | None = None,
    stop: StopRules = DEFAULT_STOP,
    monitor: Monitor | None = None,
) -> Minimum:
    """Minimise a function by Gauss–Newton steps, damped after Levenberg and Marquardt if asked for.

    Parameters
    ----------
    objective : Objective
        What to minimise; its ``curvature`` is the Gauss–Newton product.
    x0 : array
        Start, shape (size,), float32 or float64, finite; never modified.
    options : StepOptions
        Accuracy of the directions and bounds on the steps.
    damping : Damping or None
        λ at the start and its rule; None for no damping.
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
    """
    return minimize(objective, x0, GaussNewton(options, damping), stop=stop, monitor=monitor)
