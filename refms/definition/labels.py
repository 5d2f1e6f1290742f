"""Data as networks take them: bytes as numbers, classes as columns; and the share that is right."""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, Number, as_double


def from_bytes(B: Array, low: Number, high: Number) -> Array:
    """Return low + (high − low) B/255: 0 becomes low, 255 becomes high.

    >>> from_bytes(np.array([0, 51, 255], "uint8"), 0.0, 1.0).tolist()
    [0.0, 0.2, 1.0]
    """
    return low + (high - low) * as_double(B) / 255


def one_hot(labels: Array, classes: int) -> Array:
    """Return C (ℓ, m), 1 in row labels_j of column j.

    >>> one_hot(np.array([2, 0]), 3).T.tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return (np.arange(classes)[:, None] == labels) * 1.0


def accuracy(Z: Array, C: Array) -> float:
    """Return the share of columns of which the largest logit, the first of equal ones, is at the label.

    A column with NaN is not right.

    >>> accuracy(np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    1.0
    """
    right = (Z.argmax(axis=0) == C.argmax(axis=0)) & (Z == Z).all(axis=0)
    return float(right.mean())
