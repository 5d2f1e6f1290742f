"""The route over patches: gathered slab by slab, each multiplied by the stencils as one matrix (GEMM)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from refms.backend import backend_of
from refms.errors import Array
from refms.grid import Grid
from refms.stencils.assembly import flip
from refms.stencils.patches import lines_of, patch_slabs
from refms.stencils.routes.route import Geometry, Term, finished


@dataclass(frozen=True)
class PatchRoute:
    """K(S) Y as products of the stencils with patches in cache-sized slabs; any dtype, NumPy or CuPy.

    Parameters
    ----------
    geometry : Geometry
        Where the stencils act.
    """

    geometry: Geometry

    def combine(
        self, terms: Sequence[Term], bias: Array | None, factor: Array | None, add: Array | None
    ) -> Array:
        """See :class:`~refms.stencils.routes.route.Route`."""
        first, *others = [self._correlate(S, Y) for S, Y in terms]
        for other in others:
            first = finished(first, None, None, other)
        return finished(first, bias, factor, add)

    def gradient(self, Z: Array, Y: Array) -> Array:
        """See :class:`~refms.stencils.routes.route.Route`."""
        xp, Y, Z = _contiguous(Y, Z)
        channels = Y.shape[0] // self.geometry.grid.cells
        grid, Y, Z = self._regrouped(Y, Z)
        Z_lines = lines_of(Z, grid)
        total: Any = 0
        for lines, cells, patches in self._slabs(Y, grid):
            total = total + xp.matmul(patches, Z_lines[lines, cells].swapaxes(-1, -2)).sum(axis=(0, 1))
        return self._stencils(total.T, channels)

    def adjoint_and_gradient(self, S: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        """See :class:`~refms.stencils.routes.route.Route`; one gathering of Z serves both.

        Notes
        -----
        Σ_i Z_{o,i} Y_{c,i+κ} = Σ_j Z_{o,j-κ} Y_{c,j}: the patches of Z hold both sums' first factor.
        """
        xp, Z, Y = _contiguous(Z, Y)
        channels = Z.shape[0] // self.geometry.grid.cells
        weights, Z = _weights(S, Z)
        adjoint = xp.empty((S.shape[0] * self.geometry.grid.cells, Z.shape[1]), dtype=Z.dtype)
        grid, Z, Y, target = self._regrouped(Z, Y, adjoint)
        adjoint_lines, Y_lines = lines_of(target, grid), lines_of(Y, grid)
        total: Any = 0
        for lines, cells, patches in self._slabs(Z, grid):
            xp.matmul(weights, patches, out=adjoint_lines[lines, cells])
            total = total + xp.matmul(patches, Y_lines[lines, cells].swapaxes(-1, -2)).sum(axis=(0, 1))
        gradient = flip(self._stencils(total.T, channels).swapaxes(0, 1))
        return finished(adjoint, None, None, add), gradient

    def _correlate(self, S: Array, Y: Array) -> Array:
        xp, Y = _contiguous(Y)
        weights, Y = _weights(S, Y)
        out = xp.empty((S.shape[0] * self.geometry.grid.cells, Y.shape[1]), dtype=Y.dtype)
        grid, Y, target = self._regrouped(Y, out)
        out_lines = lines_of(target, grid)
        for lines, cells, patches in self._slabs(Y, grid):
            xp.matmul(weights, patches, out=out_lines[lines, cells])
        return out

    def _slabs(self, Y: Array, grid: Grid) -> Any:
        return patch_slabs(Y, grid, self.geometry.stencil_shape, self.geometry.boundary)

    def _regrouped(self, *arrays: Array) -> tuple[Any, ...]:
        """Return grid and arrays; for a stencil of one entry, lines count as examples.

        Such a stencil only mixes channels. The views hold the same numbers; products get fewer and wider.
        """
        grid = self.geometry.grid
        if math.prod(self.geometry.stencil_shape) > 1:
            return (grid, *arrays)
        *leading, last = grid.shape
        return (Grid(tuple(leading) or (1,)), *[X.reshape(-1, last * X.shape[1]) for X in arrays])

    def _stencils(self, weights: Array, channels: int) -> Array:
        """Undo the ordering of ``_weights``: (rows, K·channels) to (rows, channels, *stencil), a view."""
        *leading, last = self.geometry.stencil_shape
        ordered = weights.reshape(weights.shape[0], last, *leading, channels)
        return ordered.transpose(0, ordered.ndim - 1, *range(2, ordered.ndim - 1), 1)


def _contiguous(*arrays: Array) -> tuple[Array, ...]:
    """Return the array module, and the arrays in C order (copied only if they are not)."""
    xp = backend_of(*arrays).xp
    return (xp, *[xp.ascontiguousarray(array) for array in arrays])


def _weights(S: Array, Y: Array) -> tuple[Array, Array]:
    """Return S as the matrix (rows, K·channels) that multiplies patches, and Y, both in a common dtype."""
    last_first = S.transpose(0, S.ndim - 1, *range(2, S.ndim - 1), 1)
    xp = backend_of(Y).xp
    dtype = xp.result_type(S.dtype, Y.dtype)
    # In C order whatever the order of S, so that the bits of the result depend on the values alone.
    return xp.ascontiguousarray(last_first.reshape(S.shape[0], -1), dtype=dtype), Y.astype(dtype, copy=False)
