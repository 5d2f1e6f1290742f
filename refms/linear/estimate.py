"""Means over random probes, with their standard errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from refms.errors import Array
from refms.linear.vectors import power_of_two


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean over independent probes, and its standard error: their standard deviation over √(their number).

    NaN for one probe. For ± signs and a diagonal matrix the error is zero, and the value exact.
    """

    value: Array | float
    error: Array | float


def mean_of(samples: Array) -> Estimate:
    """Return the mean over the first axis, for float64 samples of shape (probes, …)."""
    value = samples.mean(axis=0)
    if len(samples) < 2:
        return Estimate(value, np.full_like(value, math.nan))
    unit = power_of_two(float(np.abs(samples).max(initial=0.0)))  # so that no square overflows
    return Estimate(value, unit * (samples / unit).std(axis=0, ddof=1) / math.sqrt(len(samples)))
