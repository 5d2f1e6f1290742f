"""One iteration of block-coordinate descent: a Gauss–Newton step in θ, then Newton steps in ω, by Armijo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from refms.definition.arrays import Array, Number, inner
from refms.definition.krylov import conjugate_gradients
from refms.definition.problem import Problem
from refms.definition.search import armijo

SUFFICIENT_DECREASE = Fraction(1, 10000)
"""c₁ of Armijo's rule."""


@dataclass(frozen=True)
class Iteration:
    """Where an iteration led: the objective before the first step and after every step, α of every step."""

    theta: Array
    omega: Array
    objectives: list[Number]
    step_lengths: list[Fraction]


def step(
    f: Callable[[Array], Number],
    x: Array,
    before: Number,
    g: Array,
    product: Callable[[Array], Array],
    cg_steps: int,
) -> tuple[Array, Number, Fraction]:
    """Return x + αp, its f and α, for p from so many conjugate-gradient steps for H p = −g."""
    p = conjugate_gradients(product, -g, cg_steps)[-1]
    promised = inner(g, p) * SUFFICIENT_DECREASE.numerator / SUFFICIENT_DECREASE.denominator
    there, after, k = armijo(f, x, p, before, promised)
    return there, after, Fraction(1, k)


def iterate(
    problem: Problem, theta: Array, omega: Array, newton_steps: int, cg_steps: tuple[int, int]
) -> Iteration:
    """Make one Gauss–Newton step in θ and some Newton steps in ω; ``cg_steps`` are those of either kind."""
    start = problem.at(theta, omega)
    values, lengths = [start.value()], list[Fraction]()

    def record(there: Array, value: Number, alpha: Fraction) -> Array:
        values.append(value)
        lengths.append(alpha)
        return there

    def f(t: Array) -> Number:
        return problem.at(t, omega).value()

    g = start.gradient()[0]
    theta = record(*step(f, theta, values[-1], g, start.propagation_product, cg_steps[0]))
    moved = problem.at(theta, omega)

    def of_omega(w: Array) -> Number:
        return moved.with_omega(w).value()

    for _ in range(newton_steps):
        at = moved.with_omega(omega)
        g = at.omega_gradient()
        omega = record(*step(of_omega, omega, values[-1], g, at.classifier_product, cg_steps[1]))
    return Iteration(theta, omega, values, lengths)
