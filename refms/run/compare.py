"""A method run from an experiment's start, and measured after each iteration as every other method is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from refms.errors import Array
from refms.linear.outcome import Outcome
from refms.linear.vectors import norm
from refms.model import Model, Score
from refms.objective.problem import JOINT
from refms.optimize.history import History, HistoryRow
from refms.optimize.loop import Monitor, Observation
from refms.optimize.stopping import StopRules
from refms.run.experiment import Experiment
from refms.run.methods import runner_of
from refms.run.plan import Budget, Plan

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

CTRL_C = "Stopped by Ctrl-C."
"""Why a run ends before its time; the last iteration ends it anyhow."""

Tell = Callable[[Mapping[str, float]], None]
"""Takes the numbers of an iteration, as soon as they are there."""


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
        """Return the run for JSON, without parameters and history."""
        columns = {name: list(values) for name, values in self.columns.items()}
        columns["iteration"] = [int(value) for value in columns["iteration"]]
        return {
            "outcome": self.outcome.to_dict(),
            "notes": list(self.notes),
            "columns": columns,
            "train": asdict(self.train),
            "validation": asdict(self.validation),
        }


def require_runnable(experiment: Experiment, name: str, plan: Plan) -> None:
    """Refuse, before any work is done, a method that needs second derivatives which the network has not."""
    if name == "newton-cg" or getattr(plan.methods[name], "second_order", False):
        blocks, one = experiment.model.blocks, experiment.examples.take(np.array([0]))
        whole = replace(experiment.problem, examples=one, second_order=True).block(JOINT, blocks)
        x = experiment.problem.join(blocks)
        whole.curvature(x)(x)


@np.errstate(over="ignore", invalid="ignore")
def run_method(
    experiment: Experiment,
    name: str,
    plan: Plan,
    budget: Budget,
    tell: Tell | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Run:
    """Run a method from the experiment's start, and measure where it is after each iteration.

    ``tell`` takes the numbers of each iteration, the start included; ``stopping`` says whether to end after
    this one. What is measured costs neither work units nor time. A run ends after the first iteration that
    spends the budget.
    """
    optimization = experiment.configuration.optimization
    blocks = experiment.model.blocks
    columns: dict[str, list[float]] = {column: [] for column in COLUMNS}
    last = _affordable(experiment, name, budget)
    measure = _measuring(experiment, columns, budget, tell, lambda iteration: iteration < last and stopping())
    measure(0, blocks, ())
    runner = runner_of(name, plan.methods[name], optimization)
    stop = StopRules(last)
    found = runner(experiment.problem, blocks, stop, measure)
    model = experiment.model.with_blocks(found.blocks)
    scores = experiment.score(model, experiment.examples), experiment.score(model)
    return Run(model, found.outcome, found.notes, found.history, columns, *scores)


def _affordable(experiment: Experiment, name: str, budget: Budget) -> int:
    """Return the iterations that a run may have: the epochs of a stochastic method are known beforehand."""
    iterations = budget.iterations or experiment.configuration.optimization.iterations
    if not budget.work_units or name not in ("sgd", "adam"):
        return iterations
    left = max(budget.work_units - experiment.work_units, 0.0)
    return max(1, min(iterations, math.ceil(left / (3.0 * experiment.examples.count))))


def _measuring(
    experiment: Experiment,
    columns: dict[str, list[float]],
    budget: Budget,
    tell: Tell | None,
    stopping: Callable[[int], bool],
) -> Monitor:
    """Return the monitor that adds an iteration to the columns, and says whether to stop after it."""
    apart = experiment.problem  # with a counter of its own, which is not read

    def measure(
        iteration: int, blocks: Mapping[str, Array], rows: tuple[HistoryRow, ...]
    ) -> Observation | None:
        value, gradient = apart.block(JOINT, blocks).value_and_gradient(apart.join(blocks))
        found = experiment.score(experiment.model.with_blocks(blocks))
        before = columns["seconds"][-1] if rows else experiment.seconds
        spent = rows[-1].work_units if rows else experiment.work_units
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
        for name, column in columns.items():
            column.append(numbers[name])
        if tell is not None:
            tell(numbers)
        if not rows:
            return None
        is_spent = 0 < budget.work_units <= spent
        stop = f"The budget of {budget.work_units:.6g} work units is spent." if is_spent else ""
        return Observation(
            {"validation_accuracy": found.accuracy, "validation_loss": found.loss},
            CTRL_C if stopping(iteration) else stop,
        )

    return measure


def _last(rows: tuple[HistoryRow, ...], name: str) -> float:
    """Return an extra number of the last step that steps the propagation, NaN where there is none."""
    found = [row.extra[name] for row in rows if name in row.extra and row.block != "classifier"]
    return found[-1] if found else math.nan
