"""Training of a model by block-coordinate descent: problem (6) set up, solved, put back into the model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from refms.backend import backend_of
from refms.config import OptimizationSection, RegularizationSection
from refms.errors import Array, InputError
from refms.model import Model
from refms.network.architectures.residual import Residual
from refms.network.checkpointing import checkpointed
from refms.objective.batches import LabelledColumns, batch_width
from refms.objective.optimal_control import OptimalControl
from refms.objective.preconditioners import ClassifierSmoothness
from refms.objective.regularizers import classifier_regularizer, time_regularizer
from refms.objective.shards import ALONE, Team
from refms.optimize.block_coordinate_descent import block_coordinate_descent, propagation_then_classifier
from refms.optimize.descent import DescentResult, descend
from refms.optimize.gauss_newton import Damping
from refms.optimize.history import History
from refms.optimize.outcome import Outcome, Status
from refms.optimize.schedule import BlockSteps, Monitor
from refms.optimize.step import StepOptions
from refms.optimize.stopping import StopRules


@dataclass(frozen=True)
class Training:
    """A finished training.

    Parameters
    ----------
    model : Model
        With the last finite parameters and the whole history.
    outcome : Outcome
        Why the training stopped.
    notes : tuple of str
        One sentence for each step that was refused or cut short.
    """

    model: Model
    outcome: Outcome
    notes: tuple[str, ...]


def require_memory(network: Residual, classes: int, dtype: str, memory: int) -> None:
    """Refuse a network that exceeds a memory budget, before anything is allocated.

    Parameters
    ----------
    network : Residual
        Configuration of the network.
    classes : int
        Number of classes.
    dtype : str
        ``"float64"`` or ``"float32"``.
    memory : int
        Budget in bytes.

    Raises
    ------
    InputError
        If the budget does not suffice; the message says what would.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> require_memory(Residual(Grid((4, 4)), channels=2), classes=10, dtype="float64", memory=10**5)
    """
    itemsize = np.dtype(dtype).itemsize
    numbers = sum(math.prod(shape) for shape in network.parameter_shapes.values())
    need = (numbers + network.channels * network.grid.cells * classes) * itemsize
    if need > memory:
        raise InputError(
            f"the parameters need {need} bytes but the memory budget is {memory}; raise the budget (option "
            "memory) or use fewer channels or layers."
        )
    batch_width(checkpointed(network.propagation).stored, itemsize, memory)


def problem_of(
    model: Model, examples: LabelledColumns, weights: RegularizationSection, options: OptimizationSection
) -> OptimalControl:
    """Return problem (6) for a model and examples.

    Parameters
    ----------
    model : Model
        Gives network, classifier and precision.
    examples : LabelledColumns
        Prepared images (rows of the model's grid) and one-hot labels, in the model's precision.
    weights : RegularizationSection
        Weights of the regularisers.
    options : OptimizationSection
        Hessian sample and memory budget.

    Returns
    -------
    OptimalControl
        The problem.
    """
    dtype, backend = str(model.W.dtype), backend_of(model.W)
    network = model.map
    steps = model.network.propagation
    return OptimalControl(
        network,
        model.classifier,
        examples,
        time_regularizer(
            steps,
            weights.theta_smoothness,
            weights.theta_tikhonov,
            leading=network.layout.size - steps.layout.size,
            dtype=dtype,
            backend=backend,
        ),
        classifier_regularizer(model.classifier, weights.W_smoothness, weights.W_tikhonov, dtype, backend),
        hessian_fraction=options.hessian_fraction,
        seed=options.hessian_seed,
        memory=options.memory,
        classifier_preconditioning=None
        if options.classifier_preconditioner == "none"
        else ClassifierSmoothness(model.classifier, weights.W_smoothness, weights.W_tikhonov),
    )


@np.errstate(over="ignore", invalid="ignore")
def train(
    model: Model,
    examples: LabelledColumns,
    weights: RegularizationSection | None = None,
    options: OptimizationSection | None = None,
    monitor: Monitor | None = None,
    team: Team = ALONE,
) -> Training:
    """Train a model by the block-coordinate descent of [LAS] Sec. 4, starting from its parameters.

    Each iteration makes one Gauss–Newton step with subsampled Hessian on the propagation and five inexact
    Newton steps on the classifier.

    Parameters
    ----------
    model : Model
        The start. If its W is zero, the classifier is first fitted to the initial features (rows of iteration
        0 in the history): a zero W sends no signal back to the propagation.
    examples : LabelledColumns
        Prepared images and one-hot labels.
    weights : RegularizationSection, optional
        Weights of the regularisers.
    options : OptimizationSection, optional
        Iterations, tolerances, Hessian sample, memory.
    monitor : callable, optional
        Called after each iteration, see :func:`~refms.optimize.descent.descend`.
    team : Team
        Threads and processes that share the examples; the trained model does not depend on their number.

    Returns
    -------
    Training
        The trained model and why the training stopped.

    Raises
    ------
    InputError
        If the examples do not fit the model, or one example needs more than the memory budget.

    Notes
    -----
    NumPy's warnings about overflow and invalid values are silenced, for the outcome says it.
    """
    options = options or OptimizationSection()
    problem = replace(problem_of(model, examples, weights or RegularizationSection(), options), team=team)
    propagation, classifier = propagation_then_classifier(
        StepOptions(options.cg_tolerance, options.propagation_cg_iterations, max_step=1.0),
        StepOptions(options.cg_tolerance, options.classifier_cg_iterations),
        damping=Damping(options.damping) if options.damping else None,
        classifier_steps=options.classifier_steps,
    )
    blocks = model.blocks
    rows, notes = model.history.rows, tuple[str, ...]()
    if not bool((model.W != 0).any()):
        first = _fit_classifier(problem, blocks, classifier)
        rows, notes = rows + first.history.rows, first.notes
        if first.outcome.status is Status.NON_FINITE:
            return Training(replace(model, history=History(rows)), first.outcome, notes)
        blocks = first.blocks
    result = block_coordinate_descent(
        problem,
        blocks,
        (propagation, classifier),
        stop=StopRules(max_iterations=options.iterations),
        monitor=monitor,
    )
    trained = replace(model.with_blocks(result.blocks), history=History(rows + result.history.rows))
    return Training(trained, result.outcome, notes + result.notes)


def _fit_classifier(
    problem: OptimalControl, blocks: dict[str, Array], classifier: BlockSteps
) -> DescentResult:
    """Step the classifier once before the first iteration, as iteration 0 in rows and sentences."""
    done = descend(problem, blocks, (classifier,), stop=StopRules(max_iterations=1))
    return replace(
        done,
        history=History(tuple(replace(row, iteration=0) for row in done.history)),
        outcome=replace(done.outcome, message=_before_the_first(done.outcome.message)),
        notes=tuple(_before_the_first(note) for note in done.notes),
    )


def _before_the_first(sentence: str) -> str:
    return sentence.replace("Iteration 1, ", "Iteration 0, ", 1)
