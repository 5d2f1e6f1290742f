"""Block-coordinate descent of [LAS] Sec. 4: Gauss–Newton for the propagation, Newton for the classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from refms.errors import Array
from refms.optimize.descent import DescentResult, descend
from refms.optimize.gauss_newton import Damping, GaussNewton
from refms.optimize.newton import Newton
from refms.optimize.schedule import BlockProblem, BlockSteps, Keeper, Monitor
from refms.optimize.step import StepOptions
from refms.optimize.stopping import DEFAULT_STOP, StopRules

PROPAGATION = "propagation"
CLASSIFIER = "classifier"


def propagation_then_classifier(
    propagation: StepOptions | None = None,
    classifier: StepOptions | None = None,
    *,
    damping: Damping | None = None,
    propagation_steps: int = 1,
    classifier_steps: int = 5,
) -> tuple[BlockSteps, BlockSteps]:
    """Return the schedule of [LAS] Sec. 4: one Gauss–Newton step, then five inexact Newton steps.

    Parameters
    ----------
    propagation : StepOptions or None
        Options of the Gauss–Newton steps on the block ``propagation``. None takes 20 conjugate-gradient
        iterations, tolerance 1e-2, and steps of max-norm 1 at most.
    classifier : StepOptions or None
        Options of the Newton steps on the block ``classifier``. None takes 10 conjugate-gradient iterations,
        tolerance 1e-2.
    damping : Damping or None
        Levenberg–Marquardt damping of the Gauss–Newton steps; None for none.
    propagation_steps, classifier_steps : int
        Steps in an iteration.

    Returns
    -------
    tuple of BlockSteps
        For ``block_coordinate_descent``.

    Notes
    -----
    The paper prints the numbers of steps, 1 and 5. The defaults of the options are those of the
    authors' package.

    Examples
    --------
    >>> [(block.name, block.steps) for block in propagation_then_classifier()]
    [('propagation', 1), ('classifier', 5)]
    """
    outer = propagation or StepOptions(cg_iterations=20, max_step=1.0)
    inner = classifier or StepOptions(cg_iterations=10)
    return (
        BlockSteps(PROPAGATION, GaussNewton(outer, damping), propagation_steps),
        BlockSteps(CLASSIFIER, Newton(inner), classifier_steps),
    )


def block_coordinate_descent(
    problem: BlockProblem,
    blocks: Mapping[str, Array],
    schedule: Sequence[BlockSteps] | None = None,
    *,
    stop: StopRules = DEFAULT_STOP,
    monitor: Monitor | None = None,
    keeper: Keeper | None = None,
    first_iteration: int = 1,
) -> DescentResult:
    """Minimise a function of several blocks by stepping one block at a time.

    Parameters
    ----------
    problem : BlockProblem
        Gives the objective in one block with the others frozen.
    blocks : mapping of str to array
        Start: finite flat vectors of float32 or float64; never modified.
    schedule : sequence of BlockSteps or None
        The blocks to step, in order; None takes ``propagation_then_classifier()``. Blocks that are not named
        stay as they are, bit for bit.
    stop : StopRules
        When to stop.
    monitor : callable or None
        Called after each iteration with its number, the blocks and the iteration's history rows; may return a
        ``Report`` with more numbers for the history and a reason to stop.
    keeper : callable or None
        Called after each iteration after which the run could go on, with where it stands.
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
    The loop is that of ``descend``, where the rules for stopping are listed.
    """
    chosen = propagation_then_classifier() if schedule is None else schedule
    return descend(
        problem, blocks, chosen, stop=stop, monitor=monitor, keeper=keeper, first_iteration=first_iteration
    )
