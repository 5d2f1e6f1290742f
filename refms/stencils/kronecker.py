"""Kronecker products of one-dimensional matrices: how every separable operator here becomes d-dimensional."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
import scipy.sparse

from refms.backend import Backend
from refms.errors import require_choice


def kronecker(*factors: Any) -> Any:
    """Return F_1 ⊗ F_2 ⊗ … of sparse matrices as a canonical host csr_array.

    The first acts on the slowest index (the channel, then axis 0, axis 1, …): vectors are in C order, so
    (F_1 ⊗ F_2) vec(U) = vec(F_1 U F_2ᵀ).

    >>> kronecker(identity(2), scipy.sparse.csr_array([[1.0, 2.0]])).toarray().tolist()
    [[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0]]
    """
    product = reduce(partial(scipy.sparse.kron, format="csr"), factors)
    matrix = scipy.sparse.csr_array(product, copy=True)
    matrix.sum_duplicates()
    return matrix


def along_axis(extents: Sequence[int], axis: int, F: Any) -> Any:
    """Return I ⊗ … ⊗ F ⊗ … ⊗ I: F along one axis of a field of these extents."""
    return kronecker(*[F if j == axis else identity(n) for j, n in enumerate(extents)])


def identity(n: int) -> Any:
    """Return the identity of n unknowns, float64 on the host."""
    return scipy.sparse.eye_array(n, format="csr")


def circulant_rows(rows: int, columns: int, stride: int, entries: Sequence[tuple[int, float]]) -> Any:
    """Return the periodic host csr_array with value v in row i, column (stride·i + offset) mod columns.

    ``entries`` are the pairs (offset, v) of a row; what meets after wrapping around adds.

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


def deliver(matrix: Any, dtype: str, backend: Backend) -> Any:
    """Return a float64 host matrix as csr_array, ``"float32"`` or ``"float64"``, on a backend."""
    require_choice(str(dtype), ("float32", "float64"), "dtype")
    return backend.csr_from_host(matrix.astype(str(dtype)))
