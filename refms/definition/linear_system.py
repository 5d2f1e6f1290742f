"""Small linear systems by elimination: exact for fractions, enclosing for balls."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from refms.definition.arrays import Array


def exact(A: Array) -> Array:
    """Return doubles as the fractions that they are."""
    return np.array([[Fraction(a) for a in row] for row in A.tolist()], dtype=object)


def inverse(A: Array) -> Array:
    """Return A⁻¹ of fractions or balls by Gauss–Jordan elimination.

    >>> inverse(exact(np.array([[1.0, 1.0], [1.0, 2.0]]))).astype(int).tolist()
    [[2, -1], [-1, 1]]
    """
    n = len(A)
    if A.shape != (n, n):
        raise ValueError(f"a matrix of shape {A.shape} has no inverse.")
    both = [[*A[i], *(int(i == j) for j in range(n))] for i in range(n)]
    for k in range(n):
        pivot = next((i for i in range(k, n) if both[i][k] != 0), None)
        if pivot is None:
            raise ZeroDivisionError(f"column {k} of the matrix depends on the ones before it.")
        both[k], both[pivot] = both[pivot], both[k]
        both[k] = [entry / both[k][k] for entry in both[k]]
        for i in range(n):
            factor = both[i][k]
            if i != k and factor != 0:  # of balls, only the exact zero equals zero
                both[i] = [left - factor * right for left, right in zip(both[i], both[k], strict=True)]
    return np.array([row[n:] for row in both], dtype=object)
