"""How well a quadratic model predicts what a step does, over its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from refms.errors import Array
from refms.linear.direction import Direction
from refms.linear.vectors import add_scaled
from refms.optimize.objective import Objective

STEP_LENGTHS = (2.0**-6, 2.0**-4, 2.0**-3, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 3.0)
"""In units of the full step; at 2 the model of an exact direction predicts no change at all."""


@dataclass(frozen=True)
class ModelQuality:
    """The change of the objective along a direction, as predicted and as it is.

    Parameters
    ----------
    step_lengths : tuple of float
        α.
    predicted : tuple of float
        α gᵀp + ½ α² pᵀHp; negative where the model falls.
    actual : tuple of float
        f(x + αp) − f(x); NaN or infinite where f is.
    """

    step_lengths: tuple[float, ...]
    predicted: tuple[float, ...]
    actual: tuple[float, ...]

    @property
    def gain_ratios(self) -> tuple[float, ...]:
        """Actual over predicted change: 1 for a perfect model; NaN where the model predicts none."""
        pairs = zip(self.actual, self.predicted, strict=True)
        return tuple(actual / predicted if predicted else float("nan") for actual, predicted in pairs)


@np.errstate(over="ignore", invalid="ignore")
def model_quality(
    objective: Objective,
    x: Array,
    direction: Direction,
    value: float,
    step_lengths: Sequence[float] = STEP_LENGTHS,
) -> ModelQuality:
    """Compare the model of a direction with the objective.

    Examples
    --------
    >>> from refms.linear.direction import newton_direction
    >>> class Square:
    ...     def value(self, x): return float(x @ x)
    >>> p = newton_direction(np.array([2.0, 4.0]), lambda v: 2.0 * v)
    >>> model_quality(Square(), np.array([1.0, 2.0]), p, 5.0, (0.5, 1.0)).gain_ratios
    (1.0, 1.0)
    """
    lengths = tuple(float(length) for length in step_lengths)
    predicted = tuple(-direction.predicted_decrease(length) for length in lengths)
    actual = tuple(objective.value(add_scaled(x, length, direction.p)) - value for length in lengths)
    return ModelQuality(lengths, predicted, actual)
