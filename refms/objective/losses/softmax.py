"""The softmax cross entropy: value, gradient and Hessian product, for any finite logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array, require_array
from refms.objective.losses.loss import host_sum, log1p, require_direction, require_logits, share_of


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """Mean softmax cross entropy, the S and g of eqs. (5), (6).

    Notes
    -----
    Per example with logits z, labels c ≥ 0 (one-hot or soft, of any sum) and p = softmax(z):

        E = −Σ_i c_i log p_i,   ∇E = (Σc) p − c,   ∇²E v = (Σc) (p ∘ v − p (pᵀv)).

    These are evaluated without cancellation, so that a confident example keeps its digits: with the largest
    logit z_k, d = z − z_k and r = Σ_{j≠k} e^{d_j},

        E = (Σc) log(1 + r) − cᵀd,   (∇E)_i = p_i Σ_{j≠i} c_j − c_i Σ_{j≠i} p_j,   p = e^d / (1 + r),
        ∇²E v = (Σc) p ∘ (u − pᵀu)  with u = v − v_k.

    d is formed as 2(z/2 − z_k/2), bounded below by the smallest finite number, so that no finite logits
    overflow on the way; a loss above the largest finite number comes out as about that number. NaN gives NaN.
    Infinite logits give the limit of the formula: NaN where there is none, as for two that are +∞.

    Examples
    --------
    >>> import numpy as np
    >>> E = SoftmaxCrossEntropy().evaluate(np.zeros((2, 1)), np.array([[1.0], [0.0]]))
    >>> round(E.value, 6), E.gradient.ravel().tolist()
    (0.693147, [-0.5, 0.5])
    """

    def evaluate(self, Z: Array, C: Array, count: int | None = None) -> SoftmaxCrossEntropyEvaluation:
        """Return the loss, its gradient and its Hessian at the logits Z.

        Parameters
        ----------
        Z : array
            Logits, shape (ℓ, m); real or (for complex-step tests) complex.
        C : array
            Labels, shape (ℓ, m), real, same precision: one column per example.
        count : int, optional
            Divide by this number instead of m, so that batches of a larger set add up to its mean.

        Returns
        -------
        SoftmaxCrossEntropyEvaluation
            The loss at Z.

        Raises
        ------
        InputError
            If shapes differ, are empty, or precisions are mixed, a label is negative, infinite or NaN, or
            ``count`` is not positive.
        """
        xp = require_logits(Z, C, least=0.0).xp
        share = share_of(Z, count)
        largest = xp.arange(len(Z))[:, None] == Z.real.argmax(axis=0)
        d = _differences(xp, Z, largest)
        exponentials = xp.exp(d)
        rest = xp.where(largest, 0, exponentials).sum(axis=0)
        sums = 1 + rest
        probabilities = exponentials / sums
        complements = xp.where(largest, rest, sums - exponentials) / sums
        C = C * share
        weights = C.sum(axis=0)
        value = host_sum(weights * log1p(xp, rest), -C * xp.where(C != 0, d, 0))
        gradient = probabilities * _sum_of_others(xp, C, weights) - C * complements
        return SoftmaxCrossEntropyEvaluation(value, gradient, largest, probabilities, complements, weights)


def _differences(xp: Any, Z: Array, largest: Array) -> Array:
    """Return d = z − z_k with the largest logit of every column, 0 there, never below the least number."""
    half = Z.real / 2
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN on purpose
        below = half - xp.where(largest, half, 0).sum(axis=0)
    below = xp.where(largest & (half == half), 0, below)
    floor = -float(xp.finfo(Z.dtype).max) / 2
    below = 2 * xp.where(xp.isinf(below), below, xp.maximum(below, floor))
    if Z.dtype.kind != "c":
        return below
    return below + 1j * (Z.imag - xp.where(largest, Z.imag, 0).sum(axis=0))


def _sum_of_others(xp: Any, C: Array, sums: Array) -> Array:
    """Return Σ_{j≠i} c_j: added for the largest c_i, and Σc − c_i for the others, where nothing cancels."""
    largest = xp.arange(len(C))[:, None] == C.argmax(axis=0)
    return xp.where(largest, xp.where(largest, 0, C).sum(axis=0), sums - C)


@dataclass(frozen=True, eq=False)
class SoftmaxCrossEntropyEvaluation:
    """The softmax cross entropy at fixed logits.

    Parameters
    ----------
    value : float or complex
        The loss.
    gradient : array
        Shape (ℓ, m).
    largest : array
        Where the largest logit of every column is, shape (ℓ, m) of bool.
    probabilities, complements : array
        p and 1 − p, shape (ℓ, m); every column of p sums to one.
    weights : array
        Σc / count for each example, shape (m,).
    """

    value: float | complex
    gradient: Array
    largest: Array
    probabilities: Array
    complements: Array
    weights: Array

    __repr__ = short_repr

    @property
    def hessian_diagonal(self) -> Array:
        """∂²value/∂Z² for each logit by itself, (Σc/count) p (1 − p), shape (ℓ, m)."""
        return self.weights * (self.probabilities * self.complements)

    def hessian_product(self, V: Array) -> Array:
        """Return the loss's Hessian applied to V.

        Parameters
        ----------
        V : array
            Shape (ℓ, m).

        Returns
        -------
        array
            Shape (ℓ, m): (Σc/count) (p ∘ v − p (pᵀv)) for each column.
        """
        require_direction(V, self.gradient)
        U = V - backend_of(V).xp.where(self.largest, V, 0).sum(axis=0)
        return self.weights * (self.probabilities * (U - (self.probabilities * U).sum(axis=0)))


def softmax(Z: Array) -> Array:
    """Return the class probabilities of logits.

    Parameters
    ----------
    Z : array
        Logits, shape (ℓ, m).

    Returns
    -------
    array
        Shape (ℓ, m); every column is non-negative and sums to one.

    Examples
    --------
    >>> import numpy as np
    >>> softmax(np.array([[1000.0], [1000.0]])).ravel().tolist()
    [0.5, 0.5]
    """
    return SoftmaxCrossEntropy().evaluate(Z, zeros_labels(Z)).probabilities


def zeros_labels(Z: Array) -> Array:
    """Return labels that weigh nothing.

    Parameters
    ----------
    Z : array
        Logits, shape (ℓ, m), real or complex.

    Returns
    -------
    array
        Zeros, shape (ℓ, m), real, in the precision and on the backend of Z.

    Examples
    --------
    >>> import numpy as np
    >>> zeros_labels(np.ones((2, 1), dtype="complex64")).dtype
    dtype('float32')
    """
    require_array(Z, "Z")
    return backend_of(Z).xp.zeros(Z.shape, dtype=Z.real.dtype)
