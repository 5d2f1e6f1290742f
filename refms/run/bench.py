"""One start, one data set and one objective, on which methods are run and measured alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from refms.errors import Array
from refms.linear.outcome import Outcome
from refms.linear.vectors import norm
from refms.model import Model, Score, score
from refms.objective.batches import LabelledColumns
from refms.objective.empirical_risk import Work
from refms.objective.optimal_control import OptimalControl
from refms.optimize.history import History, HistoryRow
from refms.optimize.joint import JOINT, joined
from refms.optimize.schedule import Report
from refms.optimize.stopping import StopRules
from refms.run.config import Configuration
from refms.run.plan import Plan
from refms.run.runners import runner_of
from refms.run.sections import Budget
from refms.run.training import fit_classifier, problem_of

COLUMNS = (
    "iteration",
    "work_units",
    "seconds",
    "objective",
    "gradient_norm",
    "validation_accuracy",
    "validation_loss",
    "gain_ratio",
    "predicted_decrease",
)
"""What is measured in each iteration."""


@dataclass(frozen=True, eq=False)
class Bench:
    """Where all runs of a comparison begin.

    Parameters
    ----------
    configuration : Configuration
        Regularisers, conjugate gradients, memory.
    model : Model
        The start: its classifier is fitted to its features, for a zero W sends no signal back.
    examples, validation : LabelledColumns
        Both sets, where the model lives.
    work_units, seconds : float
        What the fit cost; every run begins with it.
    """

    configuration: Configuration
    model: Model
    examples: LabelledColumns
    validation: LabelledColumns
    work_units: float = 0.0
    seconds: float = 0.0

    @property
    def problem(self) -> OptimalControl:
        """Problem (6), with a counter of its own that knows the fit."""
        posed = problem_of(
            self.model, self.examples, self.configuration.regularization, self.configuration.optimization
        )
        return replace(posed, work=Work(self.work_units))

    def score(self, model: Model, examples: LabelledColumns) -> Score:
        """Return accuracy and loss of a model on examples."""
        return score(model, examples.X, examples.C, self.configuration.optimization.memory)


@dataclass(frozen=True, eq=False)
class Run:
    """What a method did.

    Parameters
    ----------
    model : Model
        With the last finite parameters.
    outcome : Outcome
        Why the run ended.
    notes : tuple of str
        One sentence for each step that was refused or cut short.
    history : History
        One row for each step.
    columns : mapping of str to list of float
        The numbers of :data:`COLUMNS`, one for each iteration, the first ones those of the start. Objective
        and gradient norm are those of the whole problem in all parameters; seconds and work units count
        from the start of the fit and leave out what was measured here. NaN where nothing was measured.
    train, validation : Score
        Of the last parameters.
    """

    model: Model
    outcome: Outcome
    notes: tuple[str, ...]
    history: History
    columns: Mapping[str, list[float]]
    train: Score
    validation: Score

    def to_dict(self) -> dict[str, Any]:
        """Return the run for JSON, without parameters and history.

        Returns
        -------
        dict
            ``outcome``, ``notes``, ``columns``, ``train`` and ``validation``.
        """
        columns = {name: list(values) for name, values in self.columns.items()}
        columns["iteration"] = [int(value) for value in columns["iteration"]]
        return {
            "outcome": {"status": str(self.outcome.status), "message": self.outcome.message},
            "notes": list(self.notes),
            "columns": columns,
            "train": asdict(self.train),
            "validation": asdict(self.validation),
        }


def fitted(
    configuration: Configuration, model: Model, examples: LabelledColumns, validation: LabelledColumns
) -> Bench:
    """Return the bench whose start is a model with its classifier fitted.

    Parameters
    ----------
    configuration : Configuration
        What all runs share.
    model : Model
        The start; where its W is not zero, it is taken as it is.
    examples, validation : LabelledColumns
        Both sets.

    Returns
    -------
    Bench
        Ready.
    """
    if bool((model.W != 0).any()):
        return Bench(configuration, model, examples, validation)
    done = fit_classifier(model, examples, configuration.regularization, configuration.optimization)
    rows = done.model.history.rows
    start = replace(done.model, history=History())
    return Bench(
        configuration, start, examples, validation, rows[-1].work_units, sum(row.seconds for row in rows)
    )


def require_runnable(bench: Bench, name: str, plan: Plan) -> None:
    """Refuse, before any work is done, a method that the problem has not all derivatives for.

    Parameters
    ----------
    bench : Bench
        Gives the problem.
    name : str
        The method.
    plan : Plan
        Its options.

    Raises
    ------
    InputError
        If it needs the full Hessian, and the network has no second derivatives.
    """
    if name == "newton-cg" or getattr(plan.methods[name], "second_order", False):
        one = bench.examples.take(np.array([0]))
        blocks = bench.model.blocks
        whole = replace(bench.problem, examples=one, second_order=True).block(JOINT, blocks)
        whole.curvature(joined(blocks))(joined(blocks))


@np.errstate(over="ignore", invalid="ignore")
def measured_run(
    bench: Bench,
    name: str,
    plan: Plan,
    budget: Budget,
    tell: Callable[[Mapping[str, float]], None] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Run:
    """Run a method from the bench's start, and measure where it is after each iteration.

    Parameters
    ----------
    bench : Bench
        Start, data and objective.
    name : str
        The method.
    plan : Plan
        Its options.
    budget : Budget
        When it ends.
    tell : callable, optional
        Called with the numbers of each iteration, the start included.
    stopping : callable
        Whether the run shall stop after this iteration.

    Returns
    -------
    Run
        Curves, last parameters, and why it ended.

    Notes
    -----
    Objective, gradient norm and validation set are evaluated apart after each iteration: their work is not
    counted, nor their time. A run ends after the first iteration that spends the budget.
    """
    optimization = bench.configuration.optimization
    iterations = budget.iterations or optimization.iterations
    record = _Record(bench, bench.problem, budget, tell, stopping)
    blocks = bench.model.blocks
    record.measure(0, blocks, ())
    runner = runner_of(name, plan.methods[name], optimization)
    stop = StopRules(_affordable(bench, name, iterations, budget))
    found = runner(bench.problem, blocks, stop, record.measure)
    model = bench.model.with_blocks(found.blocks)
    return Run(
        model,
        found.outcome,
        found.notes,
        found.history,
        record.columns,
        bench.score(model, bench.examples),
        bench.score(model, bench.validation),
    )


def _affordable(bench: Bench, name: str, iterations: int, budget: Budget) -> int:
    """Return the iterations that a run may have: the epochs of a stochastic method are known beforehand."""
    if not budget.work_units or name not in ("sgd", "adam"):
        return iterations
    left = max(budget.work_units - bench.work_units, 0.0)
    return max(1, min(iterations, math.ceil(left / (3.0 * bench.examples.count))))


@dataclass(eq=False)
class _Record:
    """The curves of a run as it goes on; ``apart`` is a problem of its own, whose counter nobody reads."""

    bench: Bench
    apart: OptimalControl
    budget: Budget
    tell: Callable[[Mapping[str, float]], None] | None
    stopping: Callable[[], bool]
    columns: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def measure(
        self, iteration: int, blocks: Mapping[str, Array], rows: tuple[HistoryRow, ...]
    ) -> Report | None:
        """Add an iteration, and say whether the budget is spent."""
        bench = self.bench
        value, gradient = self.apart.block(JOINT, blocks).value_and_gradient(joined(blocks))
        found = bench.score(bench.model.with_blocks(blocks), bench.validation)
        before = self.columns["seconds"][-1] if rows else bench.seconds
        spent = rows[-1].work_units if rows else bench.work_units
        numbers = {
            "iteration": float(iteration),
            "work_units": spent,
            "seconds": before + sum(row.seconds for row in rows),
            "objective": float(value),
            "gradient_norm": norm(gradient),
            "validation_accuracy": found.accuracy,
            "validation_loss": found.loss,
            **{name: _last(rows, name) for name in ("gain_ratio", "predicted_decrease")},
        }
        for name, column in self.columns.items():
            column.append(numbers[name])
        if self.tell is not None:
            self.tell(numbers)
        if not rows:
            return None
        stop = _SPENT.format(self.budget.work_units) if 0 < self.budget.work_units <= spent else ""
        return Report(
            {"validation_accuracy": found.accuracy, "validation_loss": found.loss},
            "Stopped by Ctrl-C." if self.stopping() else stop,
        )


def _last(rows: tuple[HistoryRow, ...], name: str) -> float:
    """Return an extra number of the last step that steps the propagation, NaN where there is none."""
    found = [row.extra[name] for row in rows if name in row.extra and row.block != "classifier"]
    return found[-1] if found else math.nan


_SPENT = "The budget of {:.6g} work units is spent."
