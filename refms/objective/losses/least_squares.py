"""Least squares: half the squared distance of the logits from the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from refms.errors import Array
from refms.objective.losses.separable import SeparableEvaluation, sum_of_terms


@dataclass(frozen=True)
class LeastSquares:
    """Mean of half the squared distances between logits and labels, the least squares of eq. (5).

    Notes
    -----
    [LAS] names least squares among the classifiers of eq. (5), with g the identity. Per example

        E = ½ ‖z − c‖²,   ∇E = z − c,   ∇²E = I.

    E is quadratic in z, so in (W, μ) too: one exact Newton step on the classifier solves its normal
    equations. Squares are formed in double precision; logits beyond 1e154 give an infinite value, with the
    right derivatives.

    Examples
    --------
    >>> import numpy as np
    >>> E = LeastSquares().evaluate(np.array([[3.0], [0.0]]), np.array([[1.0], [0.0]]))
    >>> E.value, E.gradient.ravel().tolist()
    (2.0, [2.0, 0.0])
    """

    def evaluate(self, Z: Array, C: Array, count: int | None = None) -> SeparableEvaluation:
        """Return the loss, its gradient and its Hessian at the logits Z.

        Parameters and errors are those of :func:`~refms.objective.losses.separable.sum_of_terms`.
        """
        return sum_of_terms(half_squares, Z, C, count)


def half_squares(xp: Any, Z: Array, C: Array) -> tuple[Array, Array, Array]:
    """Return ½ (z − c)² and its derivatives z − c and 1; the first in double precision."""
    residual = Z - C
    squares = xp.multiply(residual, residual, dtype="complex128" if Z.dtype.kind == "c" else "float64")
    return 0.5 * squares, residual, xp.ones_like(C)
