"""Norms, and bounds made of them, against which rounding errors count."""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, Number, as_double, inner


def max_norm(a: Array) -> Number:
    """Return ‖a‖_∞, the largest |a_i|."""
    return np.abs(as_double(a)).max()


def euclidean(a: Array) -> Number:
    """Return ‖a‖₂ = √Σ a²."""
    return np.sqrt(inner(a, a))


def row_sum_norm(S: Array) -> Number:
    """Return max_o Σ_c Σ_κ |S_{oc,κ}| = ‖K(S)‖_∞; of a matrix, ‖A‖_∞. Recipes of goldens write ‖S‖₁."""
    return np.abs(as_double(S)).reshape(len(S), -1).sum(axis=1).max()


def growth(stencils: Array, T: Number) -> Number:
    """Return ∏_k (1 + δt‖s_k‖₁), the bound on how much N layers amplify."""
    product = 1
    for s in stencils:
        product = product * (1 + T / len(stencils) * row_sum_norm(s))
    return product
