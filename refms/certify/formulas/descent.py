"""One iteration of block-coordinate descent: a Gauss–Newton step in θ, then Newton steps in (W, μ)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from refms.certify.formulas.conjugate_gradients import conjugate_gradients
from refms.certify.formulas.problem import Point, Problem
from refms.certify.formulas.tensor import Number, Tensor, inner

SUFFICIENT_DECREASE = Fraction(1, 10000)
"""c₁ of Armijo's rule."""


class UndecidedError(ArithmeticError):
    """Two balls that had to be compared overlap: more bits are needed."""


@dataclass(frozen=True)
class Iteration:
    """Where an iteration led.

    Parameters
    ----------
    theta, omega : numpy.ndarray
        The parameters after it.
    objectives : list of number
        The objective before the first step and after every step.
    step_lengths : list of Fraction
        α of every step.
    """

    theta: Tensor
    omega: Tensor
    objectives: list[Number]
    step_lengths: list[Fraction]


def iterate(
    problem: Problem, theta: Tensor, omega: Tensor, newton_steps: int, cg_steps: tuple[int, int]
) -> Iteration:
    """Make one Gauss–Newton step in θ and then some Newton steps in ω, each with Armijo's rule.

    Parameters
    ----------
    problem : Problem
        What to minimise.
    theta, omega : numpy.ndarray
        Start.
    newton_steps : int
        Steps in ω.
    cg_steps : tuple of int
        Conjugate-gradient steps of the Gauss–Newton step and of every Newton step; no other stopping test.

    Returns
    -------
    Iteration
        The new parameters and what happened on the way.

    Raises
    ------
    UndecidedError
        If the balls are too wide to decide Armijo's rule.
    """
    point = problem.at(theta, omega)
    values, lengths = [point.value()], list[Fraction]()
    for step in range(1 + newton_steps):
        g, product, moved = _on_omega(point) if step else _on_theta(point)
        p = conjugate_gradients(product, -g, cg_steps[min(step, 1)])[-1]
        point, after, alpha = _armijo(moved, p, values[-1], inner(g, p))
        values.append(after)
        lengths.append(alpha)
    return Iteration(point.theta, point.omega, values, lengths)


Block = tuple[Tensor, Callable[[Tensor], Tensor], Callable[[Tensor], Point]]
"""The gradient in a block, the product with its curvature, and the way to the point a step away."""


def _on_theta(at: Point) -> Block:
    def moved(step: Tensor) -> Point:
        return at.problem.at(at.theta + step, at.omega)

    return at.gradient()[0], at.propagation_product, moved


def _on_omega(at: Point) -> Block:
    def moved(step: Tensor) -> Point:
        return at.with_omega(at.omega + step)

    return at.omega_gradient(), at.classifier_product, moved


def _armijo(
    moved: Callable[[Tensor], Point], p: Tensor, before: Number, slope: Number
) -> tuple[Point, Number, Fraction]:
    """Return the first point with f(x + αp) <= f(x) + c₁ α gᵀp for α = 1, 1/2, 1/4, …, its f and its α.

    Every comparison is a proof: balls that overlap are not compared.
    """
    if not slope < 0:
        raise UndecidedError("the direction cannot be shown to point downhill.")
    for halvings in range(11):
        alpha = Fraction(1, 2**halvings)
        point = moved(p / alpha.denominator)
        after, share = point.value(), SUFFICIENT_DECREASE * alpha
        bound = before + slope * share.numerator / share.denominator
        if after <= bound:
            return point, after, alpha
        if not after > bound:
            raise UndecidedError("Armijo's rule cannot be decided.")
    raise UndecidedError("no step of eleven fulfils Armijo's rule.")
