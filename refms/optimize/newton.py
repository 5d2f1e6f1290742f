"""Newton and Gauss–Newton, which share everything but the objective's curvature; and their damping."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from refms.display import short_repr
from refms.errors import Array, InputError
from refms.optimize.objective import Objective
from refms.optimize.options import DEFAULT_STEP, StepOptions
from refms.optimize.step import StepResult, descent_step, gain_ratio


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
    >>> Damping(1.0).follow(0.9).value, Damping(1.0).follow(0.1).value
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

    def follow(self, gain: float) -> Damping:
        """Return the damping after a step of this gain ratio; NaN (no decrease could be told) keeps λ."""
        if gain < self.poor:
            return replace(self, value=min(self.value * self.factor, self.maximum))
        if gain > self.good:
            return replace(self, value=max(self.value / self.factor, self.minimum))
        return self


def follow_gain(result: StepResult, method: Any) -> tuple[StepResult, Any]:
    """Return a step with its λ among the extra numbers, and its method with the damping for the next one."""
    if method.damping is None:
        return result, method
    result = replace(result, extra={**result.extra, "damping": method.damping.value})
    return result, replace(method, damping=method.damping.follow(gain_ratio(result)))


@dataclass(frozen=True)
class Newton:
    """The method that makes inexact Newton steps and remembers only its damping.

    With the Gauss–Newton matrix as the objective's curvature it is Gauss–Newton's method, damped that of
    Levenberg and Marquardt.

    Parameters
    ----------
    options : StepOptions
        Accuracy of the direction and bounds on the step.
    damping : Damping or None
        λ and its rule; None for plain steps.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.optimize import minimize
    >>> class Parabola:
    ...     def value(self, x):
    ...         return float((x - 1.0) @ (x - 1.0))
    ...     def value_and_gradient(self, x):
    ...         return self.value(x), 2.0 * (x - 1.0)
    ...     def curvature(self, x):
    ...         return lambda v: 2.0 * v
    >>> minimum = minimize(Parabola(), np.zeros(2), Newton())
    >>> minimum.x.tolist(), minimum.outcome.success
    ([1.0, 1.0], True)
    """

    options: StepOptions = DEFAULT_STEP
    damping: Damping | None = None

    __repr__ = short_repr

    def step(
        self, objective: Objective, x: Array, *, gradient_tolerance: float = 0.0
    ) -> tuple[StepResult, Newton]:
        """Return the step from x, and the method with the damping for the next one."""
        damping = 0.0 if self.damping is None else self.damping.value
        result = descent_step(
            objective, x, self.options, damping=damping, gradient_tolerance=gradient_tolerance
        )
        return follow_gain(result, self)
