"""The softmax cross entropy: value, gradient and Hessian product, for any finite logits."""

from __future__ import annotations

from dataclasses import dataclass

from refms.backend import backend_of
from refms.errors import Array
from refms.objective.losses.loss import require_logits


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """Mean softmax cross entropy, the S and g of eqs. (5), (6).

    Notes
    -----
    Per example with logits z, labels c ≥ 0 (one-hot or soft) and p = softmax(z):

        E = (Σc) log Σ_i e^{z_i} − cᵀz,   ∇E = (Σc) p − c,   ∇²E v = (Σc) (p ∘ v − p (pᵀv)).

    E, ∇E and ∇²E do not change when a number is added to all logits of an example. They are evaluated
    from z − max z, formed as 2(z/2 − max z/2) bounded below by the smallest finite number, so that no finite
    logits overflow on the way; a loss above the largest finite number comes out as about that number.

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
            If shapes differ, are empty, or precisions are mixed.
        """
        xp = require_logits(Z, C).xp
        total = 1.0 / (Z.shape[1] if count is None else count)
        half = Z / 2
        largest = half.real.max(axis=0)
        floor = -float(xp.finfo(Z.dtype).max) / 2
        shifted = half - largest
        if Z.dtype.kind == "c":
            shifted = 2 * (xp.maximum(shifted.real, floor) + 1j * shifted.imag)
        else:
            shifted = 2 * xp.maximum(shifted, floor)
        exponentials = xp.exp(shifted)
        sums = exponentials.sum(axis=0)
        weights = C.sum(axis=0)
        log_probabilities = xp.where(C != 0, shifted - xp.log(sums), 0)
        value = -((C * total) * log_probabilities).sum()
        probabilities = exponentials / sums
        gradient = (weights * probabilities - C) * total
        host = complex(value) if Z.dtype.kind == "c" else float(value)
        return SoftmaxCrossEntropyEvaluation(host, gradient, probabilities, weights * total)


@dataclass(frozen=True, eq=False)
class SoftmaxCrossEntropyEvaluation:
    """The softmax cross entropy at fixed logits.

    Parameters
    ----------
    value : float or complex
        The loss.
    gradient : array
        Shape (ℓ, m).
    probabilities : array
        p, shape (ℓ, m); every column sums to one.
    weights : array
        Σc / count for each example, shape (m,).
    """

    value: float | complex
    gradient: Array
    probabilities: Array
    weights: Array

    @property
    def hessian_diagonal(self) -> Array:
        """∂²value/∂Z² for each logit by itself, (Σc/count) p (1 − p), shape (ℓ, m)."""
        return self.weights * (self.probabilities * (1 - self.probabilities))

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
        pV = self.probabilities * V
        return self.weights * (pV - self.probabilities * pV.sum(axis=0))


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
    return backend_of(Z).xp.zeros(Z.shape, dtype=Z.real.dtype)
