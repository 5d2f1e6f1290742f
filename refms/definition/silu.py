"""SiLU, σ(x) = x s with the logistic s = 1/(1 + e^{−x}), and its first two derivatives."""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, as_double


def logistic(x: Array) -> Array:
    """Return s."""
    return 1 / (1 + np.exp(-as_double(x)))


def silu(x: Array) -> Array:
    """Return x s."""
    return as_double(x) * logistic(x)


def silu_slope(x: Array) -> Array:
    """Return σ′ = s (1 + x (1 − s)).

    >>> silu_slope(np.zeros(1)).tolist()
    [0.5]
    """
    s = logistic(x)
    return s * (1 + as_double(x) * (1 - s))


def silu_curvature(x: Array) -> Array:
    """Return σ″ = s (1 − s) (2 + x (1 − 2s))."""
    s = logistic(x)
    return s * (1 - s) * (2 + as_double(x) * (1 - 2 * s))
