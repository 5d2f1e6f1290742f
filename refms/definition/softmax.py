"""The cross entropy, eqs. (5), (6): E = 1/m Σ_j [ (Σ_i c_ij) log Σ_i e^{z_ij} − Σ_i c_ij z_ij ].

Logits Z and labels C have shape (ℓ, m).
"""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, Number, as_double


def examples(Z: Array, reduction: str = "mean") -> int:
    """Return the number m that the sum over the examples is divided by, or 1."""
    return Z.shape[1] if reduction == "mean" else 1


def softmax(Z: Array) -> Array:
    """Return p_ij = e^{z_ij} / Σ_k e^{z_kj}, all z_j lowered by the largest, which changes nothing."""
    z = as_double(Z)
    e = np.exp(z - z.real.max(axis=0))
    return e / e.sum(axis=0)


def cross_entropy(Z: Array, C: Array, reduction: str = "mean") -> Number:
    """Return E, the mean or the sum over the examples."""
    z, c = as_double(Z), as_double(C)
    largest = z.real.max(axis=0)
    log_sum = np.log(np.exp(z - largest).sum(axis=0)) + largest
    return (c.sum(axis=0) * log_sum - (c * z).sum(axis=0)).sum() / examples(Z, reduction)


def cross_entropy_gradient(Z: Array, C: Array, reduction: str = "mean") -> Array:
    """Return ∂E/∂z_ij = ((Σ_k c_kj) p_ij − c_ij) / m."""
    c = as_double(C)
    return (c.sum(axis=0) * softmax(Z) - c) / examples(Z, reduction)


def cross_entropy_hessian(Z: Array, C: Array, V: Array, reduction: str = "mean") -> Array:
    """Return (∇²E V)_ij = (Σ_k c_kj) p_ij (v_ij − Σ_k p_kj v_kj) / m."""
    p = softmax(Z)
    return as_double(C).sum(axis=0) * p * (V - (p * V).sum(axis=0)) / examples(Z, reduction)
