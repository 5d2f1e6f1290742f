"""Logistic regression, each class against the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from refms.errors import Array
from refms.objective.losses.loss import log1p
from refms.objective.losses.separable import SeparableEvaluation, sum_of_terms


@dataclass(frozen=True)
class LogisticRegression:
    """Mean over the examples of ℓ binary logistic losses, one class against the rest each, eq. (5).

    Notes
    -----
    [LAS] names logistic regression among the classifiers of eq. (5). Per example with labels c in [0, 1]
    (one-hot or soft) and p = 1 / (1 + e^{−z}) for each class by itself,

        E = Σ_i c_i log(1 + e^{−z_i}) + (1 − c_i) log(1 + e^{z_i}),
        ∇E = p − c,   ∇²E = diag(p (1 − p)).

    With e = e^{−|z|}, of which no logit makes too much, these are evaluated without cancellation as

        E = log(1 + e) + (1 − c) z  for z ≥ 0,   log(1 + e) − c z  for z < 0,
        p − c = (1 − c) − e/(1 + e)  or  e/(1 + e) − c,   p (1 − p) = e/(1 + e)².

    Examples
    --------
    >>> import numpy as np
    >>> E = LogisticRegression().evaluate(np.array([[0.0], [1000.0]]), np.array([[1.0], [1.0]]))
    >>> round(E.value, 6), E.gradient.ravel().tolist()
    (0.693147, [-0.5, 0.0])
    """

    def evaluate(self, Z: Array, C: Array, count: int | None = None) -> SeparableEvaluation:
        """Return the loss, its gradient and its Hessian at the logits Z.

        Parameters and errors are those of :func:`~refms.objective.losses.separable.sum_of_terms`.
        """
        return sum_of_terms(_terms, Z, C, count, least=0.0, most=1.0)


def _terms(xp: Any, Z: Array, C: Array) -> tuple[Array, Array, Array]:
    positive = Z.real >= 0
    e = xp.exp(xp.where(positive, -Z, Z))
    tail = e / (1 + e)
    factor = xp.where(positive, 1 - C, -C)
    value = log1p(xp, e) + factor * xp.where(factor != 0, Z, 0)
    return value, xp.where(positive, (1 - C) - tail, tail - C), tail / (1 + e)
