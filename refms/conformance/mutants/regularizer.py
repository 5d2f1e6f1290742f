"""Mistakes in the smoothness of W in space and of the parameters in time."""

from __future__ import annotations

import numpy as np

from refms.conformance.mutants.mutant import Asked, Table
from refms.errors import Array

_IDENTITY = "a multiple of the identity in the smoothness in time"


def _step(t: Asked) -> float:
    """Return δt."""
    return float(t.final_time / len(t.Theta))


def _periodic(t: Asked) -> Array:
    """Return the gradient as if the last and the first cell were neighbours."""
    w = t.W.reshape(-1, *t.grid, t.W.shape[1])
    total = np.zeros_like(w)
    for axis, n in enumerate(t.grid, start=1):
        total += (2 * w - np.roll(w, 1, axis) - np.roll(w, -1, axis)) * float(n * n)
    found: Array = (total / t.cells).reshape(t.W.shape)
    return found


def _count_mean(t: Asked) -> float:
    mean = t.W.mean(axis=0)
    return float(t(W=t.W - mean)) + float((mean**2).sum()) / 2


MISTAKES: Table = {
    "weight_smoothness weight_smoothness_gradient": {
        "h^d missing in the smoothness of W": lambda t: t.cells * t(),
        "1/h² missing in the smoothness of W": lambda t: t() / max(t.grid) ** 2,
    },
    "weight_smoothness_gradient": {
        "gradient of ‖∇W‖² for half of it": lambda t: 2 * t(),
        "last and first cell neighbours in the smoothness of W": _periodic,
        "sign of the gradient of the smoothness of W": lambda t: -t(),
    },
    "weight_smoothness": {
        "norm in place of its square in the smoothness of W": lambda t: max(t(), 0.0) ** 0.5,
        "mean of W counted in its smoothness": _count_mean,
    },
    "time_smoothness time_smoothness_gradient": {
        "1/δt² missing in the smoothness in time": lambda t: _step(t) ** 2 * t(),
    },
    "time_smoothness": {
        "δt missing in the smoothness in time": lambda t: t() / (_step(t) + 1e-3),
        "factor ½ missing in the smoothness in time": lambda t: 2 * t(),
        _IDENTITY: lambda t: t() + 5e-3 * float((t.Theta**2).sum()),
    },
    "time_smoothness_gradient": {_IDENTITY: lambda t: t() + t.Theta / 100},
}
