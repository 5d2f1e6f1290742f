"""One entry κ of the stencil after the other, over the cells i whose neighbour i + κ is on the grid.

K(S) Y = Σ_κ S_κ Y_{·+κ} and the gradient Σ_i Z_i Y_{i+κ}ᵀ: no zero beyond the grid is a factor, so
that NaN and infinity go exactly where the formula sends them. Slower than the other ways.
"""

from __future__ import annotations

from refms.backend import Backend
from refms.errors import Array
from refms.stencils.routes.neighbours import neighbours, offsets_of
from refms.stencils.routes.route import Geometry, Products, of_one_dtype, summed


def entry_products(geometry: Geometry, examples: int, backend: Backend) -> Products:
    """Return the products entry by entry; any dtype, NumPy or CuPy."""
    xp, sizes, n = backend.xp, geometry.stencil_shape, geometry.grid.cells

    def pairs() -> list[tuple[Array, Array]]:
        """Return for each entry the cells i with a neighbour on the grid, and the neighbours."""
        cells, inside = neighbours(geometry.grid.shape, [offsets_of(k) for k in sizes], geometry.boundary)
        return [
            (backend.from_host(acts.nonzero()[0]), backend.from_host(reached[acts]))
            for reached, acts in zip(cells.T, inside.T, strict=True)
        ]

    def by_cell(Y: Array) -> Array:
        return Y.reshape(-1, n, examples)

    def correlate(S: Array, Y: Array) -> Array:
        S, Y = of_one_dtype(S.reshape(*S.shape[:2], -1), by_cell(Y), xp)
        out = xp.zeros((len(S), n, examples), dtype=Y.dtype)
        for entry, (here, there) in enumerate(pairs()):
            out[:, here] += xp.tensordot(S[:, :, entry], Y[:, there], 1)
        return out.reshape(-1, examples)

    def gradient(Z: Array, Y: Array) -> Array:
        Z, Y = of_one_dtype(by_cell(Z), by_cell(Y), xp)
        taps = [xp.tensordot(Z[:, here], Y[:, there], ((1, 2), (1, 2))) for here, there in pairs()]
        return xp.stack(taps, axis=-1).reshape(len(Z), len(Y), *sizes)

    def adjoint_and_gradient(T: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        return combine([(T, Z)], None, None, add), gradient(Z, Y)

    combine = summed(correlate, backend)
    return Products(combine, gradient, adjoint_and_gradient)
