"""Training of a model by block-coordinate descent: problem (6) set up, solved, put back into the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from refms.display import short_repr
from refms.errors import Array, InputError
from refms.linear.outcome import Outcome, Status
from refms.maps.architectures.architecture import Architecture, count_parameters, output_grid_of
from refms.maps.architectures.residual import Residual
from refms.maps.chain import frugal
from refms.model import Model
from refms.objective.batches import batch_width
from refms.objective.examples import Examples
from refms.objective.preconditioners import (
    ClassifierBlock,
    ClassifierDiagonal,
    ClassifierSmoothness,
    FineCoordinates,
    ProbedDiagonal,
    TimeSmoothness,
)
from refms.objective.problem import Block, TrainingProblem
from refms.objective.reading import Reading
from refms.objective.regularizers import (
    Quadratic,
    classifier_regularizer,
    join_quadratics,
    tikhonov_regularizer,
    time_regularizer,
)
from refms.objective.risk import Preconditioning, Work
from refms.objective.transfer_penalty import transfer_regularizer
from refms.objective.workers import ONE_WORKER, Workers
from refms.optimize.block_coordinate_descent import propagation_then_classifier
from refms.optimize.blocks import BlockSteps
from refms.optimize.history import History
from refms.optimize.loop import DescentResult, LoopState, Monitor, descend
from refms.optimize.newton import Damping
from refms.optimize.options import StepOptions
from refms.optimize.stopping import StopRules
from refms.run.config import OptimizationSection, RegularizationSection


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
    checkpoint : Checkpoint or None
        Where :func:`train` goes on if it ended with its iterations and more are asked for.
    """

    model: Model
    outcome: Outcome
    notes: tuple[str, ...]
    checkpoint: Checkpoint | None = None

    __repr__ = short_repr


