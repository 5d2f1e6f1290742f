"""Variable projection: Gauss–Newton on the objective from which the inner block has been minimised out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from refms.backend import zeros_like
from refms.errors import Array, InputError, require_whole_fields
from refms.linear.direction import newton_direction
from refms.linear.outcome import Status
from refms.linear.product import Operator
from refms.linear.vectors import norm
from refms.objective.batches import hessian_sample
from refms.objective.problem import JOINT, TrainingProblem
from refms.objective.risk import EmpiricalRisk
from refms.optimize.loop import Minimum, minimize
from refms.optimize.newton import Damping, Newton, follow_gain
from refms.optimize.objective import Objective, gradient_at
from refms.optimize.options import StepOptions, require_option
from refms.optimize.projected_curvature import projected_curvature
from refms.optimize.step import Evaluation, StepResult, evaluate, small_gradient
from refms.optimize.stopping import StopRules


@dataclass(frozen=True, eq=False)
class SeparableProblem:
    """A problem of two blocks, the outer θ and then the inner ω, as one of the single block ``joint``.

    In ω alone the objective is convex; in problem (6) ω is the classifier (W, μ).
    """

    problem: TrainingProblem

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int) -> Separable:
        """Return the objective in all unknowns."""
        whole = self.problem.block(JOINT, self.problem.split(blocks[JOINT]), iteration)
        return Separable(self.problem, whole, iteration)


@dataclass(frozen=True, eq=False)
class Separable:
    """f(θ, ω) as a function of both, ``whole``, and of each, with the Hessian sample of an iteration."""

    problem: TrainingProblem
    whole: EmpiricalRisk
    iteration: int

    def __post_init__(self) -> None:
        if len(self.problem.blocks) != 2:
            raise InputError(
                f"variable projection steps an outer and an inner block; found {list(self.problem.blocks)}."
            )

    @property
    def work_units(self) -> float:
        """Work counted so far, in network evaluations of one example."""
        return self.whole.work_units

    def value(self, x: Array) -> float:
        """Return f(θ, ω)."""
        return self.whole.value(x)

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Return f(θ, ω) and its gradient."""
        return self.whole.value_and_gradient(x)

    def curvature(self, x: Array) -> Operator:
        """Return the joint matrix."""
        return self.whole.curvature(x)

    def split(self, x: Array) -> tuple[Array, Array]:
        """Return θ and ω."""
        theta, omega = self.problem.split(x).values()
        return theta, omega

    def join(self, theta: Array, omega: Array) -> Array:
        """Return (θ, ω) as one vector."""
        return self.problem.join(self._values(theta, omega))

    def outer(self, theta: Array, omega: Array) -> EmpiricalRisk:
        """Return f(·, ω)."""
        return self.problem.block(next(iter(self.problem.blocks)), self._values(theta, omega), self.iteration)

    def inner(self, theta: Array, omega: Array) -> EmpiricalRisk:
        """Return f(θ, ·), on features that are computed here, once."""
        return self.problem.block(list(self.problem.blocks)[1], self._values(theta, omega), self.iteration)

    def reduced_curvature(self, theta: Array, omega: Array, tolerance: float, iterations: int) -> Operator:
        """Return the projected Gauss–Newton matrix on the Hessian sample."""
        examples, problem = self.problem.examples, self.problem
        if problem.hessian_fraction < 1:
            drawn = hessian_sample(examples.count, problem.hessian_fraction, problem.seed, self.iteration)
            examples = examples.take(drawn)
        return projected_curvature(problem, theta, omega, examples, tolerance, iterations)

    def _values(self, theta: Array, omega: Array) -> dict[str, Array]:
        return dict(zip(self.problem.blocks, (theta, omega), strict=True))


