"""Pixel shuffle: blocks of channels become finer cells, a permutation."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from refms.backend import NUMPY, Backend
from refms.errors import require_whole
from refms.grid import Grid
from refms.stencils.kronecker import deliver


def pixel_shuffle_matrix(
    grid: Grid, channels: int, ratio: int, dtype: str = "float64", backend: Backend = NUMPY
) -> Any:
    """Return the permutation P that takes c·r^d channels on a grid to c channels on one r times as fine.

    Parameters
    ----------
    grid : Grid
        The coarse grid.
    channels : int
        Channels c afterwards.
    ratio : int
        Cells r that a coarse cell becomes, along each axis.
    dtype : str
        ``"float32"`` or ``"float64"``.
    backend : Backend
        Where the matrix is to live.

    Returns
    -------
    csr_array
        Shape (c·r^d·n, c·r^d·n), P Pᵀ = I: cell r i + a of channel c comes from cell i of the channel
        c r^d + Σ_k a_k r^{d−k}.

    Raises
    ------
    InputError
        If channels or ratio are not positive integers.

    Examples
    --------
    >>> pixel_shuffle_matrix(Grid((2,)), 1, 2).toarray().argmax(axis=1).tolist()
    [0, 2, 1, 3]
    """
    c, r, d = require_whole(channels, "channels", 1), require_whole(ratio, "ratio", 1), grid.dimension
    size = c * r**d * grid.cells
    sources = np.arange(size).reshape(c, *(r,) * d, *grid.shape)  # channel, a, i
    pairs = [axis for k in range(d) for axis in (1 + d + k, 1 + k)]  # i_k before a_k: cell r i + a
    columns = sources.transpose(0, *pairs).reshape(-1)
    permutation = scipy.sparse.csr_array((np.ones(size), columns, np.arange(size + 1)), shape=(size, size))
    return deliver(permutation, dtype, backend)
