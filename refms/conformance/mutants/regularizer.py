"""Mistakes in the smoothness of W in space and of the parameters in time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import by, times
from refms.conformance.mutants.mutant import alter, of_family, substitute
from refms.errors import Array


def _periodic(right: Any, W: Array, grid: tuple[int, ...]) -> Array:
    """Return the gradient as if the last and the first cell were neighbours."""
    w = W.reshape(-1, *grid, W.shape[1])
    total = np.zeros_like(w)
    for axis, n in enumerate(grid, start=1):
        total += (2 * w - np.roll(w, 1, axis) - np.roll(w, -1, axis)) * float(n * n)
    found: Array = (total / math.prod(grid)).reshape(W.shape)
    return found


_CELLS = by(lambda W, grid: math.prod(grid))
_WIDTH = by(lambda W, grid: 1 / max(grid) ** 2)
_STEP = by(lambda Theta, T: (T / len(Theta)) ** 2)

REGULARIZER = of_family(
    "regularizer",
    alter("h^d missing in the smoothness of W", weight_smoothness=_CELLS, weight_smoothness_gradient=_CELLS),
    alter("gradient of ‖∇W‖² for half of it", weight_smoothness_gradient=times(2)),
    substitute("last and first cell neighbours in the smoothness of W", weight_smoothness_gradient=_periodic),
    alter(
        "norm in place of its square in the smoothness of W",
        weight_smoothness=lambda found, *w: max(found, 0.0) ** 0.5,
    ),
    alter("1/h² missing in the smoothness of W", weight_smoothness=_WIDTH, weight_smoothness_gradient=_WIDTH),
    alter("sign of the gradient of the smoothness of W", weight_smoothness_gradient=times(-1)),
    alter(
        "δt missing in the smoothness in time",
        time_smoothness=lambda found, Theta, T: found / (T / len(Theta) + 1e-3),
    ),
    alter("1/δt² missing in the smoothness in time", time_smoothness=_STEP, time_smoothness_gradient=_STEP),
    alter(
        "a multiple of the identity in the smoothness in time",
        time_smoothness=lambda found, Theta, T: found + 5e-3 * float((Theta**2).sum()),
        time_smoothness_gradient=lambda found, Theta, T: found + Theta / 100,
    ),
    alter("factor ½ missing in the smoothness in time", time_smoothness=times(2)),
    substitute(
        "mean of W counted in its smoothness",
        weight_smoothness=lambda right, W, grid: (
            right.weight_smoothness(W - W.mean(axis=0), grid) + float((W.mean(axis=0) ** 2).sum()) / 2
        ),
    ),
)
"""The family."""
