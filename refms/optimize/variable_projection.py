"""Variable projection: Gauss–Newton on the objective from which the classifier has been minimised out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from refms.backend import zeros_like
from refms.errors import Array, InputError
from refms.linear.direction import newton_direction
from refms.linear.outcome import Outcome, Status
from refms.linear.product import Product
from refms.linear.vectors import norm
from refms.objective.batches import hessian_sample
from refms.objective.problem import TrainingProblem
from refms.objective.risk import EmpiricalRisk
from refms.optimize.descent import Minimum, minimize
from refms.optimize.gauss_newton import Damping
from refms.optimize.joint import JOINT, joined, parted
from refms.optimize.line_search import armijo
from refms.optimize.newton import Newton
from refms.optimize.objective import Objective, preconditioner_of
from refms.optimize.projected_curvature import ProjectedCurvature
from refms.optimize.step import Beginning, StepOptions, StepResult, gain_ratio, gradient_at
from refms.optimize.stopping import StopRules


@dataclass(frozen=True, eq=False)
class SeparableProblem:
    """Problem (6) with the single block ``joint``, whose objective can be minimised in (W, μ) alone.

    Parameters
    ----------
    problem : TrainingProblem
        The problem.
    """

    problem: TrainingProblem

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int) -> Separable:
        """Return the objective in all unknowns; parameters as for a ``BlockProblem``."""
        whole = self.problem.block(JOINT, parted(self.problem, blocks[JOINT]), iteration)
        return Separable(self.problem, whole, iteration)


@dataclass(frozen=True, eq=False)
class Separable:
    """f(θ, ω) with ω = (W, μ), in which it is convex; for one iteration.

    Parameters
    ----------
    problem : TrainingProblem
        Problem (6).
    whole : EmpiricalRisk
        f as a function of both.
    iteration : int
        Names the Hessian sample.
    """

    problem: TrainingProblem
    whole: EmpiricalRisk
    iteration: int

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

    def curvature(self, x: Array) -> Product:
        """Return the product with the joint matrix."""
        return self.whole.curvature(x)

    def inner(self, theta: Array, omega: Array) -> EmpiricalRisk:
        """Return f(θ, ·), on features that are computed here, once."""
        return self.problem.block("classifier", {"propagation": theta, "classifier": omega}, self.iteration)

    def outer(self, theta: Array, omega: Array) -> EmpiricalRisk:
        """Return f(·, ω)."""
        return self.problem.block("propagation", {"propagation": theta, "classifier": omega}, self.iteration)

    def projected(self, theta: Array, omega: Array, tolerance: float, iterations: int) -> Product:
        """Return the product with the projected Gauss–Newton matrix, see ``ProjectedCurvature``."""
        examples, problem = self.problem.examples, self.problem
        if problem.hessian_fraction < 1:
            drawn = hessian_sample(examples.count, problem.hessian_fraction, problem.seed, self.iteration)
            examples = examples.take(drawn)
        return ProjectedCurvature(problem, theta, omega, examples, tolerance, iterations).product()


@dataclass(frozen=True)
class VariableProjection:
    """The method that steps θ on F(θ) = min_ω f(θ, ω), and hands ω along.

    Parameters
    ----------
    options : StepOptions
        Accuracy of the direction in θ and bounds on the step.
    inner : StepOptions
        Of the inner Newton steps in ω.
    inner_tolerance : float
        The inner problem counts as solved where ‖∂f/∂ω‖ is at most this fraction of what it is at ω = 0 in
        the first step.
    inner_steps : int
        Newton steps for that at most.
    schur_tolerance, schur_iterations : float, int
        Accuracy of G_ωω⁻¹ within the projected matrix.
    damping : Damping or None
        λ and its rule; None for plain Gauss–Newton.
    target : float or None
        The inner tolerance as a gradient norm; None before the first step, which sets it.

    Raises
    ------
    InputError
        If a number is out of range.

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

    options: StepOptions
    inner: StepOptions = StepOptions(cg_tolerance=0.1, cg_iterations=50)  # noqa: RUF009 -- frozen
    inner_tolerance: float = 1e-3
    inner_steps: int = 50
    schur_tolerance: float = 1e-2
    schur_iterations: int = 50
    damping: Damping | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        rules = (
            ("inner_tolerance", 0.0 < self.inner_tolerance < 1.0, "between 0 and 1, such as 1e-3"),
            ("schur_tolerance", 0.0 <= self.schur_tolerance < 1.0, "0 or more and below 1, such as 1e-2"),
            ("inner_steps", self.inner_steps >= 1, "1 or more"),
            ("schur_iterations", self.schur_iterations >= 1, "1 or more"),
        )
        for name, holds, expected in rules:
            if not holds:
                raise InputError(f"{name} is {getattr(self, name)}; expected {expected}.")

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def step(
        self, objective: Objective, x: Array, *, gradient_tolerance: float = 0.0
    ) -> tuple[StepResult, VariableProjection]:
        """Return the step from x, and the method with what it remembers.

        Parameters
        ----------
        objective : Separable
            What to decrease.
        x : array
            Shape (size,): θ followed by ω.
        gradient_tolerance : float
            On ‖∇F‖₂, see ``descent_step``.

        Returns
        -------
        StepResult, VariableProjection
            The step, whose gradient norm is ‖∇F‖₂, with ``inner_gradient_norm`` ‖∂_ω f‖₂ and
            ``inner_tolerance`` at its beginning and ``inner_steps`` of all its inner problems.

        Raises
        ------
        InputError
            If the objective is not separable.
        """
        if not isinstance(objective, Separable):
            raise InputError("variable projection steps the joint block of a SeparableProblem.")
        blocks, spent = parted(objective.problem, x), list[int]()
        theta, omega, method = blocks["propagation"], blocks["classifier"], self
        if self.target is None:
            risk = objective.inner(theta, omega)
            at_zero = norm(risk.value_and_gradient(zeros_like(omega))[1])
            sound = math.isfinite(at_zero)  # otherwise the outcome will say so
            method = replace(self, target=self.inner_tolerance * at_zero if sound else 0.0)
            solved = method._solved(risk, omega, spent)
            omega = solved.x
        at, gap = _reduced(objective, joined({"propagation": theta, "classifier": omega}), gradient_tolerance)
        if at.outcome is not None:
            return at.unmoved(at.outcome), method
        result = method._stepped(objective, at, omega, spent)
        told = {"inner_gradient_norm": gap, "inner_tolerance": method.target or 0.0}
        result = replace(result, extra={**result.extra, **told, "inner_steps": float(sum(spent))})
        if method.damping is None:
            return result, method
        result = replace(result, extra={**result.extra, "damping": method.damping.value})
        return result, replace(method, damping=method.damping.updated(gain_ratio(result)))

    def _stepped(self, objective: Separable, at: Beginning, omega: Array, spent: list[int]) -> StepResult:
        """Make the step in θ from where the inner problem is solved."""
        theta = parted(objective.problem, at.x)["propagation"]
        product = objective.projected(theta, omega, self.schur_tolerance, self.schur_iterations)
        direction = newton_direction(
            at.gradient,
            product,
            damping=0.0 if self.damping is None else self.damping.value,
            tolerance=self.options.cg_tolerance,
            max_iterations=self.options.cg_iterations,
            preconditioner=preconditioner_of(objective.outer(theta, omega), theta, product),
        )
        if direction.cg.iterations == 0:
            return at.unmoved(direction.cg.outcome, direction)
        followed = [omega]

        def value(trial: Array) -> float:
            solved = self._solved(objective.inner(trial, omega), omega, spent)
            followed.append(solved.x)
            return solved.value if solved.outcome.status is not Status.NON_FINITE else float("nan")

        search = armijo(
            value,
            theta,
            at.value,
            direction.slope,
            direction.p,
            sufficient_decrease=self.options.sufficient_decrease,
            max_backtracks=self.options.max_backtracks,
            max_step=self.options.max_step,
        )
        taken = search.outcome.status is Status.ACCEPTED
        moved = joined({"propagation": search.x, "classifier": followed[-1]}) if taken else at.x
        return StepResult(
            moved,
            at.value,
            search.value,
            at.size,
            direction,
            search.step_length,
            1 + search.evaluations,
            search.non_finite,
            search.outcome,
        )

    def _solved(self, risk: EmpiricalRisk, omega: Array, spent: list[int]) -> Minimum:
        """Minimise f(θ, ·) to the target, and note how many steps that took."""
        stop = StopRules(self.inner_steps, gradient_tolerance=self.target or 0.0)
        found = minimize(risk, omega, Newton(self.inner), stop=stop)
        spent.append(len(found.history))
        return found


def _reduced(objective: Separable, x: Array, gradient_tolerance: float) -> tuple[Beginning, float]:
    """Return F and ∇F where the inner problem is solved, and ‖∂_ω f‖₂, which says how well."""
    whole = gradient_at(objective.whole, x)
    parts = parted(objective.problem, whole.gradient)
    size, outcome = norm(parts["propagation"]), whole.outcome
    if outcome is None and size <= gradient_tolerance:
        message = f"The gradient norm {size:.2e} is not above the tolerance {gradient_tolerance:.2e}."
        outcome = Outcome(Status.CONVERGED, message)
    at = replace(whole, gradient=parts["propagation"], size=size, outcome=outcome)
    return at, norm(parts["classifier"])
