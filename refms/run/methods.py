"""Every method by its name: the section of its options, and what runs it on problem (6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from refms.errors import Array, InputError, require_choice, require_positive, require_whole_fields
from refms.objective.problem import JOINT, TrainingProblem
from refms.optimize.blocks import BlockSteps
from refms.optimize.joint import JointProblem
from refms.optimize.loop import DescentResult, Monitor, descend
from refms.optimize.newton import Damping, Newton
from refms.optimize.newton_cg import NewtonCG
from refms.optimize.objective import BlockProblem
from refms.optimize.options import StepOptions
from refms.optimize.scipy_methods import LBFGS, NonlinearCG, descend_scipy
from refms.optimize.step import Method
from refms.optimize.stochastic import Adam, Momentum, Stochastic
from refms.optimize.stopping import StopRules
from refms.optimize.trust_region import TrustRegion
from refms.optimize.variable_projection import SeparableProblem, VariableProjection
from refms.run.config import OptimizationSection
from refms.run.training import block_steps

# Sections: those of l-bfgs, nonlinear-cg, sgd and adam are the methods' own dataclasses


@dataclass(frozen=True)
class BlockSection:
    """[compare.bcd]: block-coordinate descent; all its options are those of [optimization]."""


@dataclass(frozen=True)
class JointSection:
    """[compare.joint]: Gauss–Newton on all parameters; ``max_step`` bounds the max-norm of a step."""

    max_step: float = 10.0

    def __post_init__(self) -> None:
        require_positive(self.max_step, "max_step")


@dataclass(frozen=True)
class DampedSection:
    """[compare.levenberg-marquardt]: the first λ, and the factor by which it follows the gain ratio."""

    damping: float = 1e-3
    factor: float = 4.0
    max_step: float = 10.0

    def __post_init__(self) -> None:
        Damping(self.damping, self.factor)
        require_positive(self.max_step, "max_step")


@dataclass(frozen=True)
class ProjectionSection:
    """[compare.varpro]: how exactly ω is solved for, and G_ωω inverted in the projected matrix."""

    inner_tolerance: float = 1e-3
    inner_steps: int = 50
    schur_tolerance: float = 1e-2
    schur_iterations: int = 50
    max_step: float = 1.0

    def __post_init__(self) -> None:
        _require_inside("1e-2", inner_tolerance=self.inner_tolerance, schur_tolerance=self.schur_tolerance)
        require_whole_fields(self, inner_steps=1, schur_iterations=1)
        require_positive(self.max_step, "max_step")


@dataclass(frozen=True)
class NewtonSection:
    """[compare.newton-cg]: Newton-CG with the full Hessian; the largest tolerance of the forcing sequence."""

    cg_tolerance: float = 0.5
    max_step: float = 10.0

    def __post_init__(self) -> None:
        _require_inside("0.5", cg_tolerance=self.cg_tolerance)
        require_positive(self.max_step, "max_step")


@dataclass(frozen=True)
class RegionSection:
    """[compare.trust-region]: the first Δ and its bound; the full Hessian or the Gauss–Newton matrix."""

    radius: float = 1.0
    largest: float = 100.0
    second_order: bool = True

    def __post_init__(self) -> None:
        TrustRegion(self.radius, self.largest)


# What runs them

Runner = Callable[[TrainingProblem, Mapping[str, Array], StopRules, Monitor | None], DescentResult]
"""Minimises the problem from the two blocks ``propagation`` and ``classifier``; the result and the monitor
have these two as well, whatever the method steps at once."""


def runner_of(name: str, options: Any, shared: OptimizationSection) -> Runner:
    """Return a method with the options of its section, and with what all share: [optimization].

    >>> callable(runner_of("adam", Adam(), OptimizationSection()))
    True
    """
    _, build = METHOD_TABLE[require_choice(name, METHOD_TABLE, "method")]
    return build(options, shared)


def _block_descent(options: BlockSection, shared: OptimizationSection) -> Runner:
    damping = Damping(shared.damping) if shared.damping else None
    return lambda problem, blocks, stop, monitor: descend(
        problem, blocks, block_steps(shared, damping), stop=stop, monitor=monitor
    )


def _stepping(
    method: Callable[[StopRules], Method],
    problem_of: Callable[[TrainingProblem], BlockProblem] = JointProblem,
    *,
    second_order: bool = False,
) -> Runner:
    """Return the runner of a method that steps all parameters at once."""

    def run(
        problem: TrainingProblem, blocks: Mapping[str, Array], stop: StopRules, monitor: Monitor | None
    ) -> DescentResult:
        posed, start = problem_of(replace(problem, second_order=second_order)), {JOINT: problem.join(blocks)}
        schedule = (BlockSteps(JOINT, method(stop)),)
        found = descend(posed, start, schedule, stop=stop, monitor=_parting(problem, monitor))
        return replace(found, blocks=problem.split(found.blocks[JOINT]))

    return run


def _by_scipy(method: LBFGS | NonlinearCG) -> Runner:
    def run(
        problem: TrainingProblem, blocks: Mapping[str, Array], stop: StopRules, monitor: Monitor | None
    ) -> DescentResult:
        watch, start = _parting(problem, monitor), {JOINT: problem.join(blocks)}
        found = descend_scipy(JointProblem(problem), start, JOINT, method, stop=stop, monitor=watch)
        return replace(found, blocks=problem.split(found.blocks[JOINT]))

    return run


def _parting(problem: TrainingProblem, monitor: Monitor | None) -> Monitor | None:
    """Return a monitor that sees the one block of a joint run as the two of the problem."""
    if monitor is None:
        return None
    return lambda iteration, blocks, rows: monitor(iteration, problem.split(blocks[JOINT]), rows)


def _steps(shared: OptimizationSection, max_step: float) -> StepOptions:
    return StepOptions(shared.cg_tolerance, shared.propagation_cg_iterations, max_step=max_step)


def _joint(options: JointSection, shared: OptimizationSection) -> Runner:
    return _stepping(lambda stop: Newton(_steps(shared, options.max_step)))


def _levenberg_marquardt(options: DampedSection, shared: OptimizationSection) -> Runner:
    damping = Damping(options.damping, options.factor)
    return _stepping(lambda stop: Newton(_steps(shared, options.max_step), damping))


def _variable_projection(options: ProjectionSection, shared: OptimizationSection) -> Runner:
    method = VariableProjection(
        _steps(shared, options.max_step),
        inner_tolerance=options.inner_tolerance,
        inner_steps=options.inner_steps,
        schur_tolerance=options.schur_tolerance,
        schur_iterations=options.schur_iterations,
        damping=Damping(shared.damping) if shared.damping else None,
    )
    return _stepping(lambda stop: method, SeparableProblem)


def _newton_cg(options: NewtonSection, shared: OptimizationSection) -> Runner:
    steps = replace(_steps(shared, options.max_step), cg_tolerance=options.cg_tolerance)
    return _stepping(lambda stop: NewtonCG(steps), second_order=True)


def _trust_region(options: RegionSection, shared: OptimizationSection) -> Runner:
    method = TrustRegion(
        options.radius,
        options.largest,
        cg_tolerance=shared.cg_tolerance,
        cg_iterations=shared.propagation_cg_iterations,
    )
    return _stepping(lambda stop: method, second_order=options.second_order)


def _stochastic(rule: Momentum | Adam) -> Runner:
    return _stepping(lambda stop: Stochastic(rule, stop.max_iterations))


METHOD_TABLE: dict[str, tuple[type, Callable[[Any, OptimizationSection], Runner]]] = {
    "bcd": (BlockSection, _block_descent),
    "joint": (JointSection, _joint),
    "varpro": (ProjectionSection, _variable_projection),
    "levenberg-marquardt": (DampedSection, _levenberg_marquardt),
    "newton-cg": (NewtonSection, _newton_cg),
    "trust-region": (RegionSection, _trust_region),
    "l-bfgs": (LBFGS, lambda method, _: _by_scipy(method)),
    "nonlinear-cg": (NonlinearCG, lambda method, _: _by_scipy(method)),
    "sgd": (Momentum, lambda rule, _: _stochastic(rule)),
    "adam": (Adam, lambda rule, _: _stochastic(rule)),
}
"""Name of a method to the section of its options and what makes its runner."""


def _require_inside(example: str, **numbers: float) -> None:
    for name, number in numbers.items():
        if not 0.0 < number < 1.0:
            raise InputError(f"{name} is {number}; expected between 0 and 1, such as {example}.")
