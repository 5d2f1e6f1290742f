"""The one loop of all descent methods: step block after block, record, and know when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from refms.errors import Array, InputError
from refms.linear.outcome import Outcome, Status
from refms.linear.vectors import require_real_vector
from refms.optimize.history import History, HistoryRow
from refms.optimize.objective import Objective
from refms.optimize.schedule import BlockProblem, BlockSteps, Keeper, Monitor, Report, Standing
from refms.optimize.step import Method
from refms.optimize.stopping import DEFAULT_STOP, StopRules, verdict
from refms.optimize.turn import Turn, take_turn


@dataclass(frozen=True, eq=False)
class DescentResult:
    """Where a run ended.

    Parameters
    ----------
    blocks : dict of str to array
        The last finite values; a block that was never stepped is the very array that was passed in.
    history : History
        One row for each step.
    outcome : Outcome
        Why the run stopped.
    notes : tuple of str
        One sentence for each step that was refused or cut short, naming iteration and block.
    schedule : tuple of BlockSteps
        The schedule with the methods as they were at the end; with it and ``first_iteration`` a run goes on
        as if it had not been interrupted.
    """

    blocks: dict[str, Array]
    history: History
    outcome: Outcome
    notes: tuple[str, ...]
    schedule: tuple[BlockSteps, ...]


def descend(
    problem: BlockProblem,
    blocks: Mapping[str, Array],
    schedule: Sequence[BlockSteps],
    *,
    stop: StopRules = DEFAULT_STOP,
    monitor: Monitor | None = None,
    keeper: Keeper | None = None,
    first_iteration: int = 1,
) -> DescentResult:
    """Step the blocks of a problem in turn until a rule says stop.

    Parameters
    ----------
    problem : BlockProblem
        Gives the objective in one block with the others frozen.
    blocks : mapping of str to array
        Start: finite flat vectors of float32 or float64; never modified.
    schedule : sequence of BlockSteps
        The blocks to step, in order; blocks not named stay as they are, bit for bit.
    stop : StopRules
        When to stop.
    monitor : callable or None
        Called after each iteration; may add numbers to its last row and may stop the run.
    keeper : callable or None
        Called after each iteration after which the run could go on: not after the last one, but where the
        monitor stops it.
    first_iteration : int
        Number of the first iteration, above 1 to continue an earlier run.

    Returns
    -------
    DescentResult
        The last finite blocks, the history, the outcome and notes on steps that went wrong.

    Raises
    ------
    InputError
        If the schedule is empty or names a block that does not exist, a block is not a finite flat vector, or
        the first iteration comes after the last.

    Notes
    -----
    A refused step leaves its block as it is and ends the block's turn; the run goes on with the next block.
    It stops when no block made progress and no method changed its damping, when every block fulfils the
    gradient tolerance, when no objective fell by more than ``stop.relative_decrease``, when the monitor
    says so, after ``stop.max_iterations``, and at once when an objective, a gradient or a first curvature
    product is NaN or infinite.
    """
    _require(blocks, schedule, first_iteration, stop.max_iterations)
    values, methods = dict(blocks), tuple(schedule)
    history, notes = History(), list[str]()
    outcome, iteration = None, first_iteration - 1
    while outcome is None:
        iteration += 1
        before = methods
        values, methods, turns = _iterate(problem, values, methods, iteration, stop.gradient_tolerance)
        rows, outcome = conclude(turns, values, stop, monitor, learned=methods != before)
        history = history.append(*rows)
        notes += [note for turn in turns for note in turn.notes]
        if keeper and (outcome is None or outcome.status is Status.STOPPED):
            keeper(Standing(iteration, MappingProxyType(values), history, tuple(notes), methods))
    return DescentResult(values, history, outcome, tuple(notes), methods)


def conclude(
    turns: tuple[Turn, ...],
    values: Mapping[str, Array],
    stop: StopRules,
    monitor: Monitor | None,
    *,
    learned: bool,
) -> tuple[tuple[HistoryRow, ...], Outcome | None]:
    """Tell the monitor of an iteration, and decide whether it was the last one.

    Parameters
    ----------
    turns : tuple of Turn
        The turns of the iteration, at least one.
    values : mapping of str to array
        All blocks after it.
    stop : StopRules
        When to stop.
    monitor : callable or None
        See ``descend``.
    learned : bool
        Whether a method changed.

    Returns
    -------
    tuple of HistoryRow, Outcome or None
        The rows, the last one with the monitor's numbers; and why the run stops, None if it goes on.
    """
    rows = tuple(row for turn in turns for row in turn.rows)
    iteration = turns[-1].iteration
    said = monitor(iteration, MappingProxyType(dict(values)), rows) if monitor else None
    report = said or Report()
    last = iteration == stop.max_iterations
    outcome = verdict(turns, stop, learned=learned, asked=report.stop, last=last)
    return (*rows[:-1], rows[-1].with_extra(report.extra)), outcome


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the minimisation of one function ended.

    Parameters
    ----------
    x : array
        Shape (size,), dtype of the start: the last finite point.
    value : float
        The objective there.
    history : History
        One row for each step, under the block name ``x``.
    outcome : Outcome
        Why the run stopped.
    notes : tuple of str
        One sentence for each step that was refused or cut short.
    """

    x: Array
    value: float
    history: History
    outcome: Outcome
    notes: tuple[str, ...]


