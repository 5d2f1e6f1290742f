"""Arrays of numbers of any kind, and sums with rational weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

Number = Any
"""A float, a complex number, a fraction or a ball."""

Array = Any
"""A numpy.ndarray of numbers; dtype object for fractions and balls."""


def as_double(a: Array) -> Array:
    """Return numbers in double precision, real or complex; fractions and balls as they are."""
    return np.asarray(a).astype(np.result_type(np.asarray(a).dtype, np.float64))


def images(X: Array, grid: Sequence[int]) -> Array:
    """Return columns (c·n, m) as images (m, c, *grid)."""
    return X.T.reshape(X.shape[1], -1, *grid)


def columns(Y: Array) -> Array:
    """Return images (m, c, *grid) as columns (c·n, m): channel slowest, then the axes of the grid."""
    return Y.reshape(len(Y), -1).T


def inner(a: Array, b: Array) -> Number:
    """Return ⟨a, b⟩ = Σ a b."""
    if np.shape(a) != np.shape(b):
        raise ValueError(f"arrays of shapes {np.shape(a)} and {np.shape(b)} have no inner product.")
    return (a * b).sum()


def norm(a: Array) -> float:
    """Return ‖a‖₂ = 2ᵉ‖2⁻ᵉa‖₂ in double precision, with 2ᵉ the power of two of the largest entry.

    So no square of a finite number overflows or underflows, and nothing is rounded that was not before.
    """
    x = np.ravel(as_double(a))
    parts = np.concatenate([x.real, x.imag]) if np.iscomplexobj(x) else x
    largest = float(np.abs(parts).max(initial=0.0))
    if not 0.0 < largest < math.inf:
        return largest
    power = 2.0 ** (math.frexp(largest)[1] - 1)
    scaled = parts / power
    return power * math.sqrt(float((scaled * scaled).sum()))  # in pairs: millions of entries cost few eps


def combine(weights: Array, X: Array, axis: int = 0) -> Array:
    """Return Σ_k w_jk x_k along an axis, for rational w (doubles are): numerator, then denominator."""
    x = np.moveaxis(as_double(X), axis, 0)
    rows = []
    for row in weights:
        exact = [(k, Fraction(w)) for k, w in enumerate(row) if w]
        rows.append(sum((x[k] * w.numerator / w.denominator for k, w in exact), start=0 * x[0]))
    return np.moveaxis(np.stack(rows), 0, axis)
