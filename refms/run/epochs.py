"""Training of a classifier by epochs: mini-batches of images drawn anew, and early stopping."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from refms.backend import backend_of
from refms.data.augmentation import augment
from refms.data.dataset import Dataset
from refms.errors import Array, InputError
from refms.linear.outcome import Outcome, Status
from refms.model import Model
from refms.objective.examples import Examples
from refms.objective.problem import JOINT, TrainingProblem
from refms.objective.risk import EmpiricalRisk, Work
from refms.objective.workers import ONE_WORKER, Workers
from refms.optimize.blocks import BlockSteps
from refms.optimize.history import History, HistoryRow
from refms.optimize.joint import JointProblem
from refms.optimize.loop import LoopState, Monitor, Observation, descend
from refms.optimize.stochastic import Stochastic
from refms.optimize.stopping import StopRules
from refms.run.config import Configuration
from refms.run.experiment import examples_of
from refms.run.training import Checkpoint, Training, problem_of

ExamplesOf = Callable[[int], Examples]
"""The training examples of an epoch, from 1."""


def examples_by_epoch(
    model: Model,
    part: Dataset,
    configuration: Configuration,
    then: Callable[[Dataset], Dataset] = lambda x: x,
) -> ExamplesOf:
    """Return the examples of each epoch: images as read, mirrored and shifted, then prepared.

    Parameters
    ----------
    model : Model
        On whose mesh and in whose precision.
    part : Dataset
        The training images, as read.
    configuration : Configuration
        [stochastic] says what happens to them, [data] whether they may be interpolated.
    then : callable
        Done to the images in between, such as a change of their size.

    Returns
    -------
    callable
        Epoch, from 1, to its examples; all the same ones where nothing happens to the images.

    Raises
    ------
    InputError
        When called, if images and model do not fit.

    Examples
    --------
    >>> from refms.data import load_digits
    >>> from refms.run import experiment_of
    >>> asked = Configuration.from_dict({"stochastic": {"flip": True}})
    >>> model = experiment_of(asked, load_digits()).model
    >>> examples = examples_by_epoch(model, load_digits(), asked)
    >>> examples(1).inputs.shape, bool((examples(1).inputs == examples(2).inputs).all())
    ((64, 1797), False)
    """
    section, interpolate = configuration.stochastic, configuration.data.interpolate
    if not section.augmentation.changes:
        same = examples_of(model, then(part), interpolate)
        return lambda epoch: same
    return lambda epoch: examples_of(
        model, then(augment(part, section.augmentation, section.draw_seed, epoch)), interpolate
    )


@np.errstate(over="ignore", invalid="ignore")
def train_by_epochs(
    start: Model | Checkpoint,
    examples: ExamplesOf,
    configuration: Configuration,
    monitor: Monitor | None = None,
    workers: Workers = ONE_WORKER,
    on_checkpoint: Callable[[Checkpoint], None] | None = None,
) -> Training:
    """Train all parameters of a model by epochs of Adam or of gradient descent with momentum.

    Parameters
    ----------
    start : Model or Checkpoint
        Where to start, or to go on.
    examples : callable
        Epoch, from 1, to its training examples, all as many; see :func:`examples_by_epoch`.
    configuration : Configuration
        [stochastic] says how, [optimization] how many epochs; and the regularisers.
    monitor : callable, optional
        Called after each epoch; where ``patience`` is asked for, its observation has ``validation_loss``.
    workers : Workers
        Threads that share the examples of a mini-batch.
    on_checkpoint : callable, optional
        Called with a checkpoint after each epoch after which the training could go on.

    Returns
    -------
    Training
        With ``patience`` the model of the smallest validation loss, else the last one. Its history has one
        row an epoch, with the mean objective of the mini-batches.

    Raises
    ------
    InputError
        If no method is named, the examples do not fit the model, or ``patience`` is asked for and nothing
        measures the validation loss.

    Examples
    --------
    >>> from refms.data import load_digits
    >>> from refms.run import experiment_of
    >>> asked = Configuration.from_dict({"stochastic": {"method": "adam"}, "optimization": {"iterations": 2}})
    >>> start = experiment_of(asked, load_digits()).model
    >>> done = train_by_epochs(start, examples_by_epoch(start, load_digits(), asked), asked)
    >>> [row.work_units for row in done.model.history]
    [5391.0, 10782.0]
    """
    begun = start if isinstance(start, Checkpoint) else Checkpoint(start)
    model, section = begun.model, configuration.stochastic
    if section.method == "none":
        raise InputError("[stochastic] method is 'none'; expected 'adam' or 'sgd' to train by epochs.")
    rows = model.history.rows
    spent = Work(rows[-1].work_units if rows else 0.0)
    sections = configuration.regularization, configuration.optimization
    problem = problem_of(model, examples(begun.iteration + 1), *sections)
    problem = replace(problem, workers=workers, work=spent)
    best = _best_of(begun, section.patience)

    def keep(state: LoopState) -> None:
        if on_checkpoint is not None:
            on_checkpoint(_checkpoint(begun, problem, state, best))

    total = configuration.optimization.iterations
    run = descend(
        _EpochProblem(problem, examples),
        {JOINT: problem.join(model.blocks)},
        (BlockSteps(JOINT, _method_of(begun, configuration)),),
        stop=StopRules(max_iterations=total),
        monitor=_patient(problem, monitor, best, section.patience),
        on_checkpoint=keep,
        first_iteration=begun.iteration + 1,
    )
    x = run.blocks[JOINT] if best.x is None else best.x
    trained = replace(model.with_blocks(problem.split(x)), history=History(rows + run.history.rows))
    return Training(trained, best.concluded(run.outcome), begun.notes + run.notes)


@dataclass(frozen=True, eq=False)
class _EpochProblem:
    """Problem (6) in all its unknowns, its examples those of the epoch."""

    problem: TrainingProblem
    examples: ExamplesOf

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int) -> EmpiricalRisk:
        """Return the objective of an epoch."""
        return JointProblem(replace(self.problem, examples=self.examples(iteration))).block(
            name, blocks, iteration
        )


@dataclass(eq=False)
class _Best:
    """The parameters of the smallest validation loss so far; None where nobody asks for them."""

    x: Array | None = None
    epoch: int = 0
    loss: float = math.inf
    waited_for: bool = False

    def concluded(self, outcome: Outcome) -> Outcome:
        """Return the outcome, which says whose epoch the model is; to lose patience is to converge."""
        if self.x is None:
            return outcome
        status = Status.CONVERGED if self.waited_for else outcome.status
        return Outcome(status, f"{outcome.message} The model is that of epoch {self.epoch}.")


def _patient(problem: TrainingProblem, monitor: Monitor | None, best: _Best, patience: int) -> Monitor:
    """Return the monitor with the blocks of the problem, which also keeps the best parameters."""

    def watch(
        iteration: int, blocks: Mapping[str, Array], rows: tuple[HistoryRow, ...]
    ) -> Observation | None:
        said = None if monitor is None else monitor(iteration, problem.split(blocks[JOINT]), rows)
        if not patience:
            return said
        if said is None or "validation_loss" not in said.extra:
            raise InputError("patience needs a monitor that measures validation_loss; expected patience = 0.")
        if said.extra["validation_loss"] < best.loss:
            best.x, best.epoch, best.loss = blocks[JOINT], iteration, said.extra["validation_loss"]
        if said.stop or iteration - best.epoch < patience:
            return said
        best.waited_for = True
        return Observation(said.extra, f"No smaller validation loss in {patience} epochs.")

    return watch


def _method_of(begun: Checkpoint, configuration: Configuration) -> Stochastic:
    """Return the method as it was at a checkpoint, or as it begins."""
    rule, total = configuration.stochastic.rule, configuration.optimization.iterations
    updates, home = int(begun.state.get("updates", 0)), begun.model.backend
    held = len(rule.start(np.zeros(0)))
    memory = tuple(home.from_host(array) for array in begun.memory[:held]) or None
    return Stochastic(rule, total, begun.iteration, updates, memory, measures=False)


def _best_of(begun: Checkpoint, patience: int) -> _Best:
    """Return the best parameters that a checkpoint remembers."""
    kept = begun.state.get("best")
    if not (patience and kept):
        return _Best()
    return _Best(begun.model.backend.from_host(begun.memory[-1]), int(kept["epoch"]), float(kept["loss"]))


def _checkpoint(begun: Checkpoint, problem: TrainingProblem, state: LoopState, best: _Best) -> Checkpoint:
    """Return where the training stands: parameters, what the rule remembers, the best parameters."""
    method = state.schedule[0].method
    assert isinstance(method, Stochastic)  # it began as one
    reached = begun.model.with_blocks(problem.split(state.blocks[JOINT]))
    reached = replace(reached, history=History(begun.model.history.rows + state.history.rows))
    memory = (*(method.memory or ()), *([] if best.x is None else [best.x]))
    position = {"updates": method.updates}
    told = position if best.x is None else {**position, "best": {"epoch": best.epoch, "loss": best.loss}}
    home = backend_of(*memory)
    return Checkpoint(
        reached, state.iteration, None, begun.notes + state.notes, told, tuple(map(home.to_host, memory))
    )
