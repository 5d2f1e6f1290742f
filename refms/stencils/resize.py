"""Resizing of images as an explicit matrix: nearest, area, box, linear and cubic kernels, any ratio."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse

from refms.backend import NUMPY, Backend
from refms.errors import Array, InputError, is_real, require_choice, require_whole
from refms.grid import Grid, as_grid
from refms.names import RESIZE_BOUNDARIES, RESIZE_KERNELS
from refms.stencils.kronecker import deliver, identity, kronecker


def resize_matrix(
    grid: Grid,
    to: Grid,
    kernel: str = "linear",
    *,
    antialias: bool = True,
    boundary: str = "clamp",
    align_corners: bool = False,
    cubic: float = -0.5,
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
        ``"nearest"``, ``"nearest-exact"``, ``"area"``, ``"adaptive"``, ``"box"``, ``"linear"`` or
        ``"cubic"``.
    antialias : bool
        Whether box, linear and cubic kernels are widened by the ratio where there are fewer cells afterwards.
    boundary : str
        What counts beyond the grid: ``"clamp"``: the nearest cell again. ``"periodic"``: the cell on the
        other side. ``"reflect"``, ``"symmetric"``: the mirror image, without and with the outermost cell
        again. ``"renormalize"``: nothing; the weights of the other cells are divided by their sum.
    align_corners : bool
        Whether the centres of the outermost cells keep their places, for linear and cubic kernels.
    cubic : float
        The parameter α of the cubic kernel: −½ (Keys; Pillow, JAX), −¾ (OpenCV, PyTorch without antialias).
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
        If the dimensions differ, a name is unknown, or a kernel without corners is to align them.

    Notes
    -----
    With cell centres x_I = (I + ½) r − ½, r = n_in/n_out, or x_I = I r, r = (n_in − 1)/(n_out − 1) with
    aligned corners, and a = max(1, r) if antialiased, else 1,

        (A_1)_{I, j} = k((x_I − j)/a) / Σ_i k((x_I − i)/a),

    and j beyond the grid is the cell that the boundary says; entries that fall together add. k is

        box: 1 for −½ < x ≤ ½,   linear: max(0, 1 − |x|),
        cubic: (α + 2)|x|³ − (α + 3)|x|² + 1 for |x| ≤ 1, α(|x|³ − 5|x|² + 8|x| − 4) for |x| ≤ 2.

    ``"nearest"`` takes cell ⌊I r⌋, ``"nearest-exact"`` cell ⌊(I + ½) r⌋. ``"area"`` is the mean over the new
    cell [I r, (I + 1) r) of the function that is constant on old cells, ``"adaptive"`` that of all old cells
    which the new one meets, each counted fully (PyTorch's area and adaptive_avg_pool).
    :data:`~refms.stencils.resize_methods.RESIZE_METHODS` says which library computes which.

    Examples
    --------
    >>> resize_matrix(Grid((4,)), Grid((2,)), "linear", antialias=False).toarray().tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    >>> (8 * resize_matrix(Grid((4,)), Grid((2,)), "linear", boundary="periodic")).toarray().tolist()
    [[3.0, 3.0, 1.0, 1.0], [1.0, 1.0, 3.0, 3.0]]
    >>> (3 * resize_matrix(Grid((3,)), Grid((2,)), "area")).toarray().tolist()
    [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]
    """
    grid, to = as_grid(grid), as_grid(to)
    require_choice(kernel, RESIZE_KERNELS, "kernel")
    require_choice(boundary, RESIZE_BOUNDARIES, "boundary")
    if align_corners and kernel not in ("linear", "cubic"):
        raise InputError(f"kernel {kernel!r} has no corners to align; expected 'linear' or 'cubic'.")
    if not (is_real(cubic) and math.isfinite(cubic)):
        raise InputError(f"cubic is {cubic!r}; expected a finite number, such as -0.5.")
    if grid.dimension != to.dimension:
        raise InputError(f"the grids are {grid.shape} and {to.shape}; expected as many axes.")
    axes = [
        _resize_axis(n, m, kernel, antialias, boundary, align_corners, cubic)
        for n, m in zip(grid.shape, to.shape, strict=True)
    ]
    return deliver(kronecker(identity(require_whole(channels, "channels", 1)), *axes), dtype, backend)


