"""Maps that are linear in their input and have no parameters: matrices, means over blocks, single rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from refms.backend import NUMPY, Backend, backend_of
from refms.errors import Array, InputError, require_same_precision, require_shape, require_whole
from refms.grid import Grid
from refms.maps.map import Map
from refms.maps.parameterless import parameterless
from refms.stencils.kronecker import deliver, identity, kronecker
from refms.stencils.strided import fill_in, halved, thin_out

WHOLE_MESH = 0
"""The number of cells along an axis that stands for all of them."""


def linear_map(
    rows_in: int,
    rows_out: int,
    multiply: Callable[[Array], Array],
    transposed: Callable[[Array], Array],
    multiply_adds: int,
    constants: tuple[Array, ...] = (),
) -> Map:
    """Return Y ↦ A Y from its products with A and Aᵀ; the Jacobian is A at every point.

    Parameters
    ----------
    rows_in, rows_out : int
        Shape of A is (rows_out, rows_in).
    multiply, transposed : callable
        Y ↦ A Y and G ↦ Aᵀ G, new arrays of the dtype of their argument.
    multiply_adds : int
        Of one example.
    constants : tuple of array
        Arrays inside, whose precision and backend Y must have.

    Returns
    -------
    Map
        Without parameters.

    Examples
    --------
    >>> flip = linear_map(2, 2, lambda Y: Y[::-1].copy(), lambda G: G[::-1].copy(), multiply_adds=0)
    >>> flip.apply(np.zeros(0), np.array([[1.0], [2.0]])).ravel().tolist()
    [2.0, 1.0]
    """
    return parameterless(
        rows_in,
        rows_out,
        multiply,
        lambda Y: (multiply(Y), multiply, transposed, None),
        multiply_adds=multiply_adds,
        stored=rows_out,
        reads=(),
        constants=constants,
    )


def matrix_map(A: Any) -> Map:
    """Return Y ↦ A Y for any fixed matrix: an opening L, a restriction R or prolongation P.

    Parameters
    ----------
    A : array or csr_array
        Shape (rows out, rows in), dense or sparse, on the backend and in the precision of Y.

    Returns
    -------
    Map
        Without parameters; its adjoint is Aᵀ.

    Raises
    ------
    InputError
        If A is no matrix of a floating type.

    Examples
    --------
    >>> matrix_map(np.eye(2)).apply(np.zeros(0), np.ones((2, 1))).ravel().tolist()
    [1.0, 1.0]
    """
    require_shape(A, (None, None), "A", "(rows out, rows in)", sparse=True)
    require_same_precision(A=A)
    rows_out, rows_in = (int(n) for n in A.shape)
    nnz = int(getattr(A, "nnz", rows_in * rows_out))
    return linear_map(rows_in, rows_out, lambda Y: A @ Y, lambda G: A.T @ G, nnz, (A,))


def operator_map(A: Any) -> Map:
    """Return Y ↦ A Y for an operator of the mesh, in the precision and on the backend of Y.

    Parameters
    ----------
    A : array or sparse array
        Shape (rows out, rows in), float64, on the host: R, P, a spread of scalars over cells.

    Returns
    -------
    Map
        Without parameters; its adjoint is Aᵀ. A is rounded to each precision once.

    Raises
    ------
    InputError
        If A is no matrix of real numbers.

    Examples
    --------
    >>> operator_map(np.ones((2, 1))).apply(np.zeros(0, "float32"), np.ones((1, 1), "float32")).dtype
    dtype('float32')
    """
    require_shape(A, (None, None), "A", "(rows out, rows in)", sparse=True)
    if A.dtype.kind not in "fiu":
        raise InputError(f"A has dtype {A.dtype}; expected real numbers.")
    rows_out, rows_in = (int(n) for n in A.shape)
    forms: dict[tuple[str, str], tuple[Any, Any]] = {}

    def form(Y: Array) -> tuple[Any, Any]:
        backend, dtype = backend_of(Y), {"c": "f"}.get(Y.dtype.kind, Y.dtype.kind)
        size = Y.dtype.itemsize // (2 if Y.dtype.kind == "c" else 1)
        key = (backend.name, f"{dtype}{size}")
        if key not in forms:
            own = A.astype(key[1])
            sparse = scipy.sparse.issparse(own)
            move = backend.csr_from_host if sparse else backend.from_host
            forms[key] = (move(own), move(own.T.tocsr() if sparse else own.T.copy()))
        return forms[key]

    nnz = int(getattr(A, "nnz", rows_in * rows_out))
    return linear_map(rows_in, rows_out, lambda Y: form(Y)[0] @ Y, lambda G: form(G)[1] @ G, nnz)


def every_second_cell(grid: Grid, channels: int) -> Map:
    """Return the map to cells 0, 2, 4, … along each axis: after a convolution, one with stride 2.

    Parameters
    ----------
    grid : Grid
        The mesh of the features, n_j cells an axis.
    channels : int
        Channels c.

    Returns
    -------
    Map
        From c·n rows to c channels on ⌈n_j/2⌉ cells an axis; the adjoint puts zeros in between.

    Examples
    --------
    >>> half = every_second_cell(Grid((3,)), channels=1)
    >>> half.apply(np.zeros(0), np.array([[1.0], [2.0], [3.0]])).ravel().tolist()
    [1.0, 3.0]
    """
    channels = require_whole(channels, "channels", 1)
    return linear_map(
        channels * grid.cells,
        channels * halved(grid).cells,
        lambda Y: thin_out(Y, grid),
        lambda G: fill_in(G, grid),
        multiply_adds=0,
    )


def pooled_grid(grid: Grid, cells: int) -> Grid:
    """Return the grid of the blocks that features are averaged over.

    Parameters
    ----------
    grid : Grid
        The mesh of the features.
    cells : int
        Cells of a block along each axis; 1 for no pooling, 0 for one block, the whole mesh.

    Returns
    -------
    Grid
        One cell for each block.

    Raises
    ------
    InputError
        If the blocks do not tile the mesh.

    Examples
    --------
    >>> pooled_grid(Grid((4, 6)), 2), pooled_grid(Grid((4, 6)), 0)
    (Grid(shape=(2, 3)), Grid(shape=(1, 1)))
    """
    cells = require_whole(cells, "pooling")
    if cells == WHOLE_MESH:
        return Grid((1,) * grid.dimension)
    if any(n % cells for n in grid.shape):
        raise InputError(
            f"pooling is {cells}, which does not divide the mesh {grid.shape}; expected a divisor of every "
            "extent, such as 2, or 0 for the mean over the whole mesh."
        )
    return Grid(tuple(n // cells for n in grid.shape))


def pooling_matrix(
    grid: Grid, channels: int, cells: int, dtype: str = "float64", backend: Backend = NUMPY
) -> Any:
    """Return the matrix of :func:`average_pooling`, csr_array; the definition.

    A = I_c ⊗ A_1 ⊗ … ⊗ A_d with A_j = I ⊗ (1, …, 1)/k; every row sums to 1.
    """
    factors = [
        scipy.sparse.kron(identity(blocks), np.full((1, n // blocks), blocks / n), format="csr")
        for blocks, n in zip(pooled_grid(grid, cells).shape, grid.shape, strict=True)
    ]
    return deliver(kronecker(identity(channels), *factors), dtype, backend)


def average_pooling(grid: Grid, channels: int, cells: int) -> Map:
    """Return the map from features to their means over blocks of cells.

    Parameters
    ----------
    grid : Grid
        The mesh of the features.
    channels : int
        Channels c.
    cells : int
        Cells k of a block along each axis; 1 for no pooling, 0 for one block, the whole mesh.

    Returns
    -------
    Map
        Y ↦ A Y with A of :func:`pooling_matrix`, by sums over blocks, one axis after the other.

    Raises
    ------
    InputError
        If the blocks do not tile the mesh, or there is no channel.

    Notes
    -----
    The pooling layer that [LAS] leaves out of eq. (6) "although it can be added in general". Weights w on the
    blocks are functions that are constant on each. With h_p^d = k^d h^d the volume of a block and P the
    piecewise constant prolongation, Aᵀ = k^{-d} P, so that

        h_p^d ⟨w, A y⟩ = h^d ⟨P w, y⟩:

    pooling and the classifier of eq. (5) on the blocks are the classifier on the mesh with P w for weights.
    The mean over the whole mesh (k = n) makes W independent of the mesh, as in Sec. 4 of [LAS] (ImageNet).

    Examples
    --------
    >>> pool = average_pooling(Grid((4,)), channels=1, cells=2)
    >>> pool.apply(np.zeros(0), np.array([[1.0], [3.0], [5.0], [9.0]])).ravel().tolist()
    [2.0, 7.0]
    """
    channels = require_whole(channels, "channels", 1)
    blocks = pooled_grid(grid, cells)
    block = tuple(n // b for n, b in zip(grid.shape, blocks.shape, strict=True))
    rows_in, rows_out = channels * grid.cells, channels * blocks.cells

    def multiply(Y: Array) -> Array:
        m, field = Y.shape[1], Y
        for axis, k in enumerate(block):
            lead = channels * math.prod(blocks.shape[: axis + 1])
            field = field.reshape(lead, k, -1).sum(axis=1)
        return field.reshape(rows_out, m) / math.prod(block)

    def transposed(G: Array) -> Array:
        xp = backend_of(G).xp
        m, field = G.shape[1], G / math.prod(block)
        for axis, k in reversed(list(enumerate(block))):
            lead = channels * math.prod(blocks.shape[:axis])
            field = xp.repeat(field.reshape(lead * blocks.shape[axis], -1), k, axis=0)
        return field.reshape(rows_in, m)

    return linear_map(rows_in, rows_out, multiply, transposed, multiply_adds=rows_in)
