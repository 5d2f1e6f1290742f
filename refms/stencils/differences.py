"""The discrete gradient ∇_h as an explicit sparse matrix: what smoothness regularisers measure."""

from __future__ import annotations

from typing import Any

import scipy.sparse

from refms.backend import NUMPY, Backend
from refms.errors import require_choice
from refms.grid import Grid, as_grid
from refms.stencils.kronecker import along_axis, circulant_rows, deliver


def gradient_matrix(
    grid: Grid, boundary: str = "neumann", dtype: str = "float64", backend: Backend = NUMPY
) -> Any:
    """Return the matrix of all forward differences on a grid, one block I ⊗ … ⊗ D_j ⊗ … ⊗ I for each axis.

    Parameters
    ----------
    grid : Grid
        The grid; vectors of n cells in C order.
    boundary : str
        ``"neumann"``: differences across interior faces only, so the outer faces count as zero.
        ``"periodic"``: the last cell's neighbour is the first one.
    dtype : str
        ``"float32"`` or ``"float64"``.
    backend : Backend
        Where the matrix is to live.

    Returns
    -------
    csr_array
        Shape (faces, n), axis 0 first; the faces of axis j are (n_j - 1) Π_{i≠j} n_i with ``"neumann"`` and
        n with ``"periodic"``. In units of 1/domain edge. The nullspace is exactly the constants.

    Raises
    ------
    InputError
        If boundary or dtype is unknown.

    Notes
    -----
    (∇_h u)_{j,i} = (u_{i+e_j} - u_i)/h_j, so h^d ‖∇_h u‖² → ∫|∇u|²: the spatial part of the regulariser R
    in eq. (6) of [LAS], independent of the mesh. -∇_hᵀ∇_h is the usual discrete Laplacian.

    Examples
    --------
    >>> gradient_matrix(Grid((3,))).toarray().tolist()
    [[-3.0, 3.0, 0.0], [0.0, -3.0, 3.0]]
    """
    require_choice(boundary, ("neumann", "periodic"), "boundary")
    grid = as_grid(grid)

    def D(n: int) -> Any:  # (u_{i+1} - u_i)/h on n cells of size h = 1/n
        faces = n if boundary == "periodic" else n - 1
        return circulant_rows(n, n, 1, ((0, -float(n)), (1, float(n))))[:faces]

    blocks = [along_axis(grid.shape, axis, D(n)) for axis, n in enumerate(grid.shape)]
    return deliver(scipy.sparse.vstack(blocks), dtype, backend)
