"""Full-Multiscale training (Algorithm 2 of [MST]): coarse stages are the start for finer ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from refms.display import short_repr
from refms.errors import Array, InputError, require_choice, require_whole_fields
from refms.linear.vectors import norm
from refms.multiscale.allocation import Allocation
from refms.multiscale.estimation import Batches, estimate_objective
from refms.multiscale.image_problem import ImageProblem
from refms.multiscale.kernel_rule import move_kernels
from refms.multiscale.switching import Switch
from refms.optimize.stochastic import Adam, Momentum

SCHEDULES = ("cosine", "constant")


@dataclass(frozen=True)
class Stage:
    """Iterations whose finest mesh is one level.

    Parameters
    ----------
    level : int
        The finest level.
    iterations : int
        I ≥ 1.
    batches : Batches
        N_l of the levels from this one on.
    """

    level: int
    iterations: int
    batches: Batches

    __repr__ = short_repr

    def __post_init__(self) -> None:
        require_whole_fields(self, level=0, iterations=1)


@dataclass(frozen=True)
class Schedule:
    """The learning rate of iteration k = 0 … K − 1 over all stages.

    Parameters
    ----------
    rate : float
        η_0.
    floor : float
        η_min ≤ η_0.
    kind : str
        ``"cosine"``: η_k = η_min + ½ (η_0 − η_min)(1 + cos(πk/K)); ``"constant"``: η_0.

    Raises
    ------
    InputError
        If a rate is not positive, or the floor is above η_0.

    Examples
    --------
    >>> Schedule(1.0, 0.5)(0, 10), round(Schedule(1.0, 0.5)(5, 10), 3), Schedule(1.0, kind="constant")(9, 10)
    (1.0, 0.75, 1.0)
    """

    rate: float = 5e-4
    floor: float = 1e-6
    kind: str = "cosine"

    def __post_init__(self) -> None:
        require_choice(self.kind, SCHEDULES, "schedule")
        if not 0 < self.rate < math.inf or not 0 <= self.floor <= self.rate:
            raise InputError(f"rates {self.rate} and {self.floor}; expected 0 <= floor <= rate, rate > 0.")

    def __call__(self, k: int, total: int) -> float:
        """Return η_k."""
        if self.kind == "constant":
            return self.rate
        return self.floor + 0.5 * (self.rate - self.floor) * (1.0 + math.cos(math.pi * k / total))


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Everything a training goes on from: written to a file, it continues with the same bits.

    Parameters
    ----------
    theta : array
        Parameters on the level of the stage.
    memory : tuple of array
        What the rule remembers, such as Adam's m and v; empty before the first update.
    stage : int
        Place of the stage, 0 for the first.
    iteration : int
        Iterations done in it.
    updates : int
        Iterations done in all stages.
    units : float
        Work done, in network evaluations of a finest image.
    batches : Batches or None
        Those of the last pilot; None for those of the stage.
    pilot_units : float
        Work of pilots, which is counted apart.
    iterations : tuple of int
        Those of all stages once one has ended early; empty for those of the plan.
    losses : tuple of float
        Estimates of the loss in the last two windows of a :class:`~refms.multiscale.Switch`.
    """

    theta: Array
    memory: tuple[Array, ...] = ()
    stage: int = 0
    iteration: int = 0
    updates: int = 0
    units: float = 0.0
    batches: Batches | None = None
    pilot_units: float = 0.0
    iterations: tuple[int, ...] = ()
    losses: tuple[float, ...] = ()

    __repr__ = short_repr