@dataclass(frozen=True)
class VariableProjection:
    """The method that steps θ on F(θ) = min_ω f(θ, ω), and hands ω along.

    Notes
    -----
    Let ω*(θ) minimise f(θ, ·), so that ∂_ω f(θ, ω*(θ)) = 0, and F(θ) = f(θ, ω*(θ)). By the chain rule

        ∇F = ∂_θ f + (dω*/dθ)ᵀ ∂_ω f = ∂_θ f(θ, ω*(θ)),

    the partial gradient alone; and differentiating ∂_ω f(θ, ω*(θ)) = 0 gives dω*/dθ = −f_ωω⁻¹ f_ωθ, hence

        ∇²F = f_θθ + f_θω dω*/dθ = f_θθ − f_θω f_ωω⁻¹ f_ωθ.

    With the blocks of the joint Gauss–Newton matrix G in the place of second derivatives this is its Schur
    complement, G_θθ − G_θω G_ωω⁻¹ G_ωθ, positive semi-definite as G is (after Golub and Pereyra 1973,
    Kaufman 1975; for losses that are not quadratic, O'Leary and Rust 2013). Where the inner problem is
    solved to ‖∂_ω f‖ = ε, the gradient is wrong by O(ε) and F by O(ε²). Every trial of the line search
    solves the inner problem, from the ω that it started with: one forward pass, for the features, and
    Newton steps on them.
    """

    options: StepOptions  # accuracy of the direction in θ and bounds on the step
    # of the inner Newton steps in ω
    inner: StepOptions = StepOptions(cg_tolerance=0.1, cg_iterations=50)  # noqa: RUF009 -- frozen
    # the inner problem is solved where ‖∂f/∂ω‖ is this fraction of what it is at ω = 0 in the first step
    inner_tolerance: float = 1e-3
    inner_steps: int = 50  # Newton steps for that at most
    schur_tolerance: float = 1e-2  # accuracy of G_ωω⁻¹ within the projected matrix
    schur_iterations: int = 50
    damping: Damping | None = None  # λ and its rule; None for plain Gauss–Newton
    target: float | None = None  # the inner tolerance as a gradient norm, set by the first step

    def __post_init__(self) -> None:
        inside = 0.0 < self.inner_tolerance < 1.0
        require_option(self, "inner_tolerance", inside, "between 0 and 1, such as 1e-3")
        below = 0.0 <= self.schur_tolerance < 1.0
        require_option(self, "schur_tolerance", below, "0 or more and below 1, such as 1e-2")
        require_whole_fields(self, inner_steps=1, schur_iterations=1)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def step(
        self, objective: Objective, x: Array, *, gradient_tolerance: float = 0.0
    ) -> tuple[StepResult, VariableProjection]:
        """Return the step from x = (θ, ω) on a :class:`Separable`, and the method with what it remembers.

        Its gradient norm is ‖∇F‖₂; among its extra numbers are ``inner_gradient_norm`` ‖∂_ω f‖₂ and
        ``inner_tolerance`` where it began, and ``inner_steps`` of all its inner problems.
        """
        if not isinstance(objective, Separable):
            raise InputError("variable projection steps the joint block of a SeparableProblem.")
        (theta, omega), method, spent = objective.split(x), self, list[int]()
        if self.target is None:
            risk = objective.inner(theta, omega)
            at_zero = norm(gradient_at(risk, zeros_like(omega))[1])
            sound = math.isfinite(at_zero)  # otherwise the outcome will say so
            method = replace(self, target=self.inner_tolerance * at_zero if sound else 0.0)
            omega = method._solve(risk, omega, spent).x
        at, gap = _evaluate_reduced(objective, objective.join(theta, omega), gradient_tolerance)
        if at.outcome is not None:
            return at.stay(at.outcome), method
        result = method._search(objective, at, spent)
        told = {"inner_gradient_norm": gap, "inner_tolerance": method.target or 0.0}
        result = replace(result, extra={**result.extra, **told, "inner_steps": float(sum(spent))})
        return follow_gain(result, method)

    def _search(self, objective: Separable, at: Evaluation, spent: list[int]) -> StepResult:
        """Make the step in θ from where the inner problem is solved."""
        theta, omega = objective.split(at.x)
        product = objective.reduced_curvature(theta, omega, self.schur_tolerance, self.schur_iterations)
        direction = newton_direction(
            at.gradient,
            product,
            damping=0.0 if self.damping is None else self.damping.value,
            tolerance=self.options.cg_tolerance,
            max_iterations=self.options.cg_iterations,
            preconditioner=objective.outer(theta, omega).preconditioner(theta, product),
        )
        if direction.cg.iterations == 0:
            return at.stay(direction.cg.outcome, direction)
        last = omega

        def value(trial: Array) -> float:
            nonlocal last
            solved = self._solve(objective.inner(trial, omega), omega, spent)
            last = solved.x
            return solved.value if solved.outcome.status is not Status.NON_FINITE else math.nan

        result = at.search(value, theta, direction, self.options)
        return replace(result, x=objective.join(result.x, last) if result.accepted else at.x)

    def _solve(self, risk: EmpiricalRisk, omega: Array, spent: list[int]) -> Minimum:
        """Minimise f(θ, ·) to the target, and note how many steps that took."""
        stop = StopRules(self.inner_steps, gradient_tolerance=self.target or 0.0)
        found = minimize(risk, omega, Newton(self.inner), stop=stop)
        spent.append(len(found.history))
        return found


def _evaluate_reduced(objective: Separable, x: Array, gradient_tolerance: float) -> tuple[Evaluation, float]:
    """Return F and ∇F where the inner problem is solved, and ‖∂_ω f‖₂, which says how well."""
    whole = evaluate(objective.whole, x)
    of_theta, of_omega = objective.split(whole.gradient)
    size, outcome = norm(of_theta), whole.outcome
    if outcome is None and size <= gradient_tolerance:
        outcome = small_gradient(size, gradient_tolerance)
    return replace(whole, gradient=of_theta, size=size, outcome=outcome), norm(of_omega)
