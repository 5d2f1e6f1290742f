"""Which way K(S) is applied: one table by backend, dtype and size."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

from refms.backend import Backend
from refms.errors import Array, InputError
from refms.stencils.routes.explicit import matrix_products
from refms.stencils.routes.fourier import fourier_products
from refms.stencils.routes.patches import patch_products
from refms.stencils.routes.route import Geometry, Products, Terms

ROUTES = ("auto", "matrix", "patches", "fourier", "compiled")

COMPILED = importlib.util.find_spec("numba") is not None
"""Whether the compiled route can be taken here (extra ``fast``)."""

COMPILED_FROM = 2_000_000
"""Multiply-adds of one product from which the compiled route is taken: below, numba need not be loaded."""

FOURIER_FROM = 150
"""Entries of a stencil from which the FFT takes less time than patches."""


def choose(name: str, stencil_shape: tuple[int, ...], multiply_adds: int, dtype: str, backend: str) -> str:
    """Return the name of the route for a product of so many multiply-adds; all but ``"auto"`` as they are.

    >>> choose("auto", (3, 3), 1000, "float64", "numpy")
    'patches'
    """
    takes = backend == "numpy" and dtype in ("float32", "float64")
    if name == "compiled" and not (COMPILED and takes):
        why = (
            f"takes float32 and float64 NumPy arrays, not {dtype} on {backend}"
            if COMPILED
            else "needs numba, the extra `fast` (pip install 'refms[fast]')"
        )
        raise InputError(f"the route 'compiled' {why}; take route 'auto'.")
    if name != "auto":
        return name
    if COMPILED and takes and multiply_adds >= COMPILED_FROM:
        return "compiled"
    return "fourier" if math.prod(stencil_shape) >= FOURIER_FROM else "patches"


def products(name: str, geometry: Geometry, dtype: Any, examples: int, backend: Backend) -> Products:
    """Return the products of the route of that name, as :func:`choose` returns it."""
    if name == "compiled":
        from refms.stencils.routes.compiled import compiled_products  # numba is an extra, and slow to load

        return compiled_products(geometry, dtype, examples)
    exact = matrix_products(geometry, backend)
    if name == "matrix":
        return exact
    patches = patch_products(geometry, examples, backend)
    if geometry.boundary == "zero" and backend.name == "numpy":  # a device would have to be waited for
        patches = _with_stencils_not_finite(patches, exact, backend.xp)
    if name == "patches":
        return patches
    return fourier_products(geometry, backend, patches)


def _with_stencils_not_finite(quick: Products, exact: Products, xp: Any) -> Products:
    """Return products by patches, which multiply S and Z by zeros beyond the grid, where NaN · 0 is NaN."""

    def combine(
        terms: Terms, bias: Array | None = None, factor: Array | None = None, add: Array | None = None
    ) -> Array:
        for S, _ in terms:
            if not xp.isfinite(S).all():
                return exact.combine(terms, bias, factor, add)
        return quick.combine(terms, bias, factor, add)

    def gradient(Z: Array, Y: Array) -> Array:
        found = quick.gradient(Z, Y)
        return found if xp.isfinite(found).all() else exact.gradient(Z, Y)

    def adjoint_and_gradient(T: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        found = quick.adjoint_and_gradient(T, Z, Y, add)
        if xp.isfinite(T).all() and xp.isfinite(found[1]).all():
            return found
        return exact.adjoint_and_gradient(T, Z, Y, add)

    return Products(combine, gradient, adjoint_and_gradient)
