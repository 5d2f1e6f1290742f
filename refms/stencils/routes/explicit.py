"""The route over the explicit sparse matrix K(S); any dtype, NumPy or CuPy. Slow, and beyond doubt."""

from __future__ import annotations

from typing import Any

from refms.backend import Backend
from refms.elementwise import finish
from refms.errors import Array
from refms.stencils.routes.assembly import assemble
from refms.stencils.routes.route import Geometry, Products, Terms, flip


def matrix_products(geometry: Geometry, backend: Backend) -> Products:
    """Return the products by assembling K(S).

    The gradient is ∂⟨Z, K(S)Y⟩/∂S_{o,c,κ} = ⟨Z_o, Π_κ Y_c⟩ with Π_κ = K(δ_κ), one shift matrix an entry.
    """
    xp, grid, sizes = backend.xp, geometry.grid, geometry.stencil_shape

    def matrix(S: Array) -> Any:
        return assemble(grid, tuple(S.shape), geometry.boundary, False, str(S.dtype), backend).matrix(S)

    def combine(
        terms: Terms, bias: Array | None = None, factor: Array | None = None, add: Array | None = None
    ) -> Array:
        total = sum(matrix(S) @ Y for S, Y in terms)
        return finish(backend, xp.ascontiguousarray(total), bias, factor, add)

    def gradient(Z: Array, Y: Array) -> Array:
        images, cotangents = (X.reshape(-1, grid.cells, X.shape[1]) for X in (Y, Z))
        dtype = xp.result_type(Z, Y)
        pattern = assemble(grid, (1, 1, *sizes), geometry.boundary, False, str(dtype), backend)
        found = xp.empty((len(cotangents), len(images), *sizes), dtype=dtype)
        flat = found.reshape(len(cotangents), len(images), -1)
        for entry in range(flat.shape[-1]):
            delta = xp.zeros((1, 1, *sizes), dtype=dtype)
            delta.reshape(-1)[entry] = 1
            shift = pattern.matrix(delta).copy()
            shift.eliminate_zeros()  # of the other entries: 0 · NaN is NaN
            inside = (xp.diff(shift.indptr) > 0)[:, None]
            for c, image in enumerate(images):
                flat[:, c, entry] = xp.where(inside, cotangents * (shift @ image), 0).sum(axis=(1, 2))
        return found

    def adjoint_and_gradient(T: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        adjoint = xp.ascontiguousarray(matrix(flip(T.swapaxes(0, 1))).T @ Z)
        return finish(backend, adjoint, None, None, add), gradient(Z, Y)

    return Products(combine, gradient, adjoint_and_gradient)
