"""The route over patches: gathered slab by slab, each multiplied by the stencils as one matrix (GEMM)."""

from __future__ import annotations

from refms.backend import Backend
from refms.elementwise import finish
from refms.errors import Array
from refms.stencils.routes.route import ZERO, Geometry, Products, flip, of_one_dtype, summed
from refms.stencils.routes.slabs import lines_of, patches_of


def patch_products(geometry: Geometry, examples: int, backend: Backend) -> Products:
    """Return the products by patches; any dtype, NumPy or CuPy."""
    xp, n, sizes = backend.xp, geometry.grid.cells, geometry.stencil_shape
    lines, patches_in = lines_of(geometry, examples), patches_of(geometry, examples, backend)
    # (rows, channel, κ_1, …, κ_d) to (rows, κ_d, κ_1, …, κ_{d-1}, channel), the order in a patch, and back
    last_first = (0, len(sizes) + 1, *range(2, len(sizes) + 1), 1)

    def weights(S: Array, Y: Array) -> tuple[Array, Array]:
        """Return S as the matrix (rows, K·channels) that multiplies patches, and Y, in a common dtype."""
        # In C order whatever the order of S, so that the bits of the result depend on the values alone.
        W = xp.ascontiguousarray(S.transpose(last_first).reshape(len(S), -1))
        return of_one_dtype(W, xp.ascontiguousarray(Y), xp)

    def stencils(W: Array, channels: int) -> Array:
        return W.reshape(len(W), sizes[-1], *sizes[:-1], channels).transpose(last_first)

    def correlate(S: Array, Y: Array) -> Array:
        W, Y = weights(S, Y)
        out = xp.empty((len(S) * n, examples), dtype=Y.dtype)
        out_lines = lines(out)
        for where, patches in patches_in(Y, S.shape[1]):
            xp.matmul(W, patches, out=out_lines[where])
        return out

    def gradient(Z: Array, Y: Array) -> Array:
        Y, Z_lines = xp.ascontiguousarray(Y), lines(xp.ascontiguousarray(Z))
        channels, total = len(Y) // n, ZERO
        for where, patches in patches_in(Y, channels):
            total = total + xp.matmul(patches, Z_lines[where].swapaxes(-1, -2)).sum(axis=(0, 1))
        return stencils(total.T, channels)

    def adjoint_and_gradient(T: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        # Σ_i Z_{o,i} Y_{c,i+κ} = Σ_j Z_{o,j-κ} Y_{c,j}: the patches of Z hold both sums' first factor.
        (W, Z), channels, total = weights(T, Z), T.shape[1], ZERO
        out = xp.empty((len(T) * n, examples), dtype=Z.dtype)
        out_lines, Y_lines = lines(out), lines(xp.ascontiguousarray(Y))
        for where, patches in patches_in(Z, channels):
            xp.matmul(W, patches, out=out_lines[where])
            total = total + xp.matmul(patches, Y_lines[where].swapaxes(-1, -2)).sum(axis=(0, 1))
        found = flip(stencils(total.T, channels).swapaxes(0, 1))
        return finish(backend, out, None, None, add), found

    return Products(summed(correlate, backend), gradient, adjoint_and_gradient)
