"""One block of parameters in one iteration: how it is stepped, and what happened."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from refms.display import short_repr
from refms.errors import Array, require_whole
from refms.linear.outcome import Outcome, Status
from refms.optimize.history import HistoryRow
from refms.optimize.objective import BlockProblem, work_units_of
from refms.optimize.step import Method, StepResult, gain_ratio


@dataclass(frozen=True)
class BlockSteps:
    """How one block is stepped within an iteration.

    Parameters
    ----------
    name : str
        Name of the block.
    method : Method
        Such as ``Newton(...)``.
    steps : int
        Number of steps, at least 1, all on the same block objective.

    Raises
    ------
    InputError
        If there is no step.

    Examples
    --------
    >>> from refms.optimize import BlockSteps, Newton
    >>> BlockSteps("classifier", Newton(), steps=5).steps
    5
    """

    name: str
    method: Method
    steps: int = 1

    __repr__ = short_repr

    def __post_init__(self) -> None:
        steps = require_whole(self.steps, f"steps of block {self.name!r}", 1)
        object.__setattr__(self, "steps", steps)


@dataclass(frozen=True)
class BlockRecord:
    """The steps of the named block in one iteration, at least one, and the history row of each."""

    iteration: int
    name: str
    results: tuple[StepResult, ...]
    rows: tuple[HistoryRow, ...]

    @property
    def outcome(self) -> Outcome:
        """How the last step ended."""
        return self.results[-1].outcome

    @property
    def place(self) -> str:
        """Where this was, in words."""
        return f"iteration {self.iteration}, block {self.name!r}"

    @property
    def progressed(self) -> bool:
        """Whether a step was taken."""
        return any(result.accepted for result in self.results)

    @property
    def relative_decrease(self) -> float:
        """By which fraction the block's objective fell; for methods that may raise it, changed."""
        start, end = self.results[0].value_before, self.results[-1].value
        fell = 0.0 if start == end else (start - end) / max(abs(start), abs(end))
        return fell if all(result.monotone for result in self.results) else abs(fell)

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each step that was refused, or that NaN or infinity cut short."""
        found = (_noteworthy(result) for result in self.results)
        return tuple(outcome.at(self.place).message for outcome in found if outcome is not None)


def step_block(
    problem: BlockProblem,
    values: Mapping[str, Array],
    block: BlockSteps,
    iteration: int,
    gradient_tolerance: float,
) -> tuple[Array, BlockSteps, BlockRecord]:
    """Make the steps of one block, all on the same objective, until one is refused and would be again.

    Returns the block's new value, how to step it next time, and what happened.
    """
    start = time.perf_counter()
    objective = problem.block(block.name, MappingProxyType(values), iteration)
    x, method = values[block.name], block.method
    results, rows = list[StepResult](), list[HistoryRow]()
    for _ in range(block.steps):
        result, following = method.step(objective, x, gradient_tolerance=gradient_tolerance)
        end = time.perf_counter()
        rows.append(row_of(result, iteration, block.name, work_units_of(objective), end - start))
        results.append(result)
        hopeless = not result.accepted and following == method
        x, method, start = result.x, following, end
        if hopeless or result.outcome.status is Status.NON_FINITE:
            break
    record = BlockRecord(iteration, block.name, tuple(results), tuple(rows))
    return x, replace(block, method=method), record


def row_of(result: StepResult, iteration: int, name: str, work_units: float, seconds: float) -> HistoryRow:
    """Return the history row of a step of the named block.

    The seconds are those since the step before, what was measured apart included. Where a quadratic model
    stands behind the step, ``gain_ratio`` (0 if it was refused) and ``predicted_decrease`` are among the
    extra numbers, where they can be told; those of the step itself follow.
    """
    cg = None if result.direction is None else result.direction.cg
    model = {"gain_ratio": gain_ratio(result)}
    if result.direction is not None and result.accepted:
        model["predicted_decrease"] = result.direction.predicted_decrease(result.step_length)
    return HistoryRow(
        iteration=iteration,
        block=name,
        status=str(result.outcome.status),
        objective_before=result.value_before,
        objective=result.value,
        gradient_norm=result.gradient_norm,
        cg_iterations=0 if cg is None else cg.iterations,
        cg_residual=1.0 if cg is None else cg.residual_norms[-1] / cg.residual_norms[0],
        cg_status="" if cg is None else str(cg.outcome.status),
        step_length=result.step_length,
        evaluations=result.evaluations,
        work_units=work_units,
        seconds=seconds - result.apart_seconds,
        extra={**{key: number for key, number in model.items() if not math.isnan(number)}, **result.extra},
    )


def _noteworthy(result: StepResult) -> Outcome | None:
    """Return what is worth a sentence: a refusal, or a step that NaN or infinity cut short."""
    if result.outcome.status not in {Status.ACCEPTED, Status.CONVERGED} or result.non_finite:
        return result.outcome
    cg = None if result.direction is None else result.direction.cg
    cut = {Status.NON_FINITE, Status.INDEFINITE_PRECONDITIONER}
    return cg.outcome if cg is not None and cg.outcome.status in cut else None