def _resize_axis(
    n: int, m: int, kernel: str, antialias: bool, boundary: str, align_corners: bool, cubic: float
) -> Any:
    """Return A_1 as a sparse matrix (m, n)."""
    if kernel in SELECTIONS:
        columns, weights = SELECTIONS[kernel](n, m, np.arange(m)[:, None])
    else:
        columns, weights = _sample(n, m, kernel, antialias, align_corners, cubic)
    if boundary == "renormalize":
        weights = np.where((columns >= 0) & (columns < n), weights, 0.0)
    weights = weights / weights.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(m), columns.shape[1])
    entries = (weights.ravel(), (rows, _inside(columns, n, boundary).ravel()))
    matrix = scipy.sparse.csr_array(scipy.sparse.coo_array(entries, shape=(m, n)))
    matrix.eliminate_zeros()
    return matrix


def _sample(
    n: int, m: int, kernel: str, antialias: bool, align_corners: bool, cubic: float
) -> tuple[Array, Array]:
    """Return the cells j about every x_I and the weights k((x_I − j)/a), (m, cells) each.

    x_I and a are whole numbers over ``unit``, divided once, so that a cell that the end of the box meets is
    not left to rounding.
    """
    where = np.arange(m)[:, None]
    radius, k = SAMPLED[kernel]
    k = partial(k, a=cubic) if kernel == "cubic" else k
    if align_corners:
        centres, unit, wide = where * (n - 1), max(m - 1, 1), max(m - 1, n - 1, 1)
    else:
        centres, unit, wide = (2 * where + 1) * n - m, 2 * m, 2 * max(m, n)
    wide = wide if antialias else unit
    reach = math.ceil(radius * wide / unit)
    columns = centres // unit + np.arange(-reach, reach + 2)
    return columns, k((centres - columns * unit) / wide)


def _area(n: int, m: int, where: Array) -> tuple[Array, Array]:
    """Return the old cells that meet a new one, and how much of each, times m."""
    columns = where * n // m + np.arange(n // m + 2)
    overlap = np.minimum((where + 1) * n, (columns + 1) * m) - np.maximum(where * n, columns * m)
    return columns, np.maximum(overlap, 0).astype("float64")


def _adaptive(n: int, m: int, where: Array) -> tuple[Array, Array]:
    columns, overlap = _area(n, m, where)
    return columns, np.where(overlap > 0, 1.0, 0.0)


SELECTIONS: dict[str, Any] = {
    "nearest": lambda n, m, where: (where * n // m, np.ones((m, 1))),
    "nearest-exact": lambda n, m, where: ((2 * where + 1) * n // (2 * m), np.ones((m, 1))),
    "area": _area,
    "adaptive": _adaptive,
}
"""Kernels that are told by cells instead of distances: (n, m, I) -> cells and weights."""


def _inside(columns: Array, n: int, boundary: str) -> Array:
    """Return the cell of the grid that counts for each j."""
    if boundary == "periodic":
        return columns % n
    if boundary == "symmetric":
        return np.minimum(columns % (2 * n), -(columns + 1) % (2 * n))
    if boundary == "reflect":
        period = max(2 * (n - 1), 1)
        return np.minimum(columns % period, -columns % period)
    return columns.clip(0, n - 1)


def _box(x: Array) -> Array:
    return np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)


def _linear(x: Array) -> Array:
    return np.maximum(0.0, 1.0 - abs(x))


def _cubic(x: Array, a: float) -> Array:
    x = abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1.0
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1.0, near, np.where(x <= 2.0, far, 0.0))


SAMPLED: dict[str, Any] = {
    "box": (0.5, _box),
    "linear": (1.0, _linear),
    "cubic": (2.0, _cubic),
}
"""Kernels k of distances: where k vanishes beyond, and k."""
