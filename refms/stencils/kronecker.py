"""Kronecker products of one-dimensional matrices: how every separable operator here becomes d-dimensional."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import scipy.sparse

from refms.backend import Backend
from refms.errors import require_choice


def kronecker(*factors: Any) -> Any:
    """Return the Kronecker product of sparse matrices as an explicit host CSR matrix.

    Parameters
    ----------
    *factors : scipy.sparse array
        At least one matrix; the first acts on the slowest index (the channel, then axis 0, axis 1, …).

    Returns
    -------
    scipy.sparse.csr_array
        F_1 ⊗ F_2 ⊗ …, with sorted indices.

    Notes
    -----
    Vectors are in C order, so (F_1 ⊗ F_2) vec(U) = vec(F_1 U F_2ᵀ).

    Examples
    --------
    >>> kronecker(identity(2), scipy.sparse.csr_array([[1.0, 2.0]])).toarray().tolist()
    [[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0]]
    """
    product = reduce(lambda A, B: scipy.sparse.kron(A, B, format="csr"), factors)
    matrix = scipy.sparse.csr_array(product, copy=True)
    matrix.sum_duplicates()
    return matrix


def identity(n: int) -> Any:
    """Return the identity of n unknowns as a host CSR matrix of float64.

    Parameters
    ----------
    n : int
        Number of rows.

    Returns
    -------
    scipy.sparse.csr_array
        Shape (n, n).
    """
    return scipy.sparse.eye_array(n, format="csr")


def circulant_rows(rows: int, columns: int, stride: int, entries: tuple[tuple[int, float], ...]) -> Any:
    """Return the periodic host CSR matrix with value v in row i, column (stride·i + offset) mod columns.

    Parameters
    ----------
    rows, columns : int
        Shape of the matrix.
    stride : int
        How far a row's entries move from one row to the next.
    entries : tuple of (int, float)
        Offset and value of each entry of a row. Entries that meet after wrapping around add.

    Returns
    -------
    scipy.sparse.csr_array
        Shape (rows, columns), float64.

    Examples
    --------
    >>> circulant_rows(2, 2, 1, ((0, 1.0), (2, 0.5))).toarray().tolist()
    [[1.5, 0.0], [0.0, 1.5]]
    """
    offsets = np.array([offset for offset, _ in entries], dtype=np.int64)
    values = np.array([value for _, value in entries], dtype=np.float64)
    where = (stride * np.arange(rows)[:, None] + offsets) % columns
    rows_of = np.repeat(np.arange(rows), len(entries))
    entries_coo = scipy.sparse.coo_array(
        (np.tile(values, rows), (rows_of, where.ravel())), shape=(rows, columns)
    )
    return scipy.sparse.csr_array(entries_coo)


def delivered(matrix: Any, dtype: str, backend: Backend) -> Any:
    """Return a float64 host matrix as CSR of the wanted precision on the wanted backend.

    Parameters
    ----------
    matrix : scipy.sparse array
        Built in float64 on the host.
    dtype : str
        ``"float32"`` or ``"float64"``.
    backend : Backend
        Where the result shall live.

    Returns
    -------
    csr_array
        Of the backend's sparse module.

    Raises
    ------
    InputError
        If dtype is another one.
    """
    require_choice(str(dtype), ("float32", "float64"), "dtype")
    return backend.csr_from_host(matrix.astype(str(dtype)))
