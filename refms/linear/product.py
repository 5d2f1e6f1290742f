"""A linear map known by its products alone.

A solver asks for v -> A v and nothing else, so any function will do: a :data:`Product`. :class:`Operator` is
one that also knows its shape, dtype and transpose, so that curvature, preconditioners and Jacobians can be
added, multiplied, tested and handed to SciPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from refms.backend import NUMPY, Backend, backend_of
from refms.display import short_repr
from refms.errors import Array, InputError, require_array

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

Product = Callable[[Array], Array]
"""A linear map v -> A v on flat vectors; dtype and backend of v are kept."""


def _unknown(w: Array) -> Array:
    raise InputError("the transpose of this operator is not known; give its product as adjoint.")


@dataclass(frozen=True, eq=False)
class Operator:
    """A matrix A that is known by v -> A v and w -> Aᵀ w.

    Parameters
    ----------
    shape : tuple of int
        (m, n).
    dtype : str
        ``"float32"`` or ``"float64"``, of arguments and results.
    forward, adjoint : callable
        v -> A v from shape (n,) to (m,), and w -> Aᵀ w back; without the latter there is no transpose.
    backend : Backend
        Where the vectors live.

    Raises
    ------
    InputError
        By a product, if the vector has another shape or dtype, or the transpose is not known.

    Notes
    -----
    ``A @ v`` and ``A(v)`` are products, ``A @ V`` those with the columns of V, ``A.T``, ``A + B``, ``A - B``,
    ``2.0 * A`` and ``A @ B`` operators. SciPy takes ``A.to_scipy()``.

    Examples
    --------
    >>> A = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    >>> J = Operator((2, 3), "float64", lambda v: A @ v, lambda w: A.T @ w)
    >>> (J @ np.ones(3)).tolist(), (J.T @ np.ones(2)).tolist(), (J.T @ J @ np.ones(3)).tolist()
    ([3.0, 4.0], [1.0, 3.0, 3.0], [3.0, 10.0, 12.0])
    """

    shape: tuple[int, int]
    dtype: str
    forward: Product
    adjoint: Product = _unknown
    backend: Backend = NUMPY

    __repr__ = short_repr
    __array_ufunc__ = None  # NumPy leaves 2.0 * A to A, whatever kind of number 2.0 is

    @staticmethod
    def symmetric(product: Product, like: Array) -> Operator:
        """Return a symmetric matrix with the size, dtype and backend of a vector."""
        n = int(like.shape[0])
        return Operator((n, n), str(like.dtype), product, product, backend_of(like))

    def __call__(self, v: Array) -> Array:
        """Return A v."""
        require_array(v, "v")
        if tuple(v.shape) != self.shape[1:] or str(v.dtype) != self.dtype:
            raise InputError(
                f"an operator of shape {self.shape} and dtype {self.dtype} got a vector of shape "
                f"{tuple(v.shape)} and dtype {v.dtype}; expected {self.shape[1:]} and {self.dtype}."
            )
        return self.forward(v)

    @property
    def T(self) -> Operator:
        """Aᵀ."""
        return replace(self, shape=self.shape[::-1], forward=self.adjoint, adjoint=self.forward)

    def __matmul__(self, other: Any) -> Any:
        """Return A v, A V column by column, or the operator A B with (A B)ᵀ = Bᵀ Aᵀ."""
        if not isinstance(other, Operator):
            require_array(other, "what an operator is multiplied with")
            if other.ndim == 2 and other.shape[1]:
                return self.backend.xp.stack([self(v) for v in other.T], axis=1)
            return self(other)
        shape = (self.shape[0], other.shape[1])
        return replace(
            other, shape=shape, forward=lambda v: self(other(v)), adjoint=lambda w: other.T(self.T(w))
        )

    def __add__(self, other: Operator) -> Operator:
        """Return A + B."""
        return replace(self, forward=lambda v: self(v) + other(v), adjoint=lambda w: self.T(w) + other.T(w))

    def __rmul__(self, factor: float) -> Operator:
        """Return αA."""
        alpha = float(factor)  # a float of Python keeps the precision of vectors
        return replace(self, forward=lambda v: alpha * self(v), adjoint=lambda w: alpha * self.T(w))

    def __sub__(self, other: Operator) -> Operator:
        """Return A − B."""
        return self + -1.0 * other

    def to_dense(self) -> Array:
        """Return the matrix on the host, column by column: n products."""
        scipy_ = self.to_scipy()
        return np.stack([scipy_.matvec(e) for e in np.eye(self.shape[1])], axis=1)

    def to_scipy(self) -> LinearOperator:
        """Return a ``scipy.sparse.linalg.LinearOperator`` on float64 vectors of the host.

        A product is computed in this operator's dtype and where its vectors live.
        """
        from scipy.sparse.linalg import LinearOperator  # here, for it takes longer to import than the rest

        def on_host(product: Product) -> Product:
            def apply(v: Array) -> Array:
                given = np.ascontiguousarray(v.reshape(-1), dtype=self.dtype)
                return self.backend.to_host(product(self.backend.from_host(given))).astype("float64")

            return apply

        return LinearOperator(self.shape, on_host(self.forward), on_host(self.adjoint), dtype="float64")
