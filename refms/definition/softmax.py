"""The cross entropy, eqs. (5), (6): E = −1/m Σ_j Σ_i c_ij log p_ij with p_ij = e^{z_ij} / Σ_k e^{z_kj}.

Logits Z and labels C ≥ 0 have shape (ℓ, m). No digits cancel: with the largest logit z_kj of an example,
log p_ij = z_ij − z_kj − log(1 + Σ_{l≠k} e^{z_lj − z_kj}), and 1 − p_ij = Σ_{l≠i} p_lj.
"""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, Number, as_double


def examples(Z: Array, reduction: str = "mean") -> int:
    """Return the number m that the sum over the examples is divided by, or 1."""
    return Z.shape[1] if reduction == "mean" else 1


def below_largest(Z: Array) -> tuple[Array, Array, Array]:
    """Return d_ij = z_ij − z_kj with the largest logit z_kj, e^{d_ij}, and Σ_{l≠k} e^{d_lj}."""
    z = as_double(Z)
    k = z.real.argmax(axis=0)[None]
    largest = np.arange(len(z))[:, None] == k
    d = z - np.take_along_axis(z, k, axis=0)
    e = np.exp(d)
    return np.where(largest, 0, d), np.where(largest, 1, e), np.where(largest, 0, e).sum(axis=0)


def sum_of_others(A: Array) -> Array:
    """Return Σ_{l≠i} a_lj for every i."""
    return (1 - np.eye(len(A), dtype=int)) @ A


def softmax(Z: Array) -> Array:
    """Return p_ij."""
    _, e, rest = below_largest(Z)
    return e / (1 + rest)


def cross_entropy(Z: Array, C: Array, reduction: str = "mean") -> Number:
    """Return E, the mean or the sum over the examples."""
    c, (d, _, rest) = as_double(C), below_largest(Z)
    addends = c * np.log1p(rest) - c * np.where(c == 0, 0, d)
    return addends.sum() / examples(Z, reduction)


def cross_entropy_gradient(Z: Array, C: Array, reduction: str = "mean") -> Array:
    """Return ∂E/∂z_ij = ((Σ_l c_lj) p_ij − c_ij) / m = (p_ij Σ_{l≠i} c_lj − c_ij Σ_{l≠i} p_lj) / m."""
    p, c = softmax(Z), as_double(C)
    return (p * sum_of_others(c) - c * sum_of_others(p)) / examples(Z, reduction)


def cross_entropy_hessian(Z: Array, C: Array, V: Array, reduction: str = "mean") -> Array:
    """Return (∇²E V)_ij = (Σ_l c_lj) p_ij Σ_l p_lj (v_ij − v_lj) / m."""
    p, v = softmax(Z), as_double(V)
    return as_double(C).sum(axis=0) * p * (p * (v[:, None] - v)).sum(axis=1) / examples(Z, reduction)
