"""Sums over many rows whose round-off does not grow with their number, and numbers that all rows share."""

from __future__ import annotations

import math

from refms.backend import backend_of
from refms.errors import Array

_FOLD = 32
"""Rows that are added one after the other; NumPy would add all, for only along memory it adds in pairs."""


def sum_rows(Y: Array) -> Array:
    """Return Σ_i Y_{…,i,j}, shape (…, 1, m), as sums of 32 rows, sums of 32 of these, and so on.

    The error is at most 32 log₃₂(N) ε Σ|Y|, in place of N ε Σ|Y|.

    >>> import numpy as np
    >>> sum_rows(np.ones((2, 100, 1))).ravel().tolist()
    [100.0, 100.0]
    """
    while (rows := Y.shape[-2]) > _FOLD:
        whole = rows // _FOLD * _FOLD
        blocks = Y[..., :whole, :].reshape(*Y.shape[:-2], _FOLD, whole // _FOLD, Y.shape[-1])
        sums, rest = blocks.sum(axis=-3), Y[..., whole:, :]
        Y = backend_of(Y).xp.concatenate([sums, rest], axis=-2) if whole < rows else sums
    return Y.sum(axis=-2, keepdims=True)


_TOGETHER = 256
"""Rows that are worked on as one at most: NumPy's inner loops run along one row, of perhaps four numbers."""


def rows_together(rows: int) -> int:
    """Return R, so that Y (…, rows, m) as (…, rows/R, R·m) has the same memory and long rows.

    >>> rows_together(1024), rows_together(6)
    (256, 2)
    """
    return math.gcd(rows, _TOGETHER)


def share(v: Array, R: int) -> Array:
    """Return v (…, 1, m) for R rows together, (…, 1, R·m).

    >>> import numpy as np
    >>> share(np.array([[[1.0, 2.0]]]), 2).tolist()
    [[[1.0, 2.0, 1.0, 2.0]]]
    """
    return backend_of(v).xp.tile(v, R)
