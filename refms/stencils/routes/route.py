"""What a route is: functions that compute products with K(S) for arrays that have been checked before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from refms.backend import Backend
from refms.elementwise import finish
from refms.errors import Array
from refms.grid import Grid

Terms = Sequence[tuple[Array, Array]]
"""Pairs S_i (c_out, c_in, *stencil) and Y_i (c_in·n, m), at least one."""

ZERO: Any = 0
"""What sums over pieces of a field start from."""


@dataclass(frozen=True)
class Geometry:
    """Where a stencil acts: grid, odd sizes along its axes, ``"periodic"`` or ``"zero"`` boundary."""

    grid: Grid
    stencil_shape: tuple[int, ...]
    boundary: str


@dataclass(frozen=True)
class Products:
    """Products in correlation orientation, as each file here offers them.

    ``combine(terms, bias, factor, add)`` is add + factor ∘ (bias + Σ K(S_i) Y_i), a new array in C order;
    ``gradient(Z, Y)`` is Σ_i Z_{o,i} Y_{c,i+κ}, shape (c_out, c_in, *stencil);
    ``adjoint_and_gradient(T, Z, Y, add)`` is add + K(T) Z and the gradient, T the stencils of K(S)ᵀ.
    """

    combine: Callable[..., Array]
    gradient: Callable[[Array, Array], Array]
    adjoint_and_gradient: Callable[[Array, Array, Array, Array | None], tuple[Array, Array]]


@dataclass(frozen=True)
class Route:
    """Products of one convolution for one dtype, number of examples and backend; nothing is checked.

    ``combine(terms, bias=None, factor=None, add=None)``, ``adjoint(S, Z, add=None)``, ``gradient(Z, Y)`` and
    ``adjoint_and_gradient(S, Z, Y, add=None)``: as the methods of
    :class:`~refms.stencils.convolution.Convolution`, bit for bit.
    """

    combine: Callable[..., Array]
    adjoint: Callable[..., Array]
    gradient: Callable[[Array, Array], Array]
    adjoint_and_gradient: Callable[..., tuple[Array, Array]]


def summed(correlate: Callable[[Array, Array], Array], backend: Backend) -> Callable[..., Array]:
    """Return ``combine`` of a route that computes K(S) Y one term at a time."""

    def combine(
        terms: Terms, bias: Array | None = None, factor: Array | None = None, add: Array | None = None
    ) -> Array:
        out = correlate(*terms[0])
        for S, Y in terms[1:]:
            out = finish(backend, out, None, None, correlate(S, Y))
        return finish(backend, out, bias, factor, add)

    return combine


def added(total: Any, more: Array) -> Array:
    """Return total + more in the memory of the total, which nobody else holds; ``more`` itself for ZERO."""
    if total is ZERO:
        return more
    total += more
    return total


def of_one_dtype(W: Array, Y: Array, xp: Any) -> tuple[Array, Array]:
    """Return both factors of a matrix product in their common dtype, themselves where they have it."""
    if W.dtype == Y.dtype:
        return W, Y
    dtype = xp.result_type(W, Y)
    return W.astype(dtype, copy=False), Y.astype(dtype, copy=False)


def flip(S: Array) -> Array:
    """Return a view of S (c_out, c_in, *stencil) reversed along its stencil axes: κ becomes -κ.

    >>> import numpy as np
    >>> flip(np.array([[[1.0, 2.0, 3.0]]])).tolist()
    [[[3.0, 2.0, 1.0]]]
    """
    return S[(slice(None), slice(None)) + (slice(None, None, -1),) * (S.ndim - 2)]


def orient(products: Products, orientation: str, dimension: int) -> Route:
    """Return the route for stencils of an orientation; those of K(S)ᵀ are flipped, their channels swapped."""
    as_it_is = (slice(None),) * (2 + dimension)
    flipped = as_it_is[:2] + (slice(None, None, -1),) * dimension
    own, other = (as_it_is, flipped) if orientation == "correlation" else (flipped, as_it_is)

    def combine(
        terms: Terms, bias: Array | None = None, factor: Array | None = None, add: Array | None = None
    ) -> Array:
        return products.combine([(S[own], Y) for S, Y in terms], bias, factor, add)

    def adjoint(S: Array, Z: Array, add: Array | None = None) -> Array:
        return products.combine([(S[other].swapaxes(0, 1), Z)], None, None, add)

    def gradient(Z: Array, Y: Array) -> Array:
        return products.gradient(Z, Y)[own].copy()

    def adjoint_and_gradient(S: Array, Z: Array, Y: Array, add: Array | None = None) -> tuple[Array, Array]:
        gY, gS = products.adjoint_and_gradient(S[other].swapaxes(0, 1), Z, Y, add)
        return gY, gS[own].copy()

    return Route(products.combine if own is as_it_is else combine, adjoint, gradient, adjoint_and_gradient)
