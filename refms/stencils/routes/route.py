"""What a route is: sums of K(S) Y with what surrounds them, and the gradient with respect to S."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from refms.backend import backend_of
from refms.elementwise import finish
from refms.errors import Array
from refms.grid import Grid

Term = tuple[Array, Array]
"""S (c_out, c_in, *stencil) in correlation orientation, and Y (c_in·n, m)."""


@dataclass(frozen=True)
class Geometry:
    """Where a stencil acts.

    Parameters
    ----------
    grid : Grid
        The grid with n cells.
    stencil_shape : tuple of int
        Odd sizes, one per grid axis.
    boundary : str
        ``"periodic"`` or ``"zero"``.
    """

    grid: Grid
    stencil_shape: tuple[int, ...]
    boundary: str


class Route(Protocol):
    """A way to apply K(S) on one geometry; arguments fit each other, they have been checked before."""

    @property
    def geometry(self) -> Geometry:
        """Where the stencils act."""

    def combine(
        self, terms: Sequence[Term], bias: Array | None, factor: Array | None, add: Array | None
    ) -> Array:
        """Return add + factor ∘ (bias + Σ K(S_i) Y_i).

        Parameters
        ----------
        terms : sequence of (array, array)
            At least one pair (S_i, Y_i); all with the same c_out and m.
        bias : array or None
            Shape (c_out,), the same in all cells.
        factor, add : array or None
            Shape (c_out·n, m).

        Returns
        -------
        array
            Shape (c_out·n, m), a new array in C order.
        """

    def gradient(self, Z: Array, Y: Array) -> Array:
        """Return Σ_i Z_{o,i} Y_{c,i+κ}, shape (c_out, c_in, *stencil), for Z (c_out·n, m), Y (c_in·n, m)."""

    def adjoint_and_gradient(self, S: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        """Return add + K(S) Z and Σ_j Z_{o,j} Y_{c,j+κ}; S (c_in, c_out, *stencil) is that of the adjoint."""


def finished(out: Array, bias: Array | None, factor: Array | None, add: Array | None) -> Array:
    """Return add + factor ∘ (bias + out), in place where the dtype allows it.

    Parameters
    ----------
    out : array
        Shape (c_out·n, m), C-contiguous; a new array that may be overwritten.
    bias, factor, add
        As for :meth:`Route.combine`.

    Returns
    -------
    array
        ``out``, or an array of a wider dtype.
    """
    backend = backend_of(out)
    given = [array for array in (bias, factor, add) if array is not None]
    out = out.astype(backend.xp.result_type(out, *given), copy=False)
    if backend.name == "cupy" and all(array.dtype == out.dtype for array in given):
        return finish(backend.xp, out, bias, factor, add)
    if bias is not None:
        by_channel = out.reshape(bias.shape[0], -1)
        by_channel += bias[:, None]
    if factor is not None:
        out *= factor
    if add is not None:
        out += add
    return out
