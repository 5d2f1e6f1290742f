"""Training of a model by block-coordinate descent: problem (6) set up, solved, put back into the model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from refms.backend import backend_of
from refms.config import OptimizationSection, RegularizationSection
from refms.errors import Array
from refms.model import Model
from refms.objective.batches import LabelledColumns
from refms.objective.optimal_control import OptimalControl
from refms.objective.regularizers import classifier_regularizer, time_regularizer
from refms.optimize.block_coordinate_descent import block_coordinate_descent, propagation_then_classifier
from refms.optimize.descent import DescentResult, descend
from refms.optimize.gauss_newton import Damping
from refms.optimize.history import History
from refms.optimize.outcome import Outcome
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
    )


def train(
    model: Model,
    examples: LabelledColumns,
    weights: RegularizationSection | None = None,
    options: OptimizationSection | None = None,
    monitor: Monitor | None = None,
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

    Returns
    -------
    Training
        The trained model and why the training stopped.
    """
    options = options or OptimizationSection()
    problem = problem_of(model, examples, weights or RegularizationSection(), options)
    propagation, classifier = propagation_then_classifier(
        StepOptions(options.cg_tolerance, options.propagation_cg_iterations, max_step=1.0),
        StepOptions(options.cg_tolerance, options.classifier_cg_iterations),
        damping=Damping(options.damping) if options.damping else None,
        classifier_steps=options.classifier_steps,
    )
    blocks = model.blocks
    history, notes = model.history, tuple[str, ...]()
    if not bool((model.W != 0).any()):
        first = _fit_classifier(problem, blocks, classifier)
        blocks, notes = first.blocks, first.notes
        history = history.append(*(replace(row, iteration=0) for row in first.history))
    result = block_coordinate_descent(
        problem,
        blocks,
        (propagation, classifier),
        stop=StopRules(max_iterations=options.iterations),
        monitor=monitor,
    )
    trained = replace(model.with_blocks(result.blocks), history=History(history.rows + result.history.rows))
    return Training(trained, result.outcome, notes + result.notes)


def _fit_classifier(
    problem: OptimalControl, blocks: dict[str, Array], classifier: BlockSteps
) -> DescentResult:
    return descend(problem, blocks, (classifier,), stop=StopRules(max_iterations=1))
