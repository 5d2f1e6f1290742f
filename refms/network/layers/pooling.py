"""Average pooling: features on blocks of cells, by their means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from refms.backend import NUMPY, Backend, backend_of, zeros_like
from refms.errors import Array, InputError, require_same_precision, require_shape, require_whole
from refms.grid import Grid
from refms.network.linear_adjoint import LinearAdjoint
from refms.network.parameters import EMPTY, Layout
from refms.stencils.kronecker import deliver, identity, kronecker

WHOLE_MESH = 0
"""The number of cells along an axis that stands for all of them."""


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
    require_whole(cells, "pooling")
    if cells == WHOLE_MESH:
        return Grid((1,) * grid.dimension)
    if any(n % cells for n in grid.shape):
        raise InputError(
            f"pooling is {cells}, which does not divide the mesh {grid.shape}; expected a divisor of every "
            "extent, such as 2, or 0 for the mean over the whole mesh."
        )
    return Grid(tuple(n // cells for n in grid.shape))


@dataclass(frozen=True)
class AveragePooling:
    """The map from features to their means over blocks of cells.

    Parameters
    ----------
    grid : Grid
        The mesh of the features.
    channels : int
        Channels c.
    cells : int
        Cells k of a block along each axis; 1 for no pooling, 0 for one block, the whole mesh.

    Raises
    ------
    InputError
        If the blocks do not tile the mesh, or there is no channel.

    Notes
    -----
    The pooling layer that [LAS] leaves out of eq. (6) "although it can be added in general": F(Y) = A Y with
    A = I_c ⊗ A_1 ⊗ … ⊗ A_d and A_j = I ⊗ (1, …, 1)/k. It is linear and has no parameters: dF = A dY, and
    the transpose is Aᵀ G.

    Weights w on the blocks are functions that are constant on each. With h_p^d = k^d h^d the volume of a
    block and P the piecewise constant prolongation, Aᵀ = k^{-d} P, so that

        h_p^d ⟨w, A y⟩ = h^d ⟨P w, y⟩:

    pooling and the classifier of eq. (5) on the blocks are the classifier on the mesh with P w for weights.
    The mean over the whole mesh (k = n) makes W independent of the mesh, as in Sec. 4 of [LAS] (ImageNet).

    Examples
    --------
    >>> pool = AveragePooling(Grid((4,)), channels=1, cells=2)
    >>> pool.matrix().toarray().tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    >>> pool.apply(np.zeros(0), np.array([[1.0], [3.0], [5.0], [9.0]])).ravel().tolist()
    [2.0, 7.0]
    """

    grid: Grid
    channels: int
    cells: int

    def __post_init__(self) -> None:
        require_whole(self.channels, "channels", 1)
        pooled_grid(self.grid, self.cells)

    @property
    def pooled(self) -> Grid:
        """The grid of the blocks."""
        return pooled_grid(self.grid, self.cells)

    @property
    def block(self) -> tuple[int, ...]:
        """Cells of a block along each axis."""
        return tuple(n // blocks for n, blocks in zip(self.grid.shape, self.pooled.shape, strict=True))

    @property
    def layout(self) -> Layout:
        """No parameters."""
        return EMPTY

    @property
    def rows_in(self) -> int:
        """c·n."""
        return self.channels * self.grid.cells

    @property
    def rows_out(self) -> int:
        """Channels times blocks."""
        return self.channels * self.pooled.cells

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one example: the entries of A."""
        return self.rows_in

    @property
    def stored(self) -> int:
        """Numbers kept per example: the means."""
        return self.rows_out

    def matrix(self, dtype: str = "float64", backend: Backend = NUMPY) -> Any:
        """Return A, the definition.

        Parameters
        ----------
        dtype : str
            ``"float64"`` or ``"float32"``.
        backend : Backend
            Where A shall live.

        Returns
        -------
        csr_array
            Shape (rows_out, rows_in); every row sums to 1.
        """
        factors = [
            scipy.sparse.kron(identity(blocks), np.full((1, k), 1.0 / k), format="csr")
            for blocks, k in zip(self.pooled.shape, self.block, strict=True)
        ]
        return deliver(kronecker(identity(self.channels), *factors), dtype, backend)

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return A Y by sums over blocks, one axis after the other.

        Parameters
        ----------
        theta : array
            The empty vector, shape (0,).
        Y : array
            Features, shape (c·n, m), same precision.

        Returns
        -------
        array
            Shape (c · blocks, m), dtype of Y.

        Raises
        ------
        InputError
            If shapes or precisions do not fit.
        """
        self.layout.unpack(theta)
        require_same_precision(theta=theta, Y=Y)
        require_shape(Y, (self.rows_in, None), "Y", "(channels * cells, examples)")
        return self._means(Y)

    def linearize(self, theta: Array, Y: Array) -> AveragePoolingLinearization:
        """Return the pooling with its Jacobian A; parameters as for :meth:`apply`."""
        return AveragePoolingLinearization(self, theta, self.apply(theta, Y))

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return ``output``; parameters as for :meth:`apply`."""
        return {"output": self.apply(theta, Y)}

    def transposed(self, G: Array) -> Array:
        """Return Aᵀ G: to every cell its block's number, divided by the cells of a block.

        Parameters
        ----------
        G : array
            Shape (c · blocks, m).

        Returns
        -------
        array
            Shape (c·n, m), dtype of G.
        """
        xp = backend_of(G).xp
        m, field = G.shape[1], G / math.prod(self.block)
        for axis, k in reversed(list(enumerate(self.block))):
            lead = self.channels * math.prod(self.pooled.shape[:axis])
            field = xp.repeat(field.reshape(lead * self.pooled.shape[axis], -1), k, axis=0)
        return field.reshape(self.rows_in, m)

    def _means(self, Y: Array) -> Array:
        m, field = Y.shape[1], Y
        for axis, k in enumerate(self.block):
            lead = self.channels * math.prod(self.pooled.shape[: axis + 1])
            field = field.reshape(lead, k, -1).sum(axis=1)
        return field.reshape(self.rows_out, m) / math.prod(self.block)


@dataclass(frozen=True, eq=False)
class AveragePoolingLinearization:
    """Average pooling: Jacobian A."""

    pooling: AveragePooling
    theta: Array
    output: Array

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return A dY, or zeros."""
        return zeros_like(self.output) if dY is None else self.pooling.apply(self.theta, dY)

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the empty vector and Aᵀ G."""
        return self.theta, (self.pooling.transposed(G) if wrt_input else None)

    def pull_back(self, G: Array) -> Array:
        """Return Aᵀ G."""
        return self.pooling.transposed(G)

    def linearize_adjoint(self, G: Array, *, wrt_input: bool = True) -> tuple[LinearAdjoint, Array | None]:
        """Return the adjoint, which is linear in G alone, and Aᵀ G."""
        return LinearAdjoint(self), (self.pull_back(G) if wrt_input else None)
