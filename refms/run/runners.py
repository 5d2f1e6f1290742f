"""Every method by its name, behind one interface: problem (6), a start and a monitor in, a run out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from refms.errors import Array, require_choice
from refms.names import METHODS
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


class Runner(Protocol):
    """A method with its options."""

    def __call__(
        self,
        problem: TrainingProblem,
        blocks: Mapping[str, Array],
        stop: StopRules,
        monitor: Monitor | None = None,
    ) -> DescentResult:
        """Minimise the problem from the two blocks ``propagation`` and ``classifier``.

        The result and the monitor have these two blocks as well, whatever the method steps at once.
        """


def runner_of(name: str, options: Any, optimization: OptimizationSection) -> Runner:
    """Return a method with its options.

    Parameters
    ----------
    name : str
        One of :data:`~refms.names.METHODS`.
    options : object
        Its section, of the kind in :data:`~refms.run.sections.SECTIONS`.
    optimization : OptimizationSection
        What methods share: conjugate gradients, and the schedule of block-coordinate descent.

    Returns
    -------
    callable
        A :class:`Runner`.

    Raises
    ------
    InputError
        If the name is unknown.

    Examples
    --------
    >>> from refms.run.sections import SECTIONS
    >>> callable(runner_of("adam", SECTIONS["adam"](), OptimizationSection()))
    True
    """
    require_choice(name, METHODS, "method")
    return _BUILDERS[name](options, optimization)


def _block_descent(options: Any, shared: OptimizationSection) -> Runner:
    def run(
        problem: TrainingProblem,
        blocks: Mapping[str, Array],
        stop: StopRules,
        monitor: Monitor | None = None,
    ) -> DescentResult:
        damping = Damping(shared.damping) if shared.damping else None
        return block_coordinate_descent(
            problem, blocks, block_steps(shared, damping), stop=stop, monitor=monitor
        )

    return run


def _stepping(
    method: Callable[[StopRules, TrainingProblem], Method],
    problem_of: Callable[[TrainingProblem], BlockProblem] = JointProblem,
    *,
    second_order: bool = False,
) -> Runner:
    """Return the runner of a method that steps all parameters at once."""

    def run(
        problem: TrainingProblem,
        blocks: Mapping[str, Array],
        stop: StopRules,
        monitor: Monitor | None = None,
    ) -> DescentResult:
        posed = problem_of(replace(problem, second_order=second_order))
        schedule = (BlockSteps(JOINT, method(stop, problem)),)
        found = descend(
            posed, {JOINT: joined(blocks)}, schedule, stop=stop, monitor=_parting(problem, monitor)
        )
        return replace(found, blocks=parted(problem, found.blocks[JOINT]))

    return run


def _by_scipy(method: SciPyMethod) -> Runner:
    def run(
        problem: TrainingProblem,
        blocks: Mapping[str, Array],
        stop: StopRules,
        monitor: Monitor | None = None,
    ) -> DescentResult:
        watch = _parting(problem, monitor)
        start = {JOINT: joined(blocks)}
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


def _joint(options: Any, shared: OptimizationSection) -> Runner:
    method = GaussNewton(_steps(shared, options.max_step))
    return _stepping(lambda stop, problem: method)


def _levenberg_marquardt(options: Any, shared: OptimizationSection) -> Runner:
    method = GaussNewton(_steps(shared, options.max_step), Damping(options.damping, options.factor))
    return _stepping(lambda stop, problem: method)


def _variable_projection(options: Any, shared: OptimizationSection) -> Runner:
    method = VariableProjection(
        _steps(shared, options.max_step),
        inner_tolerance=options.inner_tolerance,
        inner_steps=options.inner_steps,
        schur_tolerance=options.schur_tolerance,
        schur_iterations=options.schur_iterations,
        damping=Damping(shared.damping) if shared.damping else None,
    )
    return _stepping(lambda stop, problem: method, SeparableProblem)


def _newton_cg(options: Any, shared: OptimizationSection) -> Runner:
    steps = replace(_steps(shared, options.max_step), cg_tolerance=options.cg_tolerance)
    return _stepping(lambda stop, problem: NewtonCG(steps), second_order=True)


def _trust_region(options: Any, shared: OptimizationSection) -> Runner:
    method = TrustRegion(
        options.radius,
        options.largest,
        cg_tolerance=shared.cg_tolerance,
        cg_iterations=shared.propagation_cg_iterations,
    )
    return _stepping(lambda stop, problem: method, second_order=options.second_order)


def _stochastic(rule: Callable[[Any], Momentum | Adam]) -> Callable[[Any, OptimizationSection], Runner]:
    def build(options: Any, shared: OptimizationSection) -> Runner:
        def method(stop: StopRules, problem: TrainingProblem) -> Method:
            epochs = Epochs(
                options.learning_rate, options.batch, options.schedule, stop.max_iterations, options.seed
            )
            return Stochastic(epochs, rule(options))

        return _stepping(method)

    return build


_BUILDERS: dict[str, Callable[[Any, OptimizationSection], Runner]] = {
    "bcd": _block_descent,
    "joint": _joint,
    "varpro": _variable_projection,
    "levenberg-marquardt": _levenberg_marquardt,
    "newton-cg": _newton_cg,
    "trust-region": _trust_region,
    "l-bfgs": lambda options, shared: _by_scipy(SciPyMethod("L-BFGS-B", memory=options.memory)),
    "nonlinear-cg": lambda options, shared: _by_scipy(SciPyMethod("CG", wolfe=options.wolfe)),
    "sgd": _stochastic(lambda options: Momentum(options.momentum)),
    "adam": _stochastic(lambda options: Adam(options.beta1, options.beta2, options.epsilon)),
}
