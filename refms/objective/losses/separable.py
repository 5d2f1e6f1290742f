"""Losses that treat every logit by itself: one sum of terms, and a Hessian that is a diagonal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from refms.errors import Array
from refms.objective.losses.loss import require_logits

Terms = Callable[[Any, Array, Array], tuple[Array, Array, Array]]
"""(xp, Z, C) -> the terms of the loss and their first and second derivatives in Z, each of shape (ℓ, m)."""


def sum_of_terms(terms: Terms, Z: Array, C: Array, count: int | None = None) -> SeparableEvaluation:
    """Return the loss E = Σ_j Σ_i e(z_ij, c_ij) / count with its derivatives."""
    backend = require_logits(Z, C)
    total = 1.0 / (Z.shape[1] if count is None else count)
    value, slope, curvature = terms(backend.xp, Z, C)
    if Z.dtype.kind == "c":
        return SeparableEvaluation(
            complex(value.sum(dtype="complex128")) * total, slope * total, curvature * total
        )
    return SeparableEvaluation(float(value.sum(dtype="float64")) * total, slope * total, curvature * total)


@dataclass(frozen=True, eq=False)
class SeparableEvaluation:
    """A loss that is a sum over the logits, at fixed logits.

    Parameters
    ----------
    value : float or complex
        The loss.
    gradient : array
        Shape (ℓ, m).
    hessian_diagonal : array
        Shape (ℓ, m), not negative; the Hessian has nothing beside its diagonal.
    """

    value: float | complex
    gradient: Array
    hessian_diagonal: Array

    def hessian_product(self, V: Array) -> Array:
        """Return the loss's Hessian applied to V."""
        return self.hessian_diagonal * V
