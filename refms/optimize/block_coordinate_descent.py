"""The schedule of [LAS] Sec. 4: Gauss–Newton for the propagation, Newton for the classifier."""

from __future__ import annotations

from refms.optimize.blocks import BlockSteps
from refms.optimize.newton import Damping, Newton
from refms.optimize.options import StepOptions


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
        For :func:`~refms.optimize.loop.descend`.

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
        BlockSteps("propagation", Newton(outer, damping), propagation_steps),
        BlockSteps("classifier", Newton(inner), classifier_steps),
    )
