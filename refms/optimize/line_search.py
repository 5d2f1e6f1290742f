"""How far to go along a descent direction: Armijo's rule with backtracking."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from refms.errors import Array
from refms.linear.outcome import Outcome, Status
from refms.linear.vectors import add_scaled, called, largest, require_like
from refms.optimize.options import DEFAULT_STEP, StepOptions


@dataclass(frozen=True, eq=False)
class LineSearchResult:
    """Where a line search ended."""

    x: Array  # shape (size,): x + αp, or the x it started from (the same array) if every step was refused
    value: float  # the objective at that x
    step_length: float  # α, 0.0 if refused
    evaluations: int  # how often the objective was evaluated
    non_finite: int  # how many of these values were NaN or infinite
    outcome: Outcome  # ``accepted``, or why the step was refused


def armijo(
    value: Callable[[Array], float],
    x: Array,
    f: float,
    slope: float,
    p: Array,
    options: StepOptions = DEFAULT_STEP,
) -> LineSearchResult:
    """Return the first of the steps α = α₀, α₀/2, α₀/4, … that decreases the objective enough.

    Parameters
    ----------
    value : callable
        x -> f(x). A trial value that is not finite shrinks the step, always.
    x : array
        Where the step starts, shape (size,), float32 or float64.
    f : float
        f(x).
    slope : float
        gᵀp, the derivative of f at x along p; negative for a descent direction.
    p : array
        Direction, shape and dtype of x.
    options : StepOptions
        c₁ is its ``sufficient_decrease``; the step is halved ``max_backtracks`` times at most, from
        α₀ = min(1, max_step / ‖p‖_∞), or 1 without a bound.

    Returns
    -------
    LineSearchResult
        The accepted step, or x itself with the reason of the refusal.

    Raises
    ------
    InputError
        If p has another shape or dtype than x, or ``value`` changes its argument.

    Notes
    -----
    A step is accepted if f(x + αp) <= f(x) + c₁ α gᵀp: the bound contains the step length.

    Near a minimum the decrease that the slope promises, α₀ |gᵀp|, sinks below the rounding error of f, taken
    as 30 eps(dtype of x) |f|. The rule then asks for f(x + αp) <= f(x) only, so the objective never rises.
    A search that fails even so has the status ``round_off``, which is a success: nothing is left to gain in
    this precision.

    Examples
    --------
    >>> x = np.array([3.0])
    >>> result = armijo(lambda y: float(y @ y), x, 9.0, -36.0, np.array([-6.0]))
    >>> result.x.tolist(), result.step_length, result.evaluations
    ([0.0], 0.5, 2)
    """
    require_like(p, x, "p")
    size = largest(p)
    if not (math.isfinite(f) and math.isfinite(slope) and math.isfinite(size)):
        return LineSearchResult(x, f, 0.0, 0, 0, Outcome(Status.NON_FINITE, _NON_FINITE))
    if slope >= 0.0:
        return LineSearchResult(
            x, f, 0.0, 0, 0, Outcome(Status.NOT_DESCENT, _NOT_DESCENT.format(slope=slope))
        )
    alpha = 1.0 if options.max_step is None or size <= options.max_step else options.max_step / size
    noise = rounding_error(f, x)
    resolved = -alpha * slope > noise
    bad = 0
    for trial in range(1, options.max_backtracks + 2):
        candidate = add_scaled(x, alpha, p)
        found = float(called(value, candidate, "value"))
        bound = f + options.sufficient_decrease * alpha * slope if resolved else f
        if math.isfinite(found) and found <= bound:
            outcome = Outcome(Status.ACCEPTED, _acceptance(alpha, trial, bad))
            return LineSearchResult(candidate, found, alpha, trial, bad, outcome)
        bad += not math.isfinite(found)
        alpha *= 0.5
    outcome = _refusal(trial, bad, slope, noise, resolved)
    return LineSearchResult(x, f, 0.0, trial, bad, outcome)


def rounding_error(f: float, x: Array) -> float:
    """Return 30 eps(dtype of x) |f|: two values of f that differ by less cannot be told apart."""
    return 30.0 * float(np.finfo(str(x.dtype)).eps) * abs(f)


_NON_FINITE = (
    "The line search was not begun: the objective, its slope or the direction is NaN or infinite. Usually "
    "the data or the parameters are not finite or far too large. Look at the norms of both."
)
_NOT_DESCENT = (
    "The line search was not begun: the direction does not point downhill (slope {slope:.2e}). Usually "
    "the gradient is wrong or the curvature is not symmetric: run the adjoint and Taylor tests."
)

_SHRUNK = (
    " It was shrunk because {bad} longer steps gave NaN or infinity: if that happens often, bound the step "
    "(max_step) or add damping."
)


def _acceptance(alpha: float, trials: int, bad: int) -> str:
    message = f"The step of length {alpha:.3g} was accepted at trial {trials}."
    return message + _SHRUNK.format(bad=bad) if bad else message


def _refusal(trials: int, bad: int, slope: float, noise: float, resolved: bool) -> Outcome:
    if bad == trials:
        return Outcome(
            Status.NO_DECREASE,
            f"The step was refused: all of {trials} trial steps gave NaN or infinity. Usually the step is "
            "far too long for the data. Bound it (max_step), add damping, or scale the data.",
        )
    if not resolved:
        return Outcome(
            Status.ROUND_OFF,
            f"The objective cannot be decreased further in this precision: the slope {slope:.2e} is below "
            f"its rounding error {noise:.2e}. Use float64 if more accuracy is needed.",
        )
    return Outcome(
        Status.NO_DECREASE,
        f"The step was refused: none of {trials} trial steps decreased the objective enough (slope "
        f"{slope:.2e}). Usually the curvature sample is too small or the gradient is wrong. Enlarge the "
        "sample, add damping, or allow more trials (max_backtracks).",
    )
