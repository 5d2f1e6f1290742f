"""Small linear systems by elimination, exact for fractions and enclosing for balls."""

from __future__ import annotations

from refms.certify.formulas.tensor import Tensor, filled


def inverse(A: Tensor) -> Tensor:
    """Return A⁻¹ by Gauss–Jordan elimination.

    Parameters
    ----------
    A : numpy.ndarray
        Shape (n, n), of fractions or balls (not of integers, which do not divide).

    Returns
    -------
    numpy.ndarray
        Shape (n, n).

    Raises
    ------
    ZeroDivisionError
        If no entry of a column can be told from zero.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from refms.certify.formulas.tensor import filled
    >>> A = filled((2, 2), lambda index: Fraction(1 + index[0] * index[1]))
    >>> [[int(entry) for entry in row] for row in inverse(A)]
    [[2, -1], [-1, 1]]
    """
    n = A.shape[0]
    rows = [[*A[i], *(int(i == j) for j in range(n))] for i in range(n)]
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i][k] != 0), None)
        if pivot is None:
            raise ZeroDivisionError(f"column {k} of the matrix depends on the ones before it.")
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [entry / rows[k][k] for entry in rows[k]]
        for i in range(n):
            factor = rows[i][k]
            nothing_to_do = i == k or factor == 0  # of balls, only the exact zero equals zero
            if not nothing_to_do:
                rows[i] = [left - factor * right for left, right in zip(rows[i], rows[k], strict=True)]
    return filled((n, n), lambda index: rows[index[0]][n + index[1]])
