"""The other classifiers of eq. (5), one logit by itself: least squares, logistic regression, smoothed hinge.

E = 1/m Σ_j Σ_i e(z_ij, c_ij) with labels C, both (ℓ, m), or the sum over the examples without 1/m.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from refms.definition.arrays import Array, Number, as_double
from refms.definition.softmax import examples

Terms = tuple[Array, Array, Array]
"""e, ∂e/∂z and ∂²e/∂z², entry by entry."""


def least_squares(Z: Array, C: Array) -> Terms:
    """Return ½(z − c)², z − c and 1."""
    r = as_double(Z) - as_double(C)
    return r * r / 2, r, 0 * r + 1


def logistic(Z: Array, C: Array) -> Terms:
    """Return c log(1 + e^{−z}) + (1 − c) log(1 + e^z), p − c and p (1 − p), p = 1/(1 + e^{−z}).

    With q = e^{−|z|}/(1 + e^{−|z|}), which is p or 1 − p, no digits cancel.
    """
    z, c = as_double(Z), as_double(C)
    up = z.real >= 0
    e = np.exp(np.where(up, -z, z))
    q, wrong = e / (1 + e), np.where(up, 1 - c, -c)  # of p − c what is left without the tail
    value = np.log1p(e) + wrong * np.where(wrong == 0, 0, z)
    return value, wrong + np.where(up, -q, q), q / (1 + e)


def smooth_hinge(Z: Array, C: Array, width: Number) -> Terms:
    """Return c φ(z) + (1 − c) φ(−z) and its derivatives.

    With the lack v = 1 − u of a margin u: φ = 0 for v <= 0, v²/2ε for 0 <= v <= ε, v − ε/2 beyond;
    φ″ = 1/ε at both ends of the middle.
    """
    z, c = as_double(Z), as_double(C)
    (right, slope, bend), (wrong, fall, turn) = _hinge(z, width), _hinge(-z, width)
    return c * right + (1 - c) * wrong, c * slope - (1 - c) * fall, c * bend + (1 - c) * turn


def _hinge(u: Array, width: Number) -> Terms:
    v = 1 - u
    v = np.where(v <= 0, 0, v)
    middle = v <= width
    value = np.where(middle, v * v / (2 * width), v - width / 2)
    return value, -np.where(middle, v / width, 1), np.where(middle & (u <= 1), 1 / width, 0)


LOSSES: dict[str, Callable[..., Terms]] = {
    "least_squares": least_squares,
    "logistic": logistic,
    "smooth_hinge": smooth_hinge,
}
"""By name."""


def loss_value(terms: Terms, reduction: str = "mean") -> Number:
    """Return E."""
    return terms[0].sum() / examples(terms[0], reduction)


def loss_gradient(terms: Terms, reduction: str = "mean") -> Array:
    """Return ∂E/∂Z."""
    return terms[1] / examples(terms[0], reduction)


def loss_hessian_product(terms: Terms, V: Array, reduction: str = "mean") -> Array:
    """Return ∇²E V, a diagonal times V."""
    return terms[2] * as_double(V) / examples(terms[0], reduction)
