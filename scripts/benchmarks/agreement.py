"""Whether the engines compute the same numbers, asked before anything is timed."""

import math
from typing import Any

import numpy as np

PASS = 30.0
"""Largest ρ of two results that agree."""


class DisagreementError(AssertionError):
    """An engine computes other numbers than the reference: its time would mean nothing."""


def rho(got: Any, expected: Any, dtype: str, terms: int) -> float:
    """Return ‖got − expected‖ / (eps(dtype) ‖expected‖ log₂ terms); expected is in double precision.

    Summing in pairs loses log₂ of the number of terms, m·n² for a stencil gradient.

    Examples
    --------
    >>> rho(np.ones(3), np.ones(3), "float32", 1024)
    0.0
    """
    difference = np.linalg.norm(np.asarray(got, dtype="float64") - expected)
    scale = np.finfo(dtype).eps * np.linalg.norm(expected) * max(1.0, math.log2(terms))
    return float(f"{difference / scale:.3g}")


def require(what: str, found: float, bound: float = PASS) -> float:
    """Return a distance that is within its bound; else raise, also for NaN, saying who computed ``what``."""
    if not found <= bound:
        raise DisagreementError(f"{what} deviates by {found:.3g}; at most {bound:.3g} was expected")
    return found
