"""Resizing of images as an explicit matrix: nearest, box, linear and cubic kernels, any ratio."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse

from refms.backend import NUMPY, Backend
from refms.errors import Array, InputError, require_choice, require_whole
from refms.grid import Grid
from refms.stencils.kronecker import deliver, identity, kronecker


def resize_matrix(
    grid: Grid,
    to: Grid,
    kernel: str = "linear",
    *,
    antialias: bool = True,
    boundary: str = "clamp",
    channels: int = 1,
    dtype: str = "float64",
    backend: Backend = NUMPY,
) -> Any:
    """Return the matrix A = I_c ⊗ A_1 ⊗ … ⊗ A_d that resizes images from one grid to another.

    Parameters
    ----------
    grid, to : Grid
        The grids before and after, of the same dimension; any ratio along each axis.
    kernel : str
        ``"nearest"``, ``"box"``, ``"linear"`` or ``"cubic"``.
    antialias : bool
        Whether the kernel is widened by the ratio where there are fewer cells afterwards.
    boundary : str
        ``"clamp"``: beyond the grid the nearest cell counts again. ``"periodic"``: the cell on the
        other side.
    channels : int
        Channels c; every one is resized by itself.
    dtype : str
        ``"float32"`` or ``"float64"``.
    backend : Backend
        Where the matrix is to live.

    Returns
    -------
    csr_array
        Shape (c·n_out, c·n_in); every row sums to 1. The adjoint is the transpose.

    Raises
    ------
    InputError
        If the dimensions differ or a name is unknown.

    Notes
    -----
    With cell centres x_I = (I + ½) n_in/n_out − ½ and a = max(1, n_in/n_out) if antialiased, else 1,

        (A_1)_{I, j} = k((x_I − j)/a) / Σ_i k((x_I − i)/a),

    and j beyond the grid is the cell that the boundary says; entries that fall together add. k is

        box: 1 for −½ < x ≤ ½,   linear: max(0, 1 − |x|),
        cubic (Keys, −½): 1.5|x|³ − 2.5|x|² + 1 for |x| ≤ 1, −0.5|x|³ + 2.5|x|² − 4|x| + 2 for |x| ≤ 2.

    ``"nearest"`` takes cell ⌊I n_in/n_out⌋. This is what frameworks call ``align_corners=False``.

    Examples
    --------
    >>> resize_matrix(Grid((4,)), Grid((2,)), "linear", antialias=False).toarray().tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    >>> (8 * resize_matrix(Grid((4,)), Grid((2,)), "linear", boundary="periodic")).toarray().tolist()
    [[3.0, 3.0, 1.0, 1.0], [1.0, 1.0, 3.0, 3.0]]
    """
    require_choice(kernel, KERNELS, "kernel")
    require_choice(boundary, ("clamp", "periodic"), "boundary")
    if grid.dimension != to.dimension:
        raise InputError(f"the grids are {grid.shape} and {to.shape}; expected as many axes.")
    axes = [
        _resize_axis(n_in, n_out, kernel, antialias, boundary)
        for n_in, n_out in zip(grid.shape, to.shape, strict=True)
    ]
    return deliver(kronecker(identity(require_whole(channels, "channels", 1)), *axes), dtype, backend)


def _resize_axis(n_in: int, n_out: int, kernel: str, antialias: bool, boundary: str) -> Any:
    """Return A_1 as a sparse matrix."""
    where = np.arange(n_out)
    if kernel == "nearest":
        columns, weights = (where * n_in // n_out)[:, None], np.ones((n_out, 1))
    else:
        radius, k = KERNELS[kernel]
        wide = max(n_in, n_out) if antialias else n_out  # a n_out
        reach = math.ceil(radius * wide / n_out)
        first = ((2 * where + 1) * n_in - n_out) // (2 * n_out)  # ⌊x_I⌋
        columns = first[:, None] + np.arange(-reach, reach + 2)
        # Whole numbers, divided once: a cell that the end of the box meets is not left to rounding.
        weights = k(((2 * where[:, None] + 1) * n_in - (2 * columns + 1) * n_out) / (2 * wide))
        weights /= weights.sum(axis=1, keepdims=True)
    inside = columns.clip(0, n_in - 1) if boundary == "clamp" else columns % n_in
    rows = np.repeat(where, columns.shape[1])
    entries = scipy.sparse.coo_array((weights.ravel(), (rows, inside.ravel())), shape=(n_out, n_in))
    matrix = scipy.sparse.csr_array(entries)
    matrix.eliminate_zeros()
    return matrix


def _box(x: Array) -> Array:
    return np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)


def _linear(x: Array) -> Array:
    return np.maximum(0.0, 1.0 - abs(x))


def _cubic(x: Array) -> Array:
    x = abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1.0, near, np.where(x <= 2.0, far, 0.0))


KERNELS: dict[str, Any] = {
    "nearest": None,
    "box": (0.5, _box),
    "linear": (1.0, _linear),
    "cubic": (2.0, _cubic),
}
"""Kernels by name: where k vanishes beyond, and k."""
