"""Losses that treat every logit by itself: one sum of terms, and a Hessian that is a diagonal."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from refms.display import short_repr
from refms.errors import Array
from refms.objective.losses.loss import host_sum, require_direction, require_logits, share_of

Terms = Callable[[Any, Array, Array], tuple[Array, Array, Array]]
"""(xp, Z, C) -> the terms of the loss and their first and second derivatives in Z, each of shape (ℓ, m)."""


def sum_of_terms(
    terms: Terms, Z: Array, C: Array, count: int | None, least: float = -math.inf, most: float = math.inf
) -> SeparableEvaluation:
    """Return the loss E = Σ_j Σ_i e(z_ij, c_ij) / count with its derivatives, for labels in a range."""
    backend = require_logits(Z, C, least, most)
    share = share_of(Z, count)
    value, slope, curvature = terms(backend.xp, Z, C)
    return SeparableEvaluation(host_sum(value) * share, slope * share, curvature * share)


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

    __repr__ = short_repr

    def hessian_product(self, V: Array) -> Array:
        """Return the loss's Hessian applied to V."""
        require_direction(V, self.gradient)
        return self.hessian_diagonal * V
