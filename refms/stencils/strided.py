"""Every second cell of a convolution, D K(S), without the cells in between: stride 2 of deep learning.

P_{(κ,c),(i,e)} = Y_{c,2i+κ,e} for the kept cells 2i; then D K(S) Y is W P with W_{o,(κ,c)} = S_{o,c,κ}, the
gradient Σ Z Pᵀ, and K(S)ᵀ Dᵀ Z adds the rows of Wᵀ Z to the cells 2i + κ that they stand for.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from refms.backend import NUMPY, Backend, backend_of
from refms.display import short_repr
from refms.elementwise import finish
from refms.errors import Array
from refms.grid import Grid
from refms.stencils.convolution import Convolution
from refms.stencils.routes.im2col import LEAST_COLUMNS, PIECE_BYTES
from refms.stencils.routes.route import ZERO, Route, added, of_one_dtype, summed

FEW_EXAMPLES, FEW_CHANNELS = 4, 32
"""Below either the tiles of K over all cells were faster on a CPU than patches of every second one."""


def halved(grid: Grid) -> Grid:
    """Return the mesh of the cells 0, 2, 4, … along each axis.

    >>> halved(Grid((5, 4))).shape
    (3, 2)
    """
    return Grid(tuple((n + 1) // 2 for n in grid.shape))


def thin_out(Y: Array, grid: Grid) -> Array:
    """Return D Y: the cells 0, 2, 4, … along each axis of fields (c·n, m)."""
    return Y.reshape(-1, *grid.shape, Y.shape[1])[_kept(grid)].copy().reshape(-1, Y.shape[1])


def fill_in(Z: Array, grid: Grid) -> Array:
    """Return Dᵀ Z: fields (c·⌈n/2⌉, m) with zeros in the cells between."""
    channels = len(Z) // halved(grid).cells
    field = backend_of(Z).xp.zeros((channels, *grid.shape, Z.shape[1]), dtype=Z.dtype)
    field[_kept(grid)] = Z.reshape(field[_kept(grid)].shape)
    return field.reshape(-1, Z.shape[1])


def _kept(grid: Grid) -> tuple[slice, ...]:
    return (slice(None), *[slice(None, None, 2)] * grid.dimension)


@dataclass(frozen=True)
class StridedConvolution:
    """The map (S, Y) ↦ D K(S) Y: a convolution K, and of its result the cells 0, 2, 4, … along each axis.

    Parameters
    ----------
    full : Convolution
        K, with its grid, channels, stencil shape, boundary, orientation and route.

    Notes
    -----
    Stride 2 of deep learning; :func:`~refms.maps.convolution_map` makes a layer of it. Products equal those
    of the kept rows of K(S) up to round-off. S has shape (c_out, c_in, *stencil), Y (c_in·n, m), the result
    (c_out · Π ⌈n_j/2⌉, m), as :class:`~refms.stencils.Convolution` has them.

    Examples
    --------
    >>> import numpy as np
    >>> D = StridedConvolution(Convolution(Grid((4,)), stencil_shape=(3,)))
    >>> (D.matrix(np.array([[[-1.0, 0.0, 2.0]]])) @ np.array([1.0, 2.0, 3.0, 4.0])).tolist()
    [0.0, 6.0]
    """

    full: Convolution

    __repr__ = short_repr

    @property
    def c_out(self) -> int:
        """Channels of the result."""
        return self.full.c_out

    @property
    def stencils_shape(self) -> tuple[int, ...]:
        """Shape (c_out, c_in, *stencil) of S."""
        return self.full.stencils_shape

    @property
    def rows_in(self) -> int:
        """Rows c_in·n of Y."""
        return self.full.rows_in

    @property
    def rows_out(self) -> int:
        """Rows of D K(S) Y, c_out on each kept cell."""
        return self.full.c_out * halved(self.full.grid).cells

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one product and example."""
        return math.prod(self.stencils_shape) * halved(self.full.grid).cells

    def matrix(self, S: Array) -> Any:
        """Return D K(S), a csr_array, rows of K(S): the definition."""
        rows = backend_of(S).xp.arange(self.full.rows_out)[:, None]
        return self.full.matrix(S)[thin_out(rows, self.full.grid)[:, 0]]

    def route_for(self, dtype: Any, examples: int, backend: Backend = NUMPY) -> Route:
        """Return the products, as :meth:`~refms.stencils.convolution.Convolution.route_for` does."""
        K = self.full
        few = examples < FEW_EXAMPLES or K.c_in < FEW_CHANNELS
        wraps_often = any(size // 2 > n for size, n in zip(K.stencil_shape, K.grid.shape, strict=True))
        if few or wraps_often:
            return _over_all_cells(K, K.route_for(dtype, examples, backend), backend)
        return _by_patches(K, examples, backend)


def _over_all_cells(K: Convolution, route: Route, backend: Backend) -> Route:
    """Return the products by those of K: D (K(S) Y), K(S)ᵀ (Dᵀ Z)."""
    grid = K.grid

    def adjoint(S: Array, Z: Array, add: Array | None = None) -> Array:
        return route.adjoint(S, fill_in(Z, grid), add)

    def gradient(Z: Array, Y: Array) -> Array:
        return route.gradient(fill_in(Z, grid), Y)

    def adjoint_and_gradient(S: Array, Z: Array, Y: Array, add: Array | None = None) -> tuple[Array, Array]:
        return route.adjoint_and_gradient(S, fill_in(Z, grid), Y, add)

    combine = summed(lambda S, Y: thin_out(route.combine([(S, Y)]), grid), backend)
    return Route(combine, adjoint, gradient, adjoint_and_gradient)


def _by_patches(K: Convolution, examples: int, backend: Backend) -> Route:
    """Return the products by patches of the kept cells, a few lines at a time."""
    xp, grid, half, sizes = backend.xp, K.grid.shape, halved(K.grid).shape, K.stencil_shape
    reach = [size // 2 for size in sizes]
    entries = list(itertools.product(*map(range, sizes)))
    mirror = (slice(None),) * 2 + (slice(None, None, 1 if K.orientation == "correlation" else -1),) * len(
        sizes
    )
    line = math.prod(half[1:]) * examples  # columns of P in one line

    def weights(S: Array, Y: Array) -> tuple[Array, Array]:
        W = xp.ascontiguousarray(S[mirror].transpose(0, *range(2, S.ndim), 1)).reshape(len(S), -1)
        return of_one_dtype(W, xp.ascontiguousarray(Y), xp)

    def at(field: Array, q: tuple[int, ...], lines: slice) -> Array:
        """Return the view of the cells 2i + κ, κ = q − reach, of a field with its border."""
        cells = (slice(a, a + 2 * n - 1, 2) for a, n in zip(q, half, strict=True))
        return field[(slice(None), *cells)][:, lines]

    def pieces(rows: int, itemsize: int) -> Iterator[tuple[slice, slice]]:
        """Yield lines of kept cells and their columns."""
        columns = max(LEAST_COLUMNS, PIECE_BYTES[backend.name] // (rows * itemsize))
        height = max(1, columns // line)
        for top in range(0, half[0], height):
            bottom = min(top + height, half[0])
            yield slice(top, bottom), slice(top * line, bottom * line)

    def patches(Y: Array) -> Iterator[tuple[slice, Array]]:
        """Yield columns and their P (K·c, columns), whose memory is used anew."""
        field = _with_border(Y.reshape(-1, *grid, examples), reach, K.boundary)
        rows = len(entries) * len(field)
        for lines, columns in pieces(rows, Y.dtype.itemsize):
            P = xp.empty(
                (len(entries), len(field), lines.stop - lines.start, *half[1:], examples), dtype=Y.dtype
            )
            for P_q, q in zip(P, entries, strict=True):
                P_q[...] = at(field, q, lines)
            yield columns, P.reshape(rows, -1)

    def correlate(S: Array, Y: Array) -> Array:
        W, Y = weights(S, Y)
        out = xp.empty((len(S), half[0] * line), dtype=Y.dtype)
        for columns, P in patches(Y):
            xp.matmul(W, P, out=out[:, columns])
        return out.reshape(-1, examples)

    def adjoint(S: Array, Z: Array, add: Array | None = None) -> Array:
        W, Z = weights(S, Z)
        channels, Z = S.shape[1], Z.reshape(len(S), -1)
        wide = [n + 2 * r for n, r in zip(grid, reach, strict=True)]
        field = xp.zeros((channels, *wide, examples), dtype=Z.dtype)
        for lines, columns in pieces(W.shape[1], Z.dtype.itemsize):
            G = (W.T @ Z[:, columns]).reshape(len(entries), channels, -1, *half[1:], examples)
            for G_q, q in zip(G, entries, strict=True):
                at(field, q, lines)[...] += G_q
        return finish(backend, _folded(field, grid, reach, K.boundary).reshape(-1, examples), None, None, add)

    def gradient(Z: Array, Y: Array) -> Array:
        Z, total = xp.ascontiguousarray(Z).reshape(K.c_out, -1), ZERO
        for columns, P in patches(xp.ascontiguousarray(Y)):
            total = added(total, Z[:, columns] @ P.T)
        return (
            total.reshape(K.c_out, *sizes, K.c_in).transpose(0, -1, *range(1, 1 + len(sizes)))[mirror].copy()
        )

    def adjoint_and_gradient(S: Array, Z: Array, Y: Array, add: Array | None = None) -> tuple[Array, Array]:
        return adjoint(S, Z, add), gradient(Z, Y)

    return Route(summed(correlate, backend), adjoint, gradient, adjoint_and_gradient)


def _with_border(field: Array, reach: list[int], boundary: str) -> Array:
    """Return a field (c, *grid, m) with what K(s) reads beyond the mesh: zeros, or the other end."""
    border = [(0, 0), *((r, r) for r in reach), (0, 0)]
    mode = "wrap" if boundary == "periodic" else "constant"
    return backend_of(field).xp.pad(field, border, mode=mode)


def _folded(field: Array, grid: tuple[int, ...], reach: list[int], boundary: str) -> Array:
    """Return the transpose of ``_with_border``: a periodic border is added to the other end."""
    for axis, (n, r) in enumerate(zip(grid, reach, strict=True), start=1):
        wide = field.swapaxes(0, axis)
        own = wide[r : r + n]
        if r and boundary == "periodic":
            own[n - r :] += wide[:r]
            own[:r] += wide[n + r :]
        field = own.swapaxes(0, axis)
    return field
