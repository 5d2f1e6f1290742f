"""The classifier, eq. (5): z = h^d Wᵀ y + μ with W (c·n, ℓ), rows channel slowest, and h^d = 1/n."""

from __future__ import annotations

import math

from refms.definition.arrays import Array, as_double, columns


def cells(Y: Array, volume_weighted: bool = True) -> int:
    """Return n = 1/h^d, or 1 where the classifier has no such factor."""
    return math.prod(Y.shape[2:]) if volume_weighted else 1


def logits(W: Array, mu: Array, Y: Array, volume_weighted: bool = True) -> Array:
    """Return h^d Wᵀ y + μ, shape (ℓ, m), for features Y (m, c, *grid)."""
    return W.T @ columns(as_double(Y)) / cells(Y, volume_weighted) + mu[:, None]


def cotangent(W: Array, Y: Array, G: Array, volume_weighted: bool = True) -> tuple[Array, Array, Array]:
    """Return the gradients of ⟨G, z⟩: h^d Σ_j y_j G_{lj} in W, Σ_j G_{lj} in μ, h^d Σ_l w_l G_{lj} in y_j."""
    n = cells(Y, volume_weighted)
    return columns(Y) @ G.T / n, G.sum(axis=1), ((W @ G).T / n).reshape(Y.shape)
