"""Openings y_0 = L x, eq. (1): a convolution with its stencil as parameter, or any fixed matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from refms.backend import zeros_like
from refms.errors import Array, require_same_precision, require_shape
from refms.network.layers.convolution_adjoint import BilinearProduct, ConvolutionOpeningAdjoint
from refms.network.linear_adjoint import LinearAdjoint
from refms.network.parameters import EMPTY, Layout
from refms.stencils.convolution import Convolution


@dataclass(frozen=True)
class ConvolutionOpening:
    """The opening L = K(S) with a learned stencil; freeze it with :class:`~refms.network.composition.Frozen`.

    Parameters
    ----------
    convolution : Convolution
        Geometry of L, c_in image channels to c_out features.

    Notes
    -----
    L is linear in S and in x: dF = K(dS) X + K(S) dX, with the transposes of :class:`ConvolutionLayer`.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.grid import Grid
    >>> L = ConvolutionOpening(Convolution(Grid((4,)), c_out=2, stencil_shape=(1,)))
    >>> L.apply(np.array([1.0, 3.0]), np.ones((4, 1))).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0]
    """

    convolution: Convolution

    @property
    def layout(self) -> Layout:
        """One part, ``stencil`` (c_out, c_in, *stencil)."""
        return Layout((("stencil", self.convolution.stencils_shape),))

    @property
    def rows_in(self) -> int:
        """Rows c_in·n of the images."""
        return self.convolution.rows_in

    @property
    def rows_out(self) -> int:
        """Rows c_out·n of y_0."""
        return self.convolution.rows_out

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one application to one image."""
        return self.convolution.multiply_adds

    @property
    def stored(self) -> int:
        """Numbers kept per example: y_0."""
        return self.rows_out

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return K(S) Y.

        Parameters
        ----------
        theta : array
            The stencil as a vector, shape (layout.size,).
        Y : array
            Images as columns, shape (c_in·n, m), same precision.

        Returns
        -------
        array
            Shape (c_out·n, m).
        """
        return self.convolution.apply(self.layout.unpack(theta)["stencil"], Y)

    def linearize(self, theta: Array, Y: Array) -> ConvolutionOpeningLinearization:
        """Return the opening linearised at (S, Y); parameters as for :meth:`apply`."""
        S = self.layout.unpack(theta)["stencil"]
        return ConvolutionOpeningLinearization(self, S, Y, self.convolution.apply(S, Y))

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return ``output``; parameters as for :meth:`apply`."""
        return {"output": self.apply(theta, Y)}


@dataclass(frozen=True, eq=False)
class ConvolutionOpeningLinearization:
    """A convolution opening at (S, Y)."""

    opening: ConvolutionOpening
    S: Array
    Y: Array
    output: Array

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return K(dS) Y + K(S) dY, shape (c_out·n, m)."""
        conv = self.opening.convolution
        dF = zeros_like(self.output)
        if dtheta is not None:
            dF = conv.apply(self.opening.layout.unpack(dtheta)["stencil"], self.Y)
        return dF if dY is None else dF + conv.apply(self.S, dY)

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the stencil gradient as a vector and K(S)ᵀ G."""
        conv = self.opening.convolution
        gY = conv.adjoint(self.S, G) if wrt_input else None
        return conv.stencil_gradient(G, self.Y).reshape(-1), gY

    def pull_back(self, G: Array) -> Array:
        """Return K(S)ᵀ G."""
        return self.opening.convolution.adjoint(self.S, G)

    def linearize_adjoint(
        self, G: Array, *, wrt_input: bool = True
    ) -> tuple[ConvolutionOpeningAdjoint, Array | None]:
        """Return the adjoint linearised at G, and K(S)ᵀ G."""
        product = BilinearProduct(self.opening.convolution, self.S, self.Y, G)
        return ConvolutionOpeningAdjoint(product), (self.pull_back(G) if wrt_input else None)


@dataclass(frozen=True, eq=False)
class MatrixOpening:
    """The opening y_0 = L x with any fixed matrix L.

    Parameters
    ----------
    L : array or csr_array
        Shape (rows of y_0, rows of x), dense or sparse, on the backend and in the precision of the images.

    Notes
    -----
    The Jacobian is L itself, its transpose Lᵀ; there are no parameters.

    Examples
    --------
    >>> import numpy as np
    >>> MatrixOpening(np.eye(2)).apply(np.zeros(0), np.ones((2, 1))).ravel().tolist()
    [1.0, 1.0]
    """

    L: Any

    def __post_init__(self) -> None:
        require_shape(self.L, (None, None), "L", "(features, image values)")
        require_same_precision(L=self.L)

    @property
    def layout(self) -> Layout:
        """No parameters."""
        return EMPTY

    @property
    def rows_in(self) -> int:
        """Columns of L."""
        return int(self.L.shape[1])

    @property
    def rows_out(self) -> int:
        """Rows of L."""
        return int(self.L.shape[0])

    @property
    def multiply_adds(self) -> int:
        """Non-zeros of L."""
        return int(getattr(self.L, "nnz", self.rows_in * self.rows_out))

    @property
    def stored(self) -> int:
        """Numbers kept per example: y_0."""
        return self.rows_out

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return L Y.

        Parameters
        ----------
        theta : array
            The empty vector, shape (0,).
        Y : array
            Shape (columns of L, m), same precision as L.

        Returns
        -------
        array
            Shape (rows of L, m).
        """
        self.layout.unpack(theta)
        require_same_precision(L=self.L, Y=Y)
        require_shape(Y, (self.rows_in, None), "Y", "(columns of L, examples)")
        return self.L @ Y

    def linearize(self, theta: Array, Y: Array) -> MatrixOpeningLinearization:
        """Return the opening with its Jacobian L; parameters as for :meth:`apply`."""
        return MatrixOpeningLinearization(self.L, theta, self.apply(theta, Y))

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return ``output``; parameters as for :meth:`apply`."""
        return {"output": self.apply(theta, Y)}


@dataclass(frozen=True, eq=False)
class MatrixOpeningLinearization:
    """A matrix opening: Jacobian L."""

    L: Any
    theta: Array
    output: Array

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return L dY, or zeros."""
        return zeros_like(self.output) if dY is None else self.L @ dY

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the empty vector and Lᵀ G."""
        return self.theta, (self.L.T @ G if wrt_input else None)

    def pull_back(self, G: Array) -> Array:
        """Return Lᵀ G."""
        return self.L.T @ G

    def linearize_adjoint(self, G: Array, *, wrt_input: bool = True) -> tuple[LinearAdjoint, Array | None]:
        """Return the adjoint, which is linear in G alone, and Lᵀ G."""
        return LinearAdjoint(self), (self.pull_back(G) if wrt_input else None)
