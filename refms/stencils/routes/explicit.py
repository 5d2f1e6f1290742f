"""The route over the explicit sparse matrix K(S): the definition itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from refms.backend import backend_of
from refms.errors import Array
from refms.stencils.assembly import assemble, flip
from refms.stencils.routes.route import Geometry, Term, finished


@dataclass(frozen=True)
class ExplicitRoute:
    """K(S) Y by assembling K(S); any dtype, NumPy or CuPy. Slow, and beyond doubt.

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
        total = sum(self._matrix(S) @ Y for S, Y in terms)
        xp = backend_of(terms[0][1]).xp
        return finished(xp.ascontiguousarray(total), bias, factor, add)

    def gradient(self, Z: Array, Y: Array) -> Array:
        """See :class:`~refms.stencils.routes.route.Route`.

        Notes
        -----
        ∂⟨Z, K(S)Y⟩/∂S_{o,c,κ} = ⟨Z_o, Π_κ Y_c⟩ with Π_κ = K(δ_κ), one shift matrix for each entry.
        """
        g, backend = self.geometry, backend_of(Y)
        n, sizes = g.grid.cells, g.stencil_shape
        images, cotangents = Y.reshape(-1, n, Y.shape[1]), Z.reshape(-1, n, Z.shape[1])
        dtype = backend.xp.result_type(Z, Y)
        pattern = assemble(g.grid, (1, 1, *sizes), g.boundary, False, str(dtype), backend)
        found = backend.xp.empty((len(cotangents), len(images), *sizes), dtype=dtype)
        flat = found.reshape(len(cotangents), len(images), -1)
        for entry in range(flat.shape[-1]):
            delta = backend.xp.zeros((1, 1, *sizes), dtype=dtype)
            delta.reshape(-1)[entry] = 1
            shift = pattern.matrix(delta)
            for c, image in enumerate(images):
                flat[:, c, entry] = (cotangents * (shift @ image)).sum(axis=(1, 2))
        return found

    def adjoint_and_gradient(self, S: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        """See :class:`~refms.stencils.routes.route.Route`; the adjoint is the transposed matrix."""
        stencil = flip(S.swapaxes(0, 1))
        xp = backend_of(Z).xp
        adjoint = xp.ascontiguousarray(self._matrix(stencil).T @ Z)
        return finished(adjoint, None, None, add), self.gradient(Z, Y)

    def _matrix(self, S: Array) -> Array:
        g = self.geometry
        return assemble(g.grid, tuple(S.shape), g.boundary, False, str(S.dtype), backend_of(S)).matrix(S)