@dataclass(frozen=True)
class TrainingPlan:
    """Stages, coarsest first, and how parameters are updated; single scale and MGE are one stage.

    Parameters
    ----------
    stages : sequence of Stage
        In order.
    rule : Adam or Momentum
        From gradients to updates; its own batches and schedule are not used.
    schedule : Schedule
        Learning rates over all stages.
    restart : bool
        Whether moments begin anew in each stage; [MST] carries them on.
    allocation : Allocation or None
        How batches are renewed; None for those of the stages.
    dropout_until : int
        Updates after which nothing is dropped; 0 for never.
    switch : Switch or None
        When stages but the last end early; None for never.

    Raises
    ------
    InputError
        If there is no stage, or levels do not fall.

    Examples
    --------
    >>> plan = full_multiscale_plan((16, 32, 64, 128), (2000, 1000, 500, 250))
    >>> [stage.level for stage in plan.stages], plan.work()
    ([3, 2, 1, 0], 28750.0)
    """

    stages: tuple[Stage, ...]
    rule: Adam | Momentum = field(default_factory=Adam)
    schedule: Schedule = field(default_factory=Schedule)
    restart: bool = False
    allocation: Allocation | None = None
    dropout_until: int = 0
    switch: Switch | None = None

    __repr__ = short_repr

    def __post_init__(self) -> None:
        levels = [stage.level for stage in self.stages]
        if not levels or levels != sorted(levels, reverse=True):
            raise InputError(f"the stages have levels {levels}; expected at least one, coarsest first.")

    @property
    def total(self) -> int:
        """Iterations K of all stages."""
        return sum(stage.iterations for stage in self.stages)

    def work(self, dimension: int = 2) -> float:
        """Return #WU of all stages."""
        return sum(one.iterations * one.batches.work(one.level, dimension) for one in self.stages)

    def standing(self, state: TrainingState) -> Self:
        """Return the plan with the iterations that its stages have by now."""
        if not state.iterations:
            return self
        stages = zip(self.stages, state.iterations, strict=True)
        return replace(self, stages=tuple(replace(stage, iterations=count) for stage, count in stages))

    def run(
        self, problem: ImageProblem, state: TrainingState
    ) -> Iterator[tuple[TrainingState, float, float]]:
        """Yield the state after each iteration, the estimate of the loss before it, and the learning rate.

        The draws depend on the seed, the stage and the iteration alone, so that a state that was stored goes
        on with the same bits. It ends early where an estimate is not finite; the last state is before that.
        """
        dropping, whole = problem, replace(problem, drops=False) if self.dropout_until else problem
        while state.stage < len(self.stages):
            plan = self.standing(state)
            problem = whole if self.dropout_until <= state.updates else dropping
            stage = plan.stages[state.stage]
            if state.iteration == stage.iterations:
                state = self._next_stage(problem, state)
                continue
            if self.allocation is not None and state.iteration % self.allocation.renew == 0:
                state = self._renew(self.allocation, problem, state)
            before = problem.work.units
            batches = self.batches(state)
            f = estimate_objective(problem, batches, stage=stage.level, iteration=state.iteration)
            value, gradient = f.value_and_gradient(state.theta)
            if not (math.isfinite(value) and math.isfinite(norm(gradient))):
                return
            rate = self.schedule(state.updates, plan.total)
            since = state.iteration if self.restart else state.updates  # of the moments
            memory = state.memory or self.rule.start(state.theta)
            moved, memory = self.rule.update(memory, gradient, rate, since + 1)
            theta = state.theta + moved
            if not math.isfinite(norm(theta)):
                return
            state = replace(
                state,
                theta=theta,
                memory=memory,
                iteration=state.iteration + 1,
                updates=state.updates + 1,
                units=state.units + problem.work.units - before,
            )
            if self.switch is not None and state.stage < len(self.stages) - 1:
                state = plan._judged(self.switch, state, value)
            yield state, value, rate

    def _judged(self, switch: Switch, state: TrainingState, loss: float) -> TrainingState:
        """Return the state with one more estimate of the loss; its stage ended where that is due."""
        state = replace(state, losses=switch.kept(state.losses, loss))
        stage, last = self.stages[state.stage], self.stages[-1]
        if state.iteration % switch.window or not switch.is_due(state.losses):
            return state
        left = (stage.iterations - state.iteration) * stage.batches.work(stage.level)
        counts = [one.iterations for one in self.stages]
        counts[state.stage] = state.iteration
        counts[-1] += int(left // last.batches.work(last.level))
        return replace(state, iterations=tuple(counts))

    def batches(self, state: TrainingState) -> Batches:
        """Return the batches of the last pilot in this stage, or those of the stage."""
        return state.batches or self.stages[state.stage].batches

    def _renew(self, rule: Allocation, problem: ImageProblem, state: TrainingState) -> TrainingState:
        """Return the state with batches from a pilot at its parameters."""
        stage = self.stages[state.stage]
        batches, units = rule.measure(
            problem, state.theta, stage.batches, stage=stage.level, iteration=state.iteration
        )
        return replace(state, batches=batches, pilot_units=state.pilot_units + units)

    def _next_stage(self, problem: ImageProblem, state: TrainingState) -> TrainingState:
        """Return the state at the beginning of the next stage: θ_j = T⁻¹ θ_{j+1} with Galerkin's rule."""
        following = state.stage + 1
        theta, memory = state.theta, () if self.restart else state.memory
        if following < len(self.stages) and problem.kernel_rule == "galerkin":
            steps = self.stages[state.stage].level - self.stages[following].level
            if steps:
                theta = move_kernels(theta, problem.architecture, problem.kernel_pair, -steps)
        return replace(
            state, theta=theta, memory=memory, stage=following, iteration=0, batches=None, losses=()
        )


def full_multiscale_plan(
    batches: Sequence[int],
    iterations: Sequence[int],
    coefficients: Sequence[float] = (),
    *,
    shared: bool = False,
) -> TrainingPlan:
    """Return Algorithm 2: one stage a level, coarsest first, stage j with the levels from j on.

    Parameters
    ----------
    batches : sequence of int
        N_l, finest level first.
    iterations : sequence of int
        Of each stage, coarsest first.
    coefficients : sequence of float
        β_l; empty for 1.
    shared : bool
        Whether all terms of an estimate have one draw.

    Returns
    -------
    TrainingPlan
        With Adam and the schedule of [MST]; ``dataclasses.replace`` changes them.

    Raises
    ------
    InputError
        If there are not as many stages as levels.

    Examples
    --------
    >>> [stage.batches.sizes for stage in full_multiscale_plan((1, 2), (20, 10)).stages]
    [(2,), (1, 2)]
    """
    levels = len(batches)
    if len(iterations) != levels:
        raise InputError(f"{len(iterations)} stages for {levels} levels; expected as many.")
    return TrainingPlan(
        tuple(
            Stage(j, count, Batches(tuple(batches[j:]), tuple(coefficients[j:]), shared))
            for j, count in zip(reversed(range(levels)), iterations, strict=True)
        )
    )
