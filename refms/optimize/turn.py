"""The turn of one block: its steps within one iteration, with their history rows and notes."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from refms.errors import Array
from refms.linear.outcome import Outcome, Status
from refms.optimize.history import HistoryRow
from refms.optimize.objective import work_units_of
from refms.optimize.schedule import BlockProblem, BlockSteps
from refms.optimize.step import StepResult, gain_ratio


@dataclass(frozen=True)
class Turn:
    """The steps of one block in one iteration.

    Parameters
    ----------
    iteration : int
        Counted from 1.
    name : str
        Name of the block.
    results : tuple of StepResult
        At least one.
    rows : tuple of HistoryRow
        One for each result.
    """

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


def take_turn(
    problem: BlockProblem,
    values: Mapping[str, Array],
    block: BlockSteps,
    iteration: int,
    gradient_tolerance: float,
) -> tuple[Array, BlockSteps, Turn]:
    """Make the steps of one block, all on the same objective, until one is refused and would be again.

    Parameters
    ----------
    problem : BlockProblem
        Gives the block's objective.
    values : mapping of str to array
        All blocks.
    block : BlockSteps
        Which block to step, and how.
    iteration : int
        Counted from 1.
    gradient_tolerance : float
        The turn ends where ‖g‖₂ is not larger.

    Returns
    -------
    array, BlockSteps, Turn
        The block's new value, how to step it next time, and what happened.
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
        learned = following != method
        x, method, start = result.x, following, end
        hopeless = not (result.accepted or learned)
        if hopeless or result.outcome.status is Status.NON_FINITE:
            break
    return x, replace(block, method=method), Turn(iteration, block.name, tuple(results), tuple(rows))


def row_of(result: StepResult, iteration: int, name: str, work_units: float, seconds: float) -> HistoryRow:
    """Return the history row of a step.

    Parameters
    ----------
    result : StepResult
        The step.
    iteration : int
        Counted from 1.
    name : str
        Name of the block.
    work_units : float
        Reading of the work counter after the step.
    seconds : float
        Wall time since the step before, with what was measured apart.

    Returns
    -------
    HistoryRow
        Where a step was taken by a quadratic model with ``predicted_decrease`` and, if it is above round-off,
        ``gain_ratio`` among its extra numbers; a step that was refused has the gain ratio 0. The extra
        numbers of the step itself follow.
    """
    cg = None if result.direction is None else result.direction.cg
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
        extra={**_of_the_model(result), **result.extra},
    )


def _of_the_model(result: StepResult) -> dict[str, float]:
    """Return what the quadratic model said of a step; what was not measured (NaN) is left out."""
    if result.direction is None:
        return {}
    found = {"gain_ratio": gain_ratio(result)}
    if result.accepted:
        found["predicted_decrease"] = result.direction.predicted_decrease(result.step_length)
    return {name: number for name, number in found.items() if not math.isnan(number)}


def _noteworthy(result: StepResult) -> Outcome | None:
    """Return what is worth a sentence: a refusal, or a step that NaN or infinity cut short."""
    if result.outcome.status not in {Status.ACCEPTED, Status.CONVERGED} or result.non_finite:
        return result.outcome
    cg = None if result.direction is None else result.direction.cg
    cut = {Status.NON_FINITE, Status.INDEFINITE_PRECONDITIONER}
    return cg.outcome if cg is not None and cg.outcome.status in cut else None
