"""Gaussian smoothing as an explicit matrix: what images get before they are restricted ([LAS] Sec. 4)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend, backend_of
from refms.errors import Array, InputError, precision
from refms.grid import Grid, as_grid, channels_of
from refms.stencils.kronecker import along_axis, circulant_rows, deliver, kronecker

_WIDEST = 1000.0


def gaussian_matrix(grid: Grid, sigma: float, dtype: str = "float64", backend: Backend = NUMPY) -> Any:
    """Return the explicit matrix G = G_1 ⊗ … ⊗ G_d of a periodic, separable, normalised Gaussian.

    Parameters
    ----------
    grid : Grid
        The grid; vectors of n cells in C order.
    sigma : float
        Standard deviation in cells, the same along every axis; 0 gives the identity.
    dtype : str
        ``"float32"`` or ``"float64"``.
    backend : Backend
        Where the matrix is to live.

    Returns
    -------
    csr_array
        Shape (n, n): symmetric, circulant, with non-negative entries and G 1 = 1.

    Raises
    ------
    InputError
        If sigma is negative, not finite or absurdly large, or dtype is unknown.

    Notes
    -----
    Weights g_k ∝ exp(-k²/(2σ²)) for |k| ≤ ⌈4σ⌉, Σ g_k = 1. Where the kernel is wider than the grid its
    ends wrap around and add.

    Examples
    --------
    >>> gaussian_matrix(Grid((4,)), 0.5).toarray()[0].round(3).tolist()
    [0.787, 0.106, 0.001, 0.106]
    """
    return deliver(kronecker(*[_gaussian(n, sigma) for n in as_grid(grid).shape]), dtype, backend)


def smooth(Y: Array, grid: Grid, sigma: float) -> Array:
    """Return feature columns smoothed by ``gaussian_matrix``, every channel on its own: (I_c ⊗ G) Y.

    Parameters
    ----------
    Y : array
        Shape (c·n, m), one column per example; real or complex.
    grid : Grid
        The grid with n cells.
    sigma : float
        Standard deviation in cells; 0 changes nothing.

    Returns
    -------
    array
        A new array of Y's shape, dtype and backend. NaN and infinity pass through.

    Raises
    ------
    InputError
        If Y does not fit the grid or sigma is not usable.

    Notes
    -----
    Applies one axis at a time, with 2⌈4σ⌉ + 1 weights a cell instead of their d-th power.

    Examples
    --------
    >>> smooth(np.ones((4, 1)), Grid((4,)), 2.0).round(12).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    grid = as_grid(grid)
    extents = (channels_of(Y, grid), *grid.shape)
    real = {"single": "float32", "double": "float64"}[precision(Y, "Y")]
    for axis, n in enumerate(grid.shape, 1):
        Y = deliver(along_axis(extents, axis, _gaussian(n, sigma)), real, backend_of(Y)) @ Y
    return Y


def _gaussian(n: int, sigma: float) -> Any:
    """Return the truncated, normalised Gaussian on n periodic cells, a matrix."""
    if not (math.isfinite(sigma) and 0.0 <= sigma <= _WIDEST):
        raise InputError(
            f"sigma is {sigma}; expected a width of 0 to {_WIDEST:g} cells (0 means no smoothing)."
        )
    offsets = np.arange(-math.ceil(4 * sigma), math.ceil(4 * sigma) + 1)
    # Below 1/40 of a cell every weight but the central one underflows to zero anyway.
    weights = np.exp(-0.5 * (offsets / max(sigma, 1 / 40)) ** 2)
    weights /= weights.sum()
    used = weights > 0.0
    return circulant_rows(n, n, 1, list(zip(offsets[used].tolist(), weights[used].tolist(), strict=True)))
