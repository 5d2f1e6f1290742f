"""Which way K(S) is applied: one table by backend, dtype and size."""

from __future__ import annotations

import importlib.util
import math
from functools import cache
from typing import Any

import numpy as np

from refms.backend import Backend
from refms.errors import Array, InputError
from refms.stencils.routes.entries import entry_products
from refms.stencils.routes.explicit import matrix_products
from refms.stencils.routes.fourier import fourier_products
from refms.stencils.routes.im2col import im2col_products
from refms.stencils.routes.patches import patch_products
from refms.stencils.routes.route import Geometry, Products, Terms
from refms.stencils.routes.tiles import TileMaps

ALLOWED = "auto+winograd"
"""The name of ``"auto"`` where Winograd's larger round-off is allowed."""

ROUTES = ("auto", "matrix", "patches", "im2col", "fourier", "compiled", "winograd", ALLOWED)

COMPILED = importlib.util.find_spec("numba") is not None
"""Whether the compiled route can be taken here (extra ``fast``)."""

COMPILED_FROM = 2_000_000
"""Multiply-adds of one product from which the compiled route is taken: below, numba need not be loaded."""

IM2COL_FROM, ALWAYS_IM2COL_FROM = 16, 96
"""Channels on both sides from which im2col sometimes takes less time than the compiled route, and always.

Between them it does where a row, the examples of one cell, has fewer bytes than there are channels: the
compiled kernel reads all stencils for each row. All numbers here are measured: scripts/routes.py,
validation/benchmarks/routes.json; the narrow nets of [LAS] stay with the kernel that was made for them."""

IM2COL_WITHOUT_AVX512_FROM = 32
"""The same on a machine with shorter registers, for any number of examples: routes_without_avx512.json."""

IM2COL_WITHOUT_NUMBA_FROM = 16
"""The same beside patches, for fewer examples than channels; more make one cell's product large enough."""

WINOGRAD_FROM, TILED_CELLS = 32, 512
"""Channels on both sides, and cells of all examples, from which Winograd's tiles take the least time.

With fewer cells each of the 36 matrix products has few columns and reads as many numbers of S as there are.
Where im2col is what else there is, compiled tiles are ahead from ``IM2COL_FROM`` channels on."""

FOURIER_FROM = 150
"""Entries of a stencil from which the FFT takes less time than patches."""


def choose(
    name: str,
    stencils_shape: tuple[int, ...],
    examples: int,
    multiply_adds: int,
    dtype: str,
    backend: str,
) -> str:
    """Return the name of the route for S of that shape and so many multiply-adds.

    >>> choose("auto", (4, 4, 3, 3), 8, 1000, "float64", "numpy")
    'patches'
    >>> choose("auto", (128, 128, 3, 3), 8, 10**9, "float64", "numpy")
    'im2col'
    >>> choose("auto+winograd", (128, 128, 3, 3), 8, 10**9, "float64", "numpy")
    'winograd'
    """
    takes = backend == "numpy" and dtype in ("float32", "float64")
    if name == "compiled" and not (COMPILED and takes):
        why = (
            f"takes float32 and float64 NumPy arrays, not {dtype} on {backend}"
            if COMPILED
            else "needs numba, the extra `fast` (pip install 'refms[fast]')"
        )
        raise InputError(f"the route 'compiled' {why}; take route 'auto'.")
    if name == ALLOWED:
        channels = min(stencils_shape[:2])
        least = IM2COL_FROM if COMPILED and takes and _is_wide(channels, examples, dtype) else WINOGRAD_FROM
        wide = stencils_shape[2:] == (3, 3) and channels >= least
        many = multiply_adds >= TILED_CELLS * math.prod(stencils_shape)
        name = "winograd" if wide and many else "auto"
    if name != "auto":
        return name
    entries, channels = math.prod(stencils_shape[2:]), min(stencils_shape[:2])
    if takes and entries < FOURIER_FROM and _is_wide(channels, examples, dtype):
        return "im2col"
    if COMPILED and takes and multiply_adds >= COMPILED_FROM:
        return "compiled"
    return "fourier" if entries >= FOURIER_FROM else "patches"


def _is_wide(channels: int, examples: int, dtype: str) -> bool:
    """Return whether im2col takes less time than what there is else, for 3×3 entries."""
    if not COMPILED:
        return channels >= IM2COL_WITHOUT_NUMBA_FROM and examples < channels
    if channels < IM2COL_FROM or not has_avx512():
        return channels >= IM2COL_WITHOUT_AVX512_FROM
    return channels >= ALWAYS_IM2COL_FROM or examples * np.dtype(dtype).itemsize < channels


@cache
def has_avx512() -> bool:
    """Return whether the compiled route has registers of 64 bytes here."""
    import llvmlite.binding  # comes with numba, an extra

    return bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))


def products(name: str, geometry: Geometry, dtype: Any, examples: int, backend: Backend) -> Products:
    """Return the products of the route of that name, as :func:`choose` returns it."""
    if name == "compiled":
        from refms.stencils.routes.compiled import compiled_products  # numba is an extra, and slow to load

        return compiled_products(geometry, dtype, examples)
    if name == "matrix":
        return matrix_products(geometry, backend)
    if name == "winograd":
        from refms.stencils.routes.winograd import winograd_products  # computes its matrices

        quick = winograd_products(geometry, examples, backend, _tile_maps(geometry, dtype, backend))
    else:
        quick = (im2col_products if name == "im2col" else patch_products)(geometry, examples, backend)
    if backend.name == "numpy" and (name == "winograd" or geometry.boundary == "zero"):  # a device would wait
        exact = entry_products(geometry, examples, backend)
        quick = _where_finite(quick, exact, backend.xp, results=name == "winograd")
    return fourier_products(geometry, backend, quick) if name == "fourier" else quick


def _tile_maps(geometry: Geometry, dtype: Any, backend: Backend) -> TileMaps | None:
    """Return compiled maps of tiles where there are some."""
    takes = backend.name == "numpy" and dtype in ("float32", "float64") and geometry.grid.dimension == 2
    if not (COMPILED and takes):
        return None
    from refms.stencils.routes.compiled_tiles import compiled_tile_maps  # likewise

    return compiled_tile_maps(geometry)


def _where_finite(quick: Products, exact: Products, xp: Any, *, results: bool) -> Products:
    """Return ``quick``, or ``exact`` where NaN or infinity would spread: 0 · NaN is NaN.

    Patches multiply S and Z by zeros beyond the grid; with ``results``, tiles do so with all of a field.
    """
    finite = xp.isfinite

    def combine(
        terms: Terms, bias: Array | None = None, factor: Array | None = None, add: Array | None = None
    ) -> Array:
        for S, _ in terms:
            if not finite(S).all():
                return exact.combine(terms, bias, factor, add)
        found = quick.combine(terms, bias, factor, add)
        if results and not finite(found).all():
            return exact.combine(terms, bias, factor, add)
        return found

    def gradient(Z: Array, Y: Array) -> Array:
        found = quick.gradient(Z, Y)
        return found if finite(found).all() else exact.gradient(Z, Y)

    def adjoint_and_gradient(T: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        gY, gS = quick.adjoint_and_gradient(T, Z, Y, add)
        if finite(T).all() and finite(gS).all() and not (results and not finite(gY).all()):
            return gY, gS
        return exact.adjoint_and_gradient(T, Z, Y, add)

    return Products(combine, gradient, adjoint_and_gradient)
