"""Trust region: the step of Steihaug and Toint, and a radius that follows the gain ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from refms.errors import Array, require_whole_fields
from refms.linear.direction import Direction
from refms.linear.outcome import Outcome, Status
from refms.linear.steihaug import Path, steihaug
from refms.linear.vectors import add_scaled
from refms.optimize.line_search import rounding_error
from refms.optimize.objective import Objective, curvature_at, value_at
from refms.optimize.options import require_option
from refms.optimize.step import Evaluation, StepResult, evaluate

_SMALLEST = 1e-30
"""Of all radii."""


@dataclass(frozen=True)
class TrustRegion:
    """The method that minimises the quadratic model within a radius, and remembers only the radius.

    Notes
    -----
    Nocedal and Wright, Algorithms 4.1 and 7.2, with the usual numbers ¼, ¾, ¼ and 2. A refused trial costs
    one evaluation: the smaller radius cuts the path that is there already. The curvature may be indefinite,
    as the full Hessian is.

    Examples
    --------
    >>> TrustRegion().follow(gain=0.9, length=1.0, edge=True).radius
    2.0
    """

    radius: float = 1.0  # Δ > 0 of the next step, in the norm of the preconditioner (Euclidean without one)
    largest: float = 1e6  # bound on Δ
    cg_tolerance: float = 1e-2  # relative residual at which conjugate gradients stop inside the region
    cg_iterations: int = 20  # and their iterations at most
    least_gain: float = 1e-4  # a trial step is taken if actual over predicted decrease is above
    poor: float = 0.25  # Δ shrinks to a quarter where that gain is below
    good: float = 0.75  # and is doubled where it is above and the step reached the edge
    max_trials: int = 10  # trial steps at most, each with a smaller radius

    def __post_init__(self) -> None:
        finite = 0.0 < self.radius <= self.largest < math.inf
        require_option(self, "radius", finite, "0 < radius <= largest, finite")
        tolerable = 0.0 <= self.cg_tolerance < 1.0
        require_option(self, "cg_tolerance", tolerable, "0 or more and below 1, such as 1e-2")
        require_whole_fields(self, cg_iterations=1, max_trials=1)
        require_option(self, "least_gain", 0.0 <= self.least_gain < self.poor, "0 or more and below poor")
        require_option(self, "good", self.poor < self.good < 1.0, "between poor and 1")

    def follow(self, gain: float, length: float, *, edge: bool) -> TrustRegion:
        """Return the method after a trial of ‖p‖_M = length, which may have reached the edge.

        The gain is −∞ where the trial value was not finite; NaN (no decrease could be told) keeps Δ.
        """
        if gain < self.poor:
            return replace(self, radius=max(0.25 * min(length, self.radius), _SMALLEST))
        if gain > self.good and edge:
            return replace(self, radius=min(2.0 * self.radius, self.largest))
        return self

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def step(
        self, objective: Objective, x: Array, *, gradient_tolerance: float = 0.0
    ) -> tuple[StepResult, TrustRegion]:
        """Return the step from x, with its ``radius``, and the method with the radius for the next one."""
        at = evaluate(objective, x, gradient_tolerance)
        if at.outcome is not None:
            return at.stay(at.outcome), self
        curvature, preconditioner = curvature_at(objective, x)
        path = steihaug(
            curvature,
            at.gradient,
            self.radius,
            tolerance=self.cg_tolerance,
            max_iterations=self.cg_iterations,
            preconditioner=preconditioner,
        )
        if not path.segments:
            direction, _ = path.cut(self.radius)
            return at.stay(direction.cg.outcome, direction), self
        return self._try(objective, at, path)

    def _try(self, objective: Objective, at: Evaluation, path: Path) -> tuple[StepResult, TrustRegion]:
        """Cut the path shorter and shorter until a trial step is good enough."""
        method, f, bad, noise = self, at.value, 0, rounding_error(at.value, at.x)
        for trial in range(1, self.max_trials + 1):
            radius = method.radius
            direction, edge = path.cut(radius)
            candidate = add_scaled(at.x, 1.0, direction.p)
            found = value_at(objective, candidate)
            gain = _gain(f, found, direction, noise)
            bad += not math.isfinite(found)
            method = method.follow(gain, _length(path, direction, radius, edge), edge=edge)
            if gain > self.least_gain or (math.isnan(gain) and found <= f):
                outcome = Outcome(Status.ACCEPTED, f"The step within radius {radius:.3g} was accepted.")
                x, length = candidate, 1.0
                break
            if math.isnan(gain) or trial == self.max_trials:
                status = Status.ROUND_OFF if math.isnan(gain) else Status.NO_DECREASE
                outcome = Outcome(status, _REFUSALS[status].format(trial, radius))
                x, found, length = at.x, f, 0.0
                break
        result = StepResult(x, f, found, at.size, direction, length, 1 + trial, bad, outcome)
        return replace(result, extra={"radius": radius}), method


def _gain(f: float, found: float, direction: Direction, noise: float) -> float:
    """Return actual over predicted decrease, −∞ for a value that is not finite, NaN below round-off."""
    predicted = direction.predicted_decrease(1.0)
    if not math.isfinite(found):
        return -math.inf
    return (f - found) / predicted if predicted > noise else math.nan


def _length(path: Path, direction: Direction, radius: float, edge: bool) -> float:
    """Return ‖p‖_M of a cut."""
    if edge:
        return radius
    last = path.segments[direction.cg.iterations - 1]
    return last.size(last.length)


_REFUSALS = {
    Status.NO_DECREASE: "The step was refused: {} trials down to the radius {:.2e} did not decrease the "
    "objective enough. Usually the curvature sample is too small or the gradient is wrong. Enlarge the "
    "sample, or allow more trials (max_trials).",
    Status.ROUND_OFF: "The objective cannot be decreased further in this precision (trial {}, radius "
    "{:.2e}). Use float64 if more accuracy is needed.",
}
