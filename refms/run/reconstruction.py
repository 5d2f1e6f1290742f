"""Training on images by stages: states of a plan as rows, checkpoints and a model in the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.errors import InputError, require_whole
from refms.linear.outcome import Outcome, Status
from refms.multiscale.estimation import Batches
from refms.multiscale.full_multiscale import TrainingPlan, TrainingState
from refms.multiscale.variance import bootstrap_variance, measure_variance
from refms.multiscale.work import UNITS
from refms.optimize.history import History, HistoryRow
from refms.run.image_experiment import ImageExperiment
from refms.run.training import Checkpoint, Training

BLOCK = "network"
"""What the rows of a history call all parameters together."""


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def reconstruct(
    experiment: ImageExperiment,
    start: Checkpoint | None = None,
    tell: Callable[[HistoryRow], None] = lambda row: None,
    on_checkpoint: Callable[[Checkpoint], None] = lambda checkpoint: None,
    stopping: Callable[[], bool] = lambda: False,
    stopped: str = "Stopped by the caller.",
) -> Training:
    """Train a network on images, by the stages of the experiment's plan.

    Parameters
    ----------
    experiment : ImageExperiment
        Start, problem, validation images.
    start : Checkpoint, optional
        Where to go on, with the same bits as if there had been no stop.
    tell : callable
        Called with each row of the history.
    on_checkpoint : callable
        Called with a checkpoint after each row but the last, and where the training is stopped.
    stopping : callable
        Asked after each iteration whether to stop.
    stopped : str
        What the outcome says then.

    Returns
    -------
    Training
        The model, on the mesh of the stage that was reached, and why the training stopped.

    Raises
    ------
    InputError
        If the checkpoint does not fit the plan.

    Examples
    --------
    >>> from refms.run.config.reconstruction import Reconstruction
    >>> from refms.run.image_experiment import image_experiment_of
    >>> tiny = Reconstruction.from_dict({
    ...     "data": {"dataset": "digits", "train": 20, "validation": 4, "validation_part": "train"},
    ...     "network": {"options": {"width": 4, "blocks": 1}},
    ...     "multiscale": {"levels": 2, "batch": 2, "iterations": [2, 1]},
    ... })
    >>> trained = reconstruct(image_experiment_of(tiny))
    >>> [(row.iteration, row.extra["level"]) for row in trained.model.history]
    [(2, 1.0), (3, 0.0)]
    """
    problem, begun = experiment.problem, start or Checkpoint(experiment.model)
    asked, rows = experiment.configuration.plan, begun.model.history.rows
    state = state_of(begun, asked)
    plan = asked.standing(state)
    work, clock = problem.work, time.perf_counter()
    work.units = state.units

    def checkpoint() -> Checkpoint:
        model = experiment.model_at(state.theta, plan.stages[state.stage].level)
        return Checkpoint(
            replace(model, history=History(rows)), state.updates, None, (), _position(state), state.memory
        )

    outcome = None
    for reached, value, rate in asked.run(problem, state):
        state, plan = reached, asked.standing(reached)
        stage, last = plan.stages[state.stage], state.updates == plan.total
        due = state.updates % experiment.configuration.optimization.every == 0
        row_is_due = due or state.iteration == stage.iterations
        if row_is_due:
            row, clock = _row(experiment, plan, state, value, rate, clock)
            rows += (row,)
            tell(row)
        wish = not last and stopping()
        if (row_is_due and not last) or wish:
            on_checkpoint(checkpoint())
        if wish:
            outcome = Outcome(Status.STOPPED, stopped)
            break
    if outcome is None:
        outcome = _outcome(plan, state)
    return Training(checkpoint().model, outcome, ())


def _outcome(plan: TrainingPlan, state: TrainingState) -> Outcome:
    if state.updates == plan.total:
        return Outcome(Status.ITERATION_LIMIT, f"All {plan.total} iterations of {len(plan.stages)} stage(s).")
    return Outcome(
        Status.NON_FINITE,
        f"Iteration {state.updates + 1} met NaN or infinity; the model is the last one without. Usually the "
        "learning rate is too large: lower [optimization] learning_rate.",
    )


def _row(
    experiment: ImageExperiment,
    plan: TrainingPlan,
    state: TrainingState,
    value: float,
    rate: float,
    clock: float,
) -> tuple[HistoryRow, float]:
    """Return the row of an iteration, and when it was finished; what is measured here is not its time."""
    seconds = time.perf_counter() - clock
    level = plan.stages[state.stage].level
    extra = {
        "stage": float(state.stage),
        "level": float(level),
        "learning_rate": rate,
        "paper_units": state.units / UNITS,
        "pilot_units": state.pilot_units,
        **experiment.score(state.theta, level).measured(),
        **_efficiency(experiment, plan, state, level),
    }
    row = HistoryRow(
        iteration=state.updates,
        block=BLOCK,
        status=str(Status.ACCEPTED),
        objective_before=float("nan"),
        objective=value,
        gradient_norm=float("nan"),
        cg_iterations=0,
        cg_residual=0.0,
        cg_status="",
        step_length=rate,
        evaluations=1,
        work_units=state.units,
        seconds=seconds,
        extra=extra,
    )
    return row, time.perf_counter()


def _efficiency(
    experiment: ImageExperiment, plan: TrainingPlan, state: TrainingState, level: int
) -> dict[str, float]:
    """Return η of the batches, V_l, ρ_l and β_l, where a measurement is due; its work is counted apart.

    ``eta_low`` and ``eta_high`` are the central 95 % of a bootstrap over the examples of the pilot.
    """
    every = experiment.configuration.optimization.measure
    if not every or state.updates % every:
        return {}
    apart = experiment.problem.apart()
    variance, products = measure_variance(
        apart,
        state.theta,
        experiment.configuration.multiscale.pilot,
        stage=level,
        iteration=state.iteration,
        layers=experiment.configuration.multiscale.coefficients == "layers",
    )
    batches = plan.batches(state)
    terms = variance.terms(len(batches.sizes), batches.coefficients)
    again = bootstrap_variance(variance, products, seed=state.updates)
    low, high = np.percentile([one.efficiency(batches) for one in again], (2.5, 97.5))
    found = {"eta": variance.efficiency(batches), "eta_low": low, "eta_high": high}
    found |= {"v": variance.single, "measured_units": apart.work.units}
    columns = {"V": terms, "rho": variance.correlations(), "beta": variance.whole.betas(variance.levels)}
    for name, numbers in columns.items():
        found |= {f"{name}{level + i}": number for i, number in enumerate(numbers)}
    return found


def _position(state: TrainingState) -> dict[str, Any]:
    """Return where a training stands, for JSON."""
    kept = ("stage", "iteration", "units", "pilot_units", "iterations", "losses")
    batches = None if state.batches is None else asdict(state.batches)
    return {**{name: getattr(state, name) for name in kept}, "batches": batches}


def state_of(start: Checkpoint, plan: TrainingPlan) -> TrainingState:
    """Return the state of a checkpoint, or of a model before any training; InputError where it is none."""
    model = start.model
    theta = model.architecture.arrays.pack(model.arrays)
    if not start.state:
        if start.iteration:
            raise InputError("the checkpoint is of another kind of training; leave out --resume.")
        return TrainingState(theta)
    try:
        return _read_state(theta, start, plan)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the checkpoint does not say where it stands ({error}); begin anew.") from error


def _read_state(theta: Any, start: Checkpoint, plan: TrainingPlan) -> TrainingState:
    stored: Mapping[str, Any] = start.state
    stage, iteration = (require_whole(stored[name], name) for name in ("stage", "iteration"))
    units, pilot = float(stored["units"]), float(stored["pilot_units"])
    counts = tuple(require_whole(count, "iterations", 1) for count in stored.get("iterations", ()))
    losses = tuple(map(float, stored.get("losses", ())))
    stages = plan.standing(TrainingState(theta, iterations=counts)).stages
    if stage >= len(stages) or iteration > stages[stage].iterations:
        raise InputError(f"stage {stage}, iteration {iteration} are not in the plan")
    updates = sum(before.iterations for before in stages[:stage]) + iteration
    if any(array.shape != theta.shape for array in start.memory):
        raise InputError("what the rule remembers has another shape than the parameters")
    given = stored["batches"]
    batches = None if given is None else _read_batches(given)
    memory = tuple(backend_of(theta).from_host(array) for array in start.memory)
    return TrainingState(theta, memory, stage, iteration, updates, units, batches, pilot, counts, losses)


def _read_batches(stored: Mapping[str, Any]) -> Batches:
    betas = [
        tuple(map(float, beta)) if isinstance(beta, list) else float(beta) for beta in stored["coefficients"]
    ]
    return Batches(tuple(map(int, stored["sizes"])), tuple(betas))


def summary_of(result: Training, experiment: ImageExperiment) -> dict[str, Any]:
    """Return the machine-readable result of a training on images."""
    model = result.model
    level = model.grid.levels_to(experiment.problem.grid)
    theta = model.architecture.arrays.pack(model.arrays)
    rows = model.history.rows
    return {
        "grid": list(model.grid.shape),
        "configuration": experiment.configuration.to_dict(),
        "validation": asdict(experiment.score(theta, level)),
        "outcome": result.outcome.to_dict(),
        "seconds": sum(row.seconds for row in rows),
        "work_units": rows[-1].work_units if rows else 0.0,
        "paper_units": rows[-1].work_units / UNITS if rows else 0.0,
        "history": [{"iteration": row.iteration, "objective": row.objective, **row.extra} for row in rows],
    }
