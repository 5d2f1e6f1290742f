"""The one loop of all descent methods: step block after block, record, and know when to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from refms.display import short_repr
from refms.errors import Array, InputError, require_whole
from refms.linear.outcome import Outcome, Status
from refms.linear.vectors import require_real_vector
from refms.optimize.blocks import BlockRecord, BlockSteps, step_block
from refms.optimize.history import History, HistoryRow
from refms.optimize.objective import BlockProblem, Objective
from refms.optimize.step import Method
from refms.optimize.stopping import DEFAULT_STOP, StopRules, verdict


@dataclass(frozen=True)
class Observation:
    """What a monitor has to say about an iteration.

    Parameters
    ----------
    extra : mapping of str to float
        Numbers for the iteration's last history row, such as ``validation_accuracy``.
    stop : str
        Why the run is to stop, as a sentence; empty to go on.
    """

    extra: Mapping[str, float] = field(default_factory=dict)
    stop: str = ""

    __repr__ = short_repr


Monitor = Callable[[int, Mapping[str, Array], tuple[HistoryRow, ...]], "Observation | None"]
"""Called after each iteration with its number, copies of all blocks and its history rows."""


@dataclass(frozen=True, eq=False)
class LoopState:
    """Where a run stands after an iteration: from here it goes on as if it had not been interrupted."""

    blocks: Mapping[str, Array]
    """All blocks, the last finite values; one that was never stepped is the very array that was passed in."""
    history: History
    """One row for each step of this run."""
    notes: tuple[str, ...]
    """One sentence for each step that was refused or cut short, naming iteration and block."""
    schedule: tuple[BlockSteps, ...]
    """With the methods as they are now."""
    iteration: int
    """The last one done, counted from 1."""


@dataclass(frozen=True, eq=False)
class DescentResult(LoopState):
    """Where a run ended."""

    outcome: Outcome
    """Why the run stopped."""

    __repr__ = short_repr


def descend(
    problem: BlockProblem,
    blocks: Mapping[str, Array],
    schedule: Sequence[BlockSteps],
    *,
    stop: StopRules = DEFAULT_STOP,
    monitor: Monitor | None = None,
    on_checkpoint: Callable[[LoopState], None] | None = None,
    first_iteration: int = 1,
) -> DescentResult:
    """Minimise a function of several blocks by stepping one block at a time.

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
        Called after each iteration with its number, the blocks and the iteration's history rows; may return a
        ``Observation`` with more numbers for the history and a reason to stop.
    on_checkpoint : callable or None
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
    A refused step leaves its block as it is and ends the block's part of the iteration; the run goes on with
    the next block. It stops when no block made progress and no method changed its damping, when every block
    fulfils the gradient tolerance, when no objective fell by more than ``stop.relative_decrease``, when the
    monitor says so, after ``stop.max_iterations``, and at once when an objective, a gradient or a first
    curvature product is NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.grid import Grid
    >>> from refms.objective import Block, Classifier, Examples, TrainingProblem, tikhonov_regularizer
    >>> from refms.optimize import Newton
    >>> block = Block(Classifier(Grid((1,)), 1, 2).map, tikhonov_regularizer(4, 0.1))
    >>> problem = TrainingProblem({"classifier": block}, Examples(np.array([[1.0, 3.0]]), np.eye(2)))
    >>> run = descend(problem, {"classifier": np.zeros(4)}, [BlockSteps("classifier", Newton())])
    >>> run.history.rows[-1].objective < 0.6  # it was log 2 at zero
    True
    """
    first_iteration = _require(blocks, schedule, first_iteration, stop.max_iterations)
    values, methods = dict(blocks), list(schedule)
    history, notes, iteration = History(), tuple[str, ...](), first_iteration
    while True:
        before, records = list(methods), list[BlockRecord]()
        for i, block in enumerate(before):
            x, methods[i], record = step_block(problem, values, block, iteration, stop.gradient_tolerance)
            values = {**values, block.name: x}
            records.append(record)
            if record.outcome.status is Status.NON_FINITE:
                break
        rows, outcome = conclude(tuple(records), values, stop, monitor, learned=methods != before)
        history = history.append(*rows)
        notes += tuple(note for record in records for note in record.notes)
        if on_checkpoint and (outcome is None or outcome.status is Status.STOPPED):
            on_checkpoint(LoopState(MappingProxyType(values), history, notes, tuple(methods), iteration))
        if outcome is not None:
            return DescentResult(values, history, notes, tuple(methods), iteration, outcome)
        iteration += 1


def conclude(
    records: tuple[BlockRecord, ...],
    values: Mapping[str, Array],
    stop: StopRules,
    monitor: Monitor | None,
    *,
    learned: bool,
) -> tuple[tuple[HistoryRow, ...], Outcome | None]:
    """Tell the monitor of an iteration; return its rows with the monitor's numbers, and why the run stops.

    ``learned`` says whether a method changed.
    """
    rows = tuple(row for record in records for row in record.rows)
    said = None
    if monitor:
        copies = {name: x.copy() for name, x in values.items()}
        said = monitor(records[-1].iteration, MappingProxyType(copies), rows)
    seen = said or Observation()
    outcome = verdict(records, stop, learned=learned, asked=seen.stop)
    return (*rows[:-1], rows[-1].with_extra(seen.extra)), outcome


def _require(
    blocks: Mapping[str, Array], schedule: Sequence[BlockSteps], first_iteration: int, last_iteration: int
) -> int:
    for name, x in blocks.items():
        require_real_vector(x, f"block {name!r}", finite=True)
    names = [block.name for block in schedule]
    if not names or not set(names) <= set(blocks):
        raise InputError(f"the schedule steps the blocks {names}; expected one or more of {sorted(blocks)}.")
    first_iteration = require_whole(first_iteration, "first_iteration")
    if not 1 <= first_iteration <= last_iteration:
        raise InputError(
            f"first_iteration is {first_iteration}; expected 1 to max_iterations = {last_iteration}, which "
            "counts the iterations of an earlier run, too."
        )
    return first_iteration


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the minimisation of one function ended.

    Parameters
    ----------
    x : array
        The last finite point, shape (size,), dtype of the start.
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

    __repr__ = short_repr


@dataclass(frozen=True)
class OneBlock:
    """A function as a problem of a single block."""

    objective: Objective

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int) -> Objective:
        """Return the function."""
        return self.objective


def minimize(
    objective: Objective,
    x0: Array,
    method: Method,
    *,
    stop: StopRules = DEFAULT_STOP,
    monitor: Monitor | None = None,
) -> Minimum:
    """Minimise one function: the loop of :func:`descend` with a single block, called ``x``.

    Parameters
    ----------
    objective : Objective
        What to minimise.
    x0 : array
        Start, shape (size,), float32 or float64, finite; never modified.
    method : Method
        Such as ``Newton(...)``, which has an example.
    stop, monitor
        See :func:`descend`.

    Returns
    -------
    Minimum
        The last finite point, the history and the outcome.

    Raises
    ------
    InputError
        If x0 is not a finite flat vector of float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.grid import Grid
    >>> from refms.objective import Classifier, EmpiricalRisk, Examples, tikhonov_regularizer
    >>> from refms.optimize import Newton
    >>> examples = Examples(np.array([[1.0, 3.0]]), np.eye(2))
    >>> f = EmpiricalRisk(Classifier(Grid((1,)), 1, 2).map, examples, tikhonov_regularizer(4, 1.0))
    >>> minimum = minimize(f, np.zeros(4), Newton(), stop=StopRules(gradient_tolerance=1e-8))
    >>> minimum.outcome.success, minimum.value < f.value(np.zeros(4))
    (True, True)
    """
    run = descend(OneBlock(objective), {"x": x0}, (BlockSteps("x", method),), stop=stop, monitor=monitor)
    return Minimum(run.blocks["x"], run.history.rows[-1].objective, run.history, run.outcome, run.notes)