def minimize(
    objective: Objective,
    x0: Array,
    method: Method,
    *,
    stop: StopRules = DEFAULT_STOP,
    monitor: Monitor | None = None,
) -> Minimum:
    """Minimise one function: the loop of ``descend`` with a single block, called ``x``.

    Parameters
    ----------
    objective : Objective
        What to minimise.
    x0 : array
        Start, shape (size,), float32 or float64, finite; never modified.
    method : Method
        ``Newton(...)`` or ``GaussNewton(...)``.
    stop : StopRules
        When to stop.
    monitor : callable or None
        See ``descend``.

    Returns
    -------
    Minimum
        The last finite point, the history and the outcome.

    Raises
    ------
    InputError
        If x0 is not a finite flat vector of float32 or float64.
    """
    run = descend(_OneBlock(objective), {"x": x0}, (BlockSteps("x", method),), stop=stop, monitor=monitor)
    return Minimum(run.blocks["x"], run.history.rows[-1].objective, run.history, run.outcome, run.notes)


@dataclass(frozen=True)
class _OneBlock:
    objective: Objective

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int) -> Objective:
        return self.objective


def _iterate(
    problem: BlockProblem,
    values: dict[str, Array],
    methods: tuple[BlockSteps, ...],
    iteration: int,
    gradient_tolerance: float,
) -> tuple[dict[str, Array], tuple[BlockSteps, ...], tuple[Turn, ...]]:
    """Give every block its turn; a turn that met NaN or infinity is the last."""
    turns, updated = list[Turn](), list(methods)
    for i, block in enumerate(methods):
        x, updated[i], turn = take_turn(problem, values, block, iteration, gradient_tolerance)
        values = {**values, block.name: x}
        turns.append(turn)
        if turn.outcome.status is Status.NON_FINITE:
            break
    return values, tuple(updated), tuple(turns)


def _require(
    blocks: Mapping[str, Array], schedule: Sequence[BlockSteps], first_iteration: int, last_iteration: int
) -> None:
    for name, x in blocks.items():
        require_real_vector(x, f"block {name!r}", finite=True)
    names = [block.name for block in schedule]
    unknown = [name for name in names if name not in blocks]
    if unknown or not names:
        raise InputError(f"the schedule steps the blocks {names}; expected one or more of {sorted(blocks)}.")
    if not 1 <= first_iteration <= last_iteration:
        raise InputError(
            f"first_iteration is {first_iteration}; expected 1 to max_iterations = {last_iteration}, which "
            "counts the iterations of an earlier run, too."
        )
