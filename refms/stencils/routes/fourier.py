"""The route over the Fourier transform: a block-circulant matrix is one small matrix per frequency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.errors import Array
from refms.stencils.patches import offsets_of
from refms.stencils.routes.route import Geometry, Term, finished


@dataclass(frozen=True)
class FourierRoute:
    """K(S) Y by FFTs along the grid axes, whose work does not depend on n_K; any dtype, NumPy or CuPy.

    Parameters
    ----------
    geometry : Geometry
        Where the stencils act. A zero boundary is a periodic one on a grid with a border of r zeros.

    Notes
    -----
    (K(S) Y)_o = F⁻¹ Σ_c λ_{o,c} ∘ F Y_c with the symbol λ(ω) = Σ_κ S_κ e^{iω·κ}, which is the transform of S
    laid around cell 0 at -κ. The gradient Σ_i Z_{o,i} Y_{c,i+κ} is F⁻¹ (F Z(-ω) ∘ F Y) at cell κ.
    """

    geometry: Geometry

    def combine(
        self, terms: Sequence[Term], bias: Array | None, factor: Array | None, add: Array | None
    ) -> Array:
        """See :class:`~refms.stencils.routes.route.Route`."""
        real = not any(array.dtype.kind == "c" for term in terms for array in term)
        total: Any = 0
        for S, Y in terms:
            symbol = self._transformed(self._laid(S), real)
            images = self._transformed(self._images(Y), real)
            total = total + symbol @ images
        found = self._back(total, real)[tuple(map(slice, self.geometry.grid.shape))]
        xp = backend_of(found).xp
        columns = xp.ascontiguousarray(xp.moveaxis(found, -2, 0)).reshape(-1, found.shape[-1])
        return finished(columns, bias, factor, add)

    def gradient(self, Z: Array, Y: Array) -> Array:
        """See :class:`~refms.stencils.routes.route.Route`."""
        real = not any(array.dtype.kind == "c" for array in (Z, Y))
        xp = backend_of(Y).xp
        reversed_Z = self._transformed(self._images(Z.conj()), real).conj()
        product = reversed_Z @ self._transformed(self._images(Y), real).swapaxes(-1, -2)
        cells = tuple(map(xp.asarray, self._cells_of_offsets(+1)))
        return xp.moveaxis(self._back(product, real)[cells], (-2, -1), (0, 1))

    def adjoint_and_gradient(self, S: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        """See :class:`~refms.stencils.routes.route.Route`."""
        return self.combine([(S, Z)], None, None, add), self.gradient(Z, Y)

    @property
    def _extents(self) -> tuple[int, ...]:
        g = self.geometry
        border = [0 if g.boundary == "periodic" else size // 2 for size in g.stencil_shape]
        return tuple(n + r for n, r in zip(g.grid.shape, border, strict=True))

    def _images(self, Y: Array) -> Array:
        """Return columns (c·n, m) as (*extents, c, m), zeros beyond the grid."""
        xp, grid = backend_of(Y).xp, self.geometry.grid
        images = Y.reshape(-1, *grid.shape, Y.shape[1])
        border = [(0, e - n) for e, n in zip(self._extents, grid.shape, strict=True)]
        return xp.moveaxis(xp.pad(images, [(0, 0), *border, (0, 0)]), 0, -2)

    def _laid(self, S: Array) -> Array:
        """Return stencils as (*extents, c_out, c_in) with S_κ at cell -κ; what meets there adds up."""
        xp = backend_of(S).xp
        laid = xp.zeros((*self._extents, *S.shape[:2]), dtype=S.dtype)
        cells = [axis.reshape(-1) for axis in np.broadcast_arrays(*self._cells_of_offsets(-1))]
        for entry, cell in enumerate(zip(*cells, strict=True)):
            laid[tuple(int(i) for i in cell)] += S.reshape(*S.shape[:2], -1)[:, :, entry]
        return laid

    def _cells_of_offsets(self, sign: int) -> tuple[Array, ...]:
        """Return the cells sign·κ of all offsets κ as an open mesh of indices."""
        return np.ix_(*[
            (sign * offsets_of(size)) % extent
            for size, extent in zip(self.geometry.stencil_shape, self._extents, strict=True)
        ])  # fmt: skip

    def _transformed(self, field: Array, real: bool) -> Array:
        fft, axes = backend_of(field).xp.fft, tuple(range(len(self._extents)))
        # Half of the spectrum of a real field is enough.
        return fft.rfftn(field, axes=axes) if real else fft.fftn(field, axes=axes)

    def _back(self, spectrum: Array, real: bool) -> Array:
        fft, axes = backend_of(spectrum).xp.fft, tuple(range(len(self._extents)))
        if real:
            return fft.irfftn(spectrum, s=self._extents, axes=axes)
        return fft.ifftn(spectrum, axes=axes)
