"""Which way K(S) is applied: one table by backend, dtype and size."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

from refms.backend import Backend
from refms.errors import InputError
from refms.stencils.routes.explicit import matrix_products
from refms.stencils.routes.fourier import fourier_products
from refms.stencils.routes.patches import patch_products
from refms.stencils.routes.route import Geometry, Products

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
    if name == "fourier":
        return fourier_products(geometry, backend)
    return (
        matrix_products(geometry, backend)
        if name == "matrix"
        else patch_products(geometry, examples, backend)
    )
