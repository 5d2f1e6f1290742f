"""The route over the Fourier transform: a block-circulant matrix is one small matrix per frequency.

(K(S) Y)_o = F⁻¹ Σ_c λ_{o,c} ∘ F Y_c with the symbol λ(ω) = Σ_κ S_κ e^{iω·κ}, which is the transform of S laid
around cell 0 at -κ. The gradient Σ_i Z_{o,i} Y_{c,i+κ} is F⁻¹ (F Z(-ω) ∘ F Y) at cell κ. A zero boundary is a
periodic one on a grid with a border of r zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.backend import Backend
from refms.elementwise import finish
from refms.errors import Array
from refms.stencils.routes.neighbours import offsets_of
from refms.stencils.routes.route import Geometry, Products, Terms


def fourier_products(geometry: Geometry, backend: Backend, exact: Products) -> Products:
    """Return the products by FFTs along the grid axes, whose work does not grow with n_K; any dtype.

    An FFT mixes all cells of an image, so that one NaN makes all of them NaN: what is not finite comes from
    ``exact``.
    """
    xp, shape, sizes = backend.xp, geometry.grid.shape, geometry.stencil_shape
    border = [0 if geometry.boundary == "periodic" else size // 2 for size in sizes]
    extents = tuple(n + r for n, r in zip(shape, border, strict=True))
    axes = tuple(range(len(extents)))

    def cells_of_offsets(sign: int) -> tuple[Array, ...]:
        """Return the cells sign·κ of all offsets κ as an open mesh of indices."""
        return np.ix_(*[(sign * offsets_of(k)) % n for k, n in zip(sizes, extents, strict=True)])

    def transform(field: Array, real: bool) -> Array:
        # Half of the spectrum of a real field is enough.
        return xp.fft.rfftn(field, axes=axes) if real else xp.fft.fftn(field, axes=axes)

    def back(spectrum: Array, real: bool) -> Array:
        if real:
            return xp.fft.irfftn(spectrum, s=extents, axes=axes)
        return xp.fft.ifftn(spectrum, axes=axes)

    def images(Y: Array) -> Array:
        """Return columns (c·n, m) as (*extents, c, m), zeros beyond the grid."""
        zeros = [(0, 0), *[(0, r) for r in border], (0, 0)]
        return xp.moveaxis(xp.pad(Y.reshape(-1, *shape, Y.shape[1]), zeros), 0, -2)

    def laid(S: Array) -> Array:
        """Return stencils as (*extents, c_out, c_in) with S_κ at cell -κ; what meets there adds up."""
        field = xp.zeros((*extents, *S.shape[:2]), dtype=S.dtype)
        cells = [axis.reshape(-1) for axis in np.broadcast_arrays(*cells_of_offsets(-1))]
        for entry, cell in enumerate(zip(*cells, strict=True)):
            field[tuple(int(i) for i in cell)] += S.reshape(*S.shape[:2], -1)[:, :, entry]
        return field

    def combine(
        terms: Terms, bias: Array | None = None, factor: Array | None = None, add: Array | None = None
    ) -> Array:
        real = not any(array.dtype.kind == "c" for term in terms for array in term)
        total: Any = 0
        for S, Y in terms:
            total = total + transform(laid(S), real) @ transform(images(Y), real)
        found = back(total, real)[tuple(map(slice, shape))]
        columns = xp.ascontiguousarray(xp.moveaxis(found, -2, 0)).reshape(-1, found.shape[-1])
        columns = finish(backend, columns, bias, factor, add)
        return columns if bool(xp.isfinite(columns).all()) else exact.combine(terms, bias, factor, add)

    def gradient(Z: Array, Y: Array) -> Array:
        real = not any(array.dtype.kind == "c" for array in (Z, Y))
        reversed_Z = transform(images(Z.conj()), real).conj()
        product = reversed_Z @ transform(images(Y), real).swapaxes(-1, -2)
        cells = tuple(map(xp.asarray, cells_of_offsets(+1)))
        found = xp.moveaxis(back(product, real)[cells], (-2, -1), (0, 1))
        return found if bool(xp.isfinite(found).all()) else exact.gradient(Z, Y)

    def adjoint_and_gradient(T: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        return combine([(T, Z)], None, None, add), gradient(Z, Y)

    return Products(combine, gradient, adjoint_and_gradient)
