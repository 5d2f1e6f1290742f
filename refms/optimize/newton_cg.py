"""Newton with conjugate gradients on the full Hessian: a forcing sequence, and negative curvature used."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from refms.errors import Array, InputError
from refms.linear.outcome import Outcome, Status
from refms.linear.vectors import add_scaled, largest
from refms.optimize.objective import Objective, value_at
from refms.optimize.options import StepOptions
from refms.optimize.step import StepResult, descent_step

POWER = (1.0 + math.sqrt(5.0)) / 2.0
"""Exponent of the forcing sequence: the order of convergence that it allows."""


@dataclass(frozen=True)
class NewtonCG:
    """The method that makes line-search Newton-CG steps with the Hessian, which may be indefinite.

    Notes
    -----
    Nocedal and Wright, Algorithm 7.1: conjugate gradients stop at the first direction d with dᵀHd <= 0 and
    return what they have, or steepest descent if that is nothing yet; either is a descent direction. Along
    steepest descent of no positive curvature the quadratic model says nothing of the length, so the step is
    doubled as long as the objective falls: a saddle point is left at once and not crept away from.

    The residuals follow Eisenstat and Walker's second choice, η_k = (‖g_k‖/‖g_{k−1}‖)^φ with
    φ = (1 + √5)/2, held up by η_{k−1}^φ where that is above 0.1, and at most ``options.cg_tolerance``: far
    from the minimum no product is wasted, near it the convergence is superlinear of order φ.
    """

    # Bounds on the step; ``cg_tolerance`` is the first and the largest of the forcing sequence
    options: StepOptions
    tolerance: float | None = None  # η of the step before; None before the first one
    gradient_norm: float = 0.0  # ‖g‖₂ of the step before

    def __post_init__(self) -> None:
        if self.tolerance is not None and not 0.0 <= self.tolerance < 1.0:
            raise InputError(f"tolerance is {self.tolerance}; expected 0 or more and below 1, or None.")

    def forcing(self, size: float) -> float:
        """Return the relative residual η at which conjugate gradients stop where ‖g‖₂ = size."""
        most = self.options.cg_tolerance
        if self.tolerance is None or not self.gradient_norm > 0.0:
            return most
        wanted = (size / self.gradient_norm) ** POWER
        held = self.tolerance**POWER
        return float(min(most, max(wanted, held) if held > 0.1 else wanted))

    def step(
        self, objective: Objective, x: Array, *, gradient_tolerance: float = 0.0
    ) -> tuple[StepResult, NewtonCG]:
        """Return the step from x, and the method with the forcing term for the next one."""
        result = descent_step(
            objective, x, self.options, gradient_tolerance=gradient_tolerance, forcing=self.forcing
        )
        if not result.accepted:
            return result, self
        result = _lengthen(objective, x, result, self.options)
        if not result.gradient_norm > 0.0:
            return result, self
        eta = self.forcing(result.gradient_norm)
        return result, replace(self, tolerance=eta, gradient_norm=result.gradient_norm)


@np.errstate(over="ignore", invalid="ignore")
def _lengthen(objective: Objective, x: Array, result: StepResult, options: StepOptions) -> StepResult:
    """Return the step, doubled while that helps, where it went along no positive curvature at full length."""
    direction = result.direction
    assert direction is not None  # an accepted step has one
    if direction.curvature > 0.0 or result.step_length < 1.0 or direction.cg.iterations != 1:
        return result
    size, doubled = largest(direction.p), 0
    for _ in range(options.max_backtracks):
        alpha = 2.0 * result.step_length
        if options.max_step is not None and alpha * size > options.max_step:
            break
        candidate = add_scaled(x, alpha, direction.p)
        found, doubled = value_at(objective, candidate), doubled + 1
        if not (math.isfinite(found) and found < result.value):
            break
        outcome = Outcome(
            Status.ACCEPTED, f"The step was doubled to the length {alpha:.3g} along negative curvature."
        )
        result = replace(result, x=candidate, value=found, step_length=alpha, outcome=outcome)
    return replace(result, evaluations=result.evaluations + doubled)
