"""Sparse matrices in the format Matrix Market: what there is, the sizes, the entries, each a line.

SciPy reads it in C++, which does not survive every damaged file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from refms.errors import Array, FileError, presentable

_FIELDS = {"pattern": 0, "integer": 1, "real": 1, "complex": 2}
"""How many numbers stand behind the row and the column of an entry."""

_MIRRORED = {"symmetric": 1, "skew-symmetric": -1, "hermitian": 1}
"""By what an entry below the diagonal is multiplied above it."""

_LONGEST = 9
"""Digits of a size."""


def matrix_of_text(text: str) -> Any:
    r"""Return the csr_array that a text in Matrix Market's coordinate format holds, or raise FileError.

    >>> A = matrix_of_text("%%MatrixMarket matrix coordinate real general\n2 2 1\n2 1 0.5\n")
    >>> A.toarray().tolist()
    [[0.0, 0.0], [0.5, 0.0]]
    """
    head, *lines = text.splitlines()
    try:
        form, field, symmetry = head.lower().split()[2:]
        if form != "coordinate" or field not in _FIELDS or symmetry not in ("general", *_MIRRORED):
            raise ValueError(f"{form} {field} {symmetry} is not read; expected coordinate real general")
        sizes, *body = (line for line in lines if line.strip() and not line.startswith("%"))
        rows, columns, count = (int(size[: _LONGEST + 1]) for size in sizes.split())
        if len(body) != count or max(rows, columns) >= 10**_LONGEST:
            raise ValueError(f"{len(body)} lines are not the entries of a matrix of the size {sizes[:80]!r}")
        width = 2 + _FIELDS[field]
        numbers = np.loadtxt(body, ndmin=2, comments=None) if body else np.empty((0, width))
        if numbers.shape[1] != width:
            raise ValueError(f"an entry has {numbers.shape[1]} numbers; expected {width}")
        i, j = _places(numbers[:, 0], rows), _places(numbers[:, 1], columns)
        return _filled(_values(numbers[:, 2:]), i, j, (rows, columns), symmetry)
    except ValueError as error:
        what = presentable(str(error).rstrip("."), 200)
        raise FileError(
            f"is damaged or no sparse matrix in Matrix Market: {what}. Write it again."
        ) from error


def _places(numbers: Array, size: int) -> Array:
    """Return counts from 1 as counts from 0."""
    if not np.all((numbers >= 1) & (numbers <= size) & (numbers % 1 == 0)):
        raise ValueError(f"a row or column is none of 1 to {size}")
    return numbers.astype(np.int64) - 1


def _values(numbers: Array) -> Array:
    """Return the entries, which have no, one or two columns of numbers."""
    if not numbers.shape[1]:
        return np.ones(len(numbers))
    return numbers[:, 0] if numbers.shape[1] == 1 else numbers @ np.array([1, 1j])


def _filled(values: Array, i: Array, j: Array, shape: tuple[int, int], symmetry: str) -> Any:
    """Return the matrix with its other half where only one is stored."""
    A = scipy.sparse.csr_array((values, (i, j)), shape=shape)
    if symmetry == "general":
        return A
    if shape[0] != shape[1] or np.any(j > i):
        raise ValueError(f"a {symmetry} matrix is square and has entries on and below its diagonal")
    mirrored = scipy.sparse.tril(A, -1).T * _MIRRORED[symmetry]
    return scipy.sparse.csr_array(A + (mirrored.conj() if symmetry == "hermitian" else mirrored))
