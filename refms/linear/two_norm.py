"""The largest singular value of a sparse matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse.linalg import svds

DENSE = 400
"""Matrices with up to so many rows or columns are made dense."""


def two_norm(A: Any) -> float:
    """Return ‖A‖₂ = σ_max(A): dense for small matrices, else by ARPACK on AᵀA or AAᵀ, to 1e-8 of itself.

    >>> import scipy.sparse
    >>> two_norm(scipy.sparse.csr_array([[3.0, 0.0], [4.0, 0.0]]))
    5.0
    """
    rows, columns = A.shape
    A = A.astype("float64" if A.dtype.kind == "f" else "complex128")
    if not A.count_nonzero():
        return 0.0
    if min(rows, columns) <= DENSE:
        gram = (A @ A.T.conj() if rows <= columns else A.T.conj() @ A).toarray()
        return float(np.sqrt(np.linalg.eigvalsh(gram)[-1]))
    start = np.random.default_rng(0).standard_normal(min(rows, columns))
    return float(svds(A, k=1, tol=1e-8, v0=start, return_singular_vectors=False)[0])
