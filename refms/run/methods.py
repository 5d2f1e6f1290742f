"""Every method by its name: the section of its options, and what runs it on problem (6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from refms.errors import Array, InputError, require_choice, require_whole
from refms.names import LEARNING_RATE_SCHEDULES
from refms.objective.problem import TrainingProblem
from refms.optimize.block_coordinate_descent import block_coordinate_descent
from refms.optimize.descent import DescentResult, descend
from refms.optimize.gauss_newton import Damping, GaussNewton
from refms.optimize.joint import JOINT, JointProblem, joined, parted
from refms.optimize.newton_cg import NewtonCG
from refms.optimize.schedule import BlockProblem, BlockSteps, Monitor
from refms.optimize.scipy_methods import SciPyMethod, descend_scipy
from refms.optimize.step import Method, StepOptions
from refms.optimize.stochastic import Adam, Epochs, Momentum, Stochastic
from refms.optimize.stopping import StopRules
from refms.optimize.trust_region import TrustRegion
from refms.optimize.variable_projection import SeparableProblem, VariableProjection
from refms.run.config import OptimizationSection
from refms.run.training import block_steps

# Sections


@dataclass(frozen=True)
class BlockSection:
    """[compare.bcd]: block-coordinate descent; all its options are those of [optimization]."""


@dataclass(frozen=True)
class JointSection:
    """[compare.joint]: Gauss–Newton on all parameters; ``max_step`` bounds the max-norm of a step."""

    max_step: float = 10.0

    def __post_init__(self) -> None:
        _require_positive(max_step=self.max_step)


@dataclass(frozen=True)
class DampedSection:
    """[compare.levenberg-marquardt]: the first λ, and the factor by which it follows the gain ratio."""

    damping: float = 1e-3
    factor: float = 4.0
    max_step: float = 10.0

    def __post_init__(self) -> None:
        Damping(self.damping, self.factor)
        _require_positive(max_step=self.max_step)


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
        require_whole(self.inner_steps, "inner_steps", 1)
        require_whole(self.schur_iterations, "schur_iterations", 1)
        _require_positive(max_step=self.max_step)


@dataclass(frozen=True)
class NewtonSection:
    """[compare.newton-cg]: Newton-CG with the full Hessian; the largest tolerance of the forcing sequence."""

    cg_tolerance: float = 0.5
    max_step: float = 10.0

    def __post_init__(self) -> None:
        _require_inside("0.5", cg_tolerance=self.cg_tolerance)
        _require_positive(max_step=self.max_step)


@dataclass(frozen=True)
class RegionSection:
    """[compare.trust-region]: the first Δ and its bound; the full Hessian or the Gauss–Newton matrix."""

    radius: float = 1.0
    largest: float = 100.0
    second_order: bool = True

    def __post_init__(self) -> None:
        TrustRegion(self.radius, self.largest)


@dataclass(frozen=True)
class LbfgsSection:
    """[compare.l-bfgs]: L-BFGS of SciPy, which remembers ``memory`` pairs of vectors."""

    memory: int = 10

    def __post_init__(self) -> None:
        SciPyMethod("L-BFGS-B", memory=self.memory)


@dataclass(frozen=True)
class NonlinearSection:
    """[compare.nonlinear-cg]: nonlinear conjugate gradients of SciPy; c₂ of the strong Wolfe conditions."""

    wolfe: float = 0.4

    def __post_init__(self) -> None:
        SciPyMethod("CG", wolfe=self.wolfe)


@dataclass(frozen=True)
class MomentumSection:
    """[compare.sgd]: steps and mini-batches, see :class:`~refms.optimize.stochastic.Epochs`, and μ."""

    learning_rate: float = 0.5
    momentum: float = 0.9
    batch: int = 64
    schedule: str = LEARNING_RATE_SCHEDULES[1]
    seed: int = 0

    def __post_init__(self) -> None:
        Epochs(self.learning_rate, self.batch, self.schedule, seed=self.seed)
        Momentum(self.momentum)


@dataclass(frozen=True)
class AdamSection:
    """[compare.adam]: steps and mini-batches, and see :class:`~refms.optimize.stochastic.Adam`."""

    learning_rate: float = 0.02
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    batch: int = 64
    schedule: str = LEARNING_RATE_SCHEDULES[1]
    seed: int = 0

    def __post_init__(self) -> None:
        Epochs(self.learning_rate, self.batch, self.schedule, seed=self.seed)
        Adam(self.beta1, self.beta2, self.epsilon)


# What runs them

Runner = Callable[[TrainingProblem, Mapping[str, Array], StopRules, Monitor | None], DescentResult]
"""Minimises the problem from the two blocks ``propagation`` and ``classifier``; the result and the monitor
have these two as well, whatever the method steps at once."""


def runner_of(name: str, options: Any, shared: OptimizationSection) -> Runner:
    """Return a method with the options of its section, and with what all share: [optimization].

    >>> callable(runner_of("adam", AdamSection(), OptimizationSection()))
    True
    """
    _, build = METHOD_TABLE[require_choice(name, METHOD_TABLE, "method")]
    return build(options, shared)


def _block_descent(options: BlockSection, shared: OptimizationSection) -> Runner:
    damping = Damping(shared.damping) if shared.damping else None
    return lambda problem, blocks, stop, monitor: block_coordinate_descent(
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
        posed, start = problem_of(replace(problem, second_order=second_order)), {JOINT: joined(blocks)}
        schedule = (BlockSteps(JOINT, method(stop)),)
        found = descend(posed, start, schedule, stop=stop, monitor=_parting(problem, monitor))
        return replace(found, blocks=parted(problem, found.blocks[JOINT]))

    return run


def _by_scipy(method: SciPyMethod) -> Runner:
    def run(
        problem: TrainingProblem, blocks: Mapping[str, Array], stop: StopRules, monitor: Monitor | None
    ) -> DescentResult:
        watch, start = _parting(problem, monitor), {JOINT: joined(blocks)}
        found = descend_scipy(JointProblem(problem), start, JOINT, method, stop=stop, monitor=watch)
        return replace(found, blocks=parted(problem, found.blocks[JOINT]))

    return run


def _parting(problem: TrainingProblem, monitor: Monitor | None) -> Monitor | None:
    """Return a monitor that sees the one block of a joint run as the two of the problem."""
    if monitor is None:
        return None
    return lambda iteration, blocks, rows: monitor(iteration, parted(problem, blocks[JOINT]), rows)


def _steps(shared: OptimizationSection, max_step: float) -> StepOptions:
    return StepOptions(shared.cg_tolerance, shared.propagation_cg_iterations, max_step=max_step)


def _joint(options: JointSection, shared: OptimizationSection) -> Runner:
    return _stepping(lambda stop: GaussNewton(_steps(shared, options.max_step)))


def _levenberg_marquardt(options: DampedSection, shared: OptimizationSection) -> Runner:
    damping = Damping(options.damping, options.factor)
    return _stepping(lambda stop: GaussNewton(_steps(shared, options.max_step), damping))


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


def _stochastic(options: MomentumSection | AdamSection, rule: Momentum | Adam) -> Runner:
    rate, batch = options.learning_rate, options.batch
    return _stepping(
        lambda stop: Stochastic(
            Epochs(rate, batch, options.schedule, stop.max_iterations, options.seed), rule
        )
    )


METHOD_TABLE: dict[str, tuple[type, Callable[[Any, OptimizationSection], Runner]]] = {
    "bcd": (BlockSection, _block_descent),
    "joint": (JointSection, _joint),
    "varpro": (ProjectionSection, _variable_projection),
    "levenberg-marquardt": (DampedSection, _levenberg_marquardt),
    "newton-cg": (NewtonSection, _newton_cg),
    "trust-region": (RegionSection, _trust_region),
    "l-bfgs": (LbfgsSection, lambda own, _: _by_scipy(SciPyMethod("L-BFGS-B", memory=own.memory))),
    "nonlinear-cg": (NonlinearSection, lambda own, _: _by_scipy(SciPyMethod("CG", wolfe=own.wolfe))),
    "sgd": (MomentumSection, lambda own, _: _stochastic(own, Momentum(own.momentum))),
    "adam": (AdamSection, lambda own, _: _stochastic(own, Adam(own.beta1, own.beta2, own.epsilon))),
}
"""Name of a method to the section of its options and what makes its runner."""


def _require_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not 0.0 < number < float("inf"):
            raise InputError(f"{name} is {number}; expected a positive number.")


def _require_inside(example: str, **numbers: float) -> None:
    for name, number in numbers.items():
        if not 0.0 < number < 1.0:
            raise InputError(f"{name} is {number}; expected between 0 and 1, such as {example}.")