@dataclass(frozen=True)
class Checkpoint:
    """A training between two iterations: from here it goes on bit for bit as if it had not been interrupted.

    Parameters
    ----------
    model : Model
        With the parameters as they are and the history so far.
    iteration : int
        The last one done; 0 at the start.
    damping : float or None
        λ of the next Gauss–Newton step; None where the options say it, or there is no damping.
    notes : tuple of str
        One sentence for each step that was refused or cut short so far.
    state : mapping
        What else a training by stages goes on from, JSON-able.
    memory : tuple of array
        What its rule remembers, such as Adam's m and v.
    """

    model: Model
    iteration: int = 0
    damping: float | None = None
    notes: tuple[str, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    memory: tuple[Array, ...] = ()

    __repr__ = short_repr


def require_memory(architecture: Architecture, reading: Reading, dtype: str, memory: int) -> None:
    """Refuse a network that exceeds a memory budget in bytes, before anything is allocated."""
    itemsize = np.dtype(dtype).itemsize
    shapes = reading.shapes(output_grid_of(architecture), architecture.channels)
    need = count_parameters(architecture) + sum(math.prod(shape) for shape in shapes.values())
    if need * itemsize > memory:
        raise InputError(
            f"the parameters need {need * itemsize} bytes but the memory budget is {memory}; raise the "
            "budget (option memory) or use fewer channels or layers."
        )
    batch_width(frugal(architecture.map).stored, itemsize, memory)


def problem_of(
    model: Model,
    examples: Examples,
    weights: RegularizationSection | None = None,
    options: OptimizationSection | None = None,
) -> TrainingProblem:
    """Return problem (6) of [LAS] for a model and examples.

    Parameters
    ----------
    model : Model
        Gives network, classifier, loss and precision.
    examples : Examples
        Prepared images (rows of the model's grid) and one-hot labels, in the model's precision.
    weights : RegularizationSection, optional
        Weights of the regularisers.
    options : OptimizationSection, optional
        Hessian sample, preconditioners and memory budget.

    Returns
    -------
    TrainingProblem
        Mean loss plus regularisers, its unknowns in the blocks that :attr:`Model.blocks` gives.

    Raises
    ------
    InputError
        If the examples do not fit the model.

    Examples
    --------
    >>> from refms import Grid, initial_model
    >>> from refms.objective import Classes
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2, layers=1), Classes(2))
    >>> problem = problem_of(model, Examples(np.ones((16, 2)), np.eye(2)))
    >>> f, x = problem.block("joint", model.blocks), problem.join(model.blocks)
    >>> round(f.value(x), 4), f.curvature(x).shape  # log 2, as W = 0; the Gauss–Newton matrix
    (0.6931, (104, 104))
    >>> replace(f, second_order=True).curvature(x).shape  # the full Hessian
    (104, 104)
    """
    weights, options = weights or RegularizationSection(), options or OptimizationSection()
    propagation = Block(
        model.map,
        _propagation_regularizer(model, weights),
        _propagation_preconditioning(model, weights, options),
    )
    blocks = {"propagation": propagation}
    if "classifier" in model.maps:
        head = model.classifier
        blocks["classifier"] = Block(
            head.map,
            classifier_regularizer(
                head, weights.W_smoothness, weights.W_tikhonov, model.dtype, model.backend
            ),
            _classifier_preconditioning(model, weights, options),
            subsampled=False,
        )
    return TrainingProblem(
        blocks,
        examples,
        loss=model.reading.loss_on(model.output_grid),
        hessian_fraction=options.hessian_fraction,
        seed=options.hessian_seed,
        memory=options.memory,
    )


def _options_of(model: Model, options: OptimizationSection | None) -> OptimizationSection:
    """Return options in the model's precision, by default the usual ones; refuse those of another."""
    options = options or OptimizationSection(dtype=model.dtype)
    if options.dtype != model.dtype:
        raise InputError(
            f"the options ask for {options.dtype}, the model is {model.dtype}; precision never changes "
            f"silently. Say dtype={model.dtype!r} in the options, or make the model in {options.dtype}."
        )
    return options


def _propagation_regularizer(model: Model, weights: RegularizationSection) -> Quadratic:
    """Return smoothness in time, the Tikhonov term, and the transfer penalty where it is asked for."""
    options: dict[str, Any] = {"dtype": model.dtype, "backend": model.backend}
    parts, end, size = list[Quadratic](), 0, model.map.layout.size
    for start, steps in model.map.times:
        leading = start - end  # parameters before the layers, such as a learned opening
        parts.append(
            time_regularizer(
                steps, weights.theta_smoothness, weights.theta_tikhonov, leading=leading, **options
            )
        )
        end = start + steps.layout.size
    if end < size or not parts:
        parts.append(tikhonov_regularizer(size - end, weights.theta_tikhonov, **options))
    in_time = join_quadratics(parts)
    if not weights.theta_transfer:
        return in_time
    levels = model.preprocessing.levels - (weights.transfer_to == "finer")  # from the images' mesh down to h
    if not isinstance(model.architecture, Residual):
        raise InputError("theta_transfer needs the residual net of [LAS]; expected theta_transfer = 0.")
    across = transfer_regularizer(
        model.architecture,
        weights.theta_transfer,
        weights.transfer_pair,
        weights.transfer_penalty,
        weights.transfer_to,
        model.preprocessing.smoothing / 2.0**levels,
        **options,
    )
    return Quadratic(in_time.Q + across.Q)


def _propagation_preconditioning(
    model: Model, weights: RegularizationSection, options: OptimizationSection
) -> Preconditioning | None:
    times, theta, choice = model.map.times, model.map.layout, options.propagation_preconditioner
    if choice == "diagonal":
        return ProbedDiagonal()
    start, steps = times[-1] if times else (0, None)
    # the others are of one propagation in time, the last map
    if choice == "none" or steps is None or len(times) > 1 or start + steps.layout.size < theta.size:
        return None
    if choice == "time":
        return TimeSmoothness(theta, steps, weights.theta_smoothness, weights.theta_tikhonov)
    orientation = getattr(model.architecture, "orientation", "correlation")
    return FineCoordinates(theta, steps, weights.transfer_pair, orientation)


def _classifier_preconditioning(
    model: Model, weights: RegularizationSection, options: OptimizationSection
) -> Preconditioning | None:
    choices = {
        "none": None,
        "smoothness": ClassifierSmoothness(model.classifier, weights.W_smoothness, weights.W_tikhonov),
        "diagonal": ClassifierDiagonal(model.classifier),
        "block": ClassifierBlock(model.classifier),
    }
    return choices[options.classifier_preconditioner]


@np.errstate(over="ignore", invalid="ignore")
def train(
    start: Model | Checkpoint,
    examples: Examples,
    weights: RegularizationSection | None = None,
    options: OptimizationSection | None = None,
    monitor: Monitor | None = None,
    workers: Workers = ONE_WORKER,
    on_checkpoint: Callable[[Checkpoint], None] | None = None,
) -> Training:
    """Train a model by the block-coordinate descent of [LAS] Sec. 4, starting from its parameters.

    Each iteration makes one Gauss–Newton step with subsampled Hessian on the propagation and five inexact
    Newton steps on the classifier; a model whose output is an image has the first block only.

    Parameters
    ----------
    start : Model or Checkpoint
        Where to start, or to go on. If the W of a model is zero, the classifier is first fitted to the
        initial features (rows of iteration 0 in the history): a zero W sends no signal back to the
        propagation.
    examples : Examples
        Prepared images and one-hot labels, or images.
    weights : RegularizationSection, optional
        Weights of the regularisers.
    options : OptimizationSection, optional
        Iterations, tolerances, Hessian sample, memory; in the model's precision.
    monitor : callable, optional
        Called after each iteration, see :func:`~refms.optimize.loop.descend`.
    workers : Workers
        Threads and processes that share the examples; the trained model does not depend on their number.
    on_checkpoint : callable, optional
        Called with a checkpoint after each iteration after which the training could go on.

    Returns
    -------
    Training
        The trained model and why the training stopped.

    Raises
    ------
    InputError
        If the examples do not fit the model, the options ask for another precision than the model's, or one
        example needs more than the memory budget.

    Notes
    -----
    NumPy's warnings about overflow and invalid values are silenced, for the outcome says it.

    Examples
    --------
    >>> from refms import Grid, initial_model
    >>> from refms.objective import Classes
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2, layers=1), Classes(2))
    >>> examples = Examples(np.random.default_rng(0).standard_normal((16, 6)), np.eye(2)[:, [0, 1] * 3])
    >>> options = OptimizationSection(iterations=2, dtype="float64")
    >>> rows = train(model, examples, options=options).model.history.rows
    >>> rows[-1].objective < rows[0].objective
    True
    """
    begun = start if isinstance(start, Checkpoint) else Checkpoint(start)
    model = begun.model
    options = _options_of(model, options)
    spent = Work(model.history.rows[-1].work_units if begun.iteration else 0.0)
    problem = problem_of(model, examples, weights, options)
    problem = replace(problem, workers=workers, work=spent)
    every = block_steps(options, _damping_of(options, begun))
    schedule = tuple(steps for steps in every if steps.name in problem.blocks)
    blocks: Mapping[str, Array] = model.blocks
    rows, notes = model.history.rows, begun.notes
    if begun.iteration == 0 and "W" in model.arrays and not bool((model.arrays["W"] != 0).any()):
        first = _fit_classifier(problem, blocks, every[1])
        rows, notes = rows + first.history.rows, notes + first.notes
        if first.outcome.status is Status.NON_FINITE:
            return Training(replace(model, history=History(rows)), first.outcome, notes)
        blocks = first.blocks

    def keep(state: LoopState) -> None:
        if on_checkpoint is not None:
            reached = model.with_blocks(state.blocks)
            reached = replace(reached, history=History(rows + state.history.rows))
            damping = _damping_after(state.schedule)
            on_checkpoint(Checkpoint(reached, state.iteration, damping, notes + state.notes))

    result = descend(
        problem,
        blocks,
        schedule,
        stop=StopRules(max_iterations=options.iterations),
        monitor=monitor,
        on_checkpoint=keep,
        first_iteration=begun.iteration + 1,
    )
    trained = replace(model.with_blocks(result.blocks), history=History(rows + result.history.rows))
    notes, more = notes + result.notes, result.outcome.status is Status.ITERATION_LIMIT
    end = Checkpoint(trained, result.iteration, _damping_after(result.schedule), notes) if more else None
    return Training(trained, result.outcome, notes, end)


@np.errstate(over="ignore", invalid="ignore")
def fit_classifier(
    model: Model,
    examples: Examples,
    weights: RegularizationSection | None = None,
    options: OptimizationSection | None = None,
    workers: Workers = ONE_WORKER,
) -> Training:
    """Train the classifier of a model alone, the propagation as it is, as after a transfer.

    Parameters
    ----------
    model : Model
        Where to start.
    examples : Examples
        Prepared images and one-hot labels.
    weights : RegularizationSection, optional
        Weights of the regularisers.
    options : OptimizationSection, optional
        Gives the Newton steps, ``classifier_steps``, and their conjugate gradients.
    workers : Workers
        Threads and processes that share the examples.

    Returns
    -------
    Training
        The model with new W and μ, its history only the rows of these steps; all as iteration 0.

    Raises
    ------
    InputError
        As for :func:`train`.

    Examples
    --------
    >>> from refms import Grid, initial_model
    >>> from refms.objective import Classes
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2, layers=1), Classes(2))
    >>> examples = Examples(np.random.default_rng(0).standard_normal((16, 6)), np.eye(2)[:, [0, 1] * 3])
    >>> fitted = fit_classifier(model, examples).model
    >>> {name for name, array in fitted.arrays.items() if (array != model.arrays[name]).any()} == {"W", "mu"}
    True
    """
    options = _options_of(model, options)
    problem = replace(problem_of(model, examples, weights, options), workers=workers)
    done = _fit_classifier(problem, model.blocks, block_steps(options, None)[1])
    fitted = replace(model.with_blocks(done.blocks), history=done.history)
    return Training(fitted, done.outcome, done.notes)


def block_steps(options: OptimizationSection, damping: Damping | None) -> tuple[BlockSteps, BlockSteps]:
    """Return how propagation and classifier are stepped; ``damping`` is that of the Gauss–Newton steps."""
    return propagation_then_classifier(
        StepOptions(options.cg_tolerance, options.propagation_cg_iterations, max_step=1.0),
        StepOptions(options.cg_tolerance, options.classifier_cg_iterations),
        damping=damping,
        classifier_steps=options.classifier_steps,
    )


def _damping_of(options: OptimizationSection, begun: Checkpoint) -> Damping | None:
    """Return the damping of the first Gauss–Newton step; a weight of 0 asks for none."""
    if not options.damping:
        return None
    return Damping(options.damping if begun.damping is None else begun.damping)


def _damping_after(schedule: tuple[BlockSteps, ...]) -> float | None:
    """Return λ of the next Gauss–Newton step."""
    damping = getattr(schedule[0].method, "damping", None)
    return None if damping is None else float(damping.value)


def _fit_classifier(
    problem: TrainingProblem, blocks: Mapping[str, Array], classifier: BlockSteps
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
