"""One iteration of block-coordinate descent: a Gauss–Newton step in θ, then Newton steps in (W, μ)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from refms.certify.formulas.conjugate_gradients import conjugate_gradients
from refms.certify.formulas.line_search import armijo
from refms.certify.formulas.problem import Point, Problem
from refms.certify.formulas.tensor import Number, Tensor, inner

SUFFICIENT_DECREASE = Fraction(1, 10000)
"""c₁ of Armijo's rule."""


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

        def along(alpha: Fraction, moved: Move = moved, p: Tensor = p) -> tuple[Point, Number]:
            place = moved(p / alpha.denominator)
            return place, place.value()

        promised = inner(g, p) * SUFFICIENT_DECREASE.numerator / SUFFICIENT_DECREASE.denominator
        point, after, alpha = armijo(along, values[-1], promised)
        values.append(after)
        lengths.append(alpha)
    return Iteration(point.theta, point.omega, values, lengths)


Move = Callable[[Tensor], Point]
"""Step -> the point a step away."""

Block = tuple[Tensor, Callable[[Tensor], Tensor], Move]
"""The gradient in a block, the product with its curvature, and the way to the point a step away."""


def _on_theta(at: Point) -> Block:
    def moved(step: Tensor) -> Point:
        return at.problem.at(at.theta + step, at.omega)

    return at.gradient()[0], at.propagation_product, moved


def _on_omega(at: Point) -> Block:
    def moved(step: Tensor) -> Point:
        return at.with_omega(at.omega + step)

    return at.omega_gradient(), at.classifier_product, moved
