"""Losses by the names that configurations and model files give them."""

from __future__ import annotations

from collections.abc import Callable

from refms.errors import require_choice
from refms.objective.losses.least_squares import LeastSquares
from refms.objective.losses.logistic import LogisticRegression
from refms.objective.losses.loss import Loss
from refms.objective.losses.smooth_hinge import SmoothHinge
from refms.objective.losses.softmax import SoftmaxCrossEntropy


def loss_named(name: str) -> Loss:
    """Return the loss of that name.

    Parameters
    ----------
    name : str
        ``"softmax"``, ``"least-squares"``, ``"logistic"`` or ``"smooth-hinge"``.

    Returns
    -------
    Loss
        The loss, with its defaults.

    Raises
    ------
    InputError
        If the name is unknown; the nearest match is offered.

    Examples
    --------
    >>> loss_named("least-squares")
    LeastSquares()
    """
    known: dict[str, Callable[[], Loss]] = {
        "softmax": SoftmaxCrossEntropy,
        "least-squares": LeastSquares,
        "logistic": LogisticRegression,
        "smooth-hinge": SmoothHinge,
    }
    return known[require_choice(name, known, "loss")]()
