"""Which way K(S) is applied: one table by backend, dtype and size."""

from __future__ import annotations

import importlib.util
import math

from refms.errors import InputError, require_choice
from refms.stencils.routes.explicit import ExplicitRoute
from refms.stencils.routes.fourier import FourierRoute
from refms.stencils.routes.patches import PatchRoute
from refms.stencils.routes.route import Geometry, Route
from refms.stencils.routes.runs import Runs

ROUTES = ("auto", "matrix", "patches", "fourier", "compiled")

COMPILED = importlib.util.find_spec("numba") is not None
"""Whether the compiled route can be taken here (extra ``fast``)."""

COMPILED_FROM = 2_000_000
"""Multiply-adds of one product from which the compiled route is taken: below, numba need not be loaded."""

FOURIER_FROM = 150
"""Entries of a stencil from which the FFT takes less time than patches."""


def chosen(name: str, geometry: Geometry, multiply_adds: int, dtype: str, backend: str) -> str:
    """Return the name of the route for one product.

    Parameters
    ----------
    name : str
        One of ``ROUTES``; all but ``"auto"`` are returned as they are.
    geometry : Geometry
        Where the stencils act.
    multiply_adds : int
        Of the product, for all its examples.
    dtype : str
        dtype of the result.
    backend : str
        ``"numpy"`` or ``"cupy"``.

    Returns
    -------
    str
        One of ``ROUTES``, not ``"auto"``.

    Raises
    ------
    InputError
        If the name is unknown, or the compiled route is asked for where it cannot be taken.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> chosen("auto", Geometry(Grid((8, 8)), (3, 3), "periodic"), 1000, "float64", "numpy")
    'patches'
    """
    require_choice(name, ROUTES, "route")
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
    return "fourier" if math.prod(geometry.stencil_shape) >= FOURIER_FROM else "patches"


def route(name: str, geometry: Geometry, runs: Runs | None = None) -> Route:
    """Return the route of that name, ``"auto"`` excepted.

    Parameters
    ----------
    name : str
        As :func:`chosen` returns it.
    geometry : Geometry
        Where the stencils act.
    runs : Runs or None
        For the compiled route: the cells of the geometry in runs.

    Returns
    -------
    Route
        The route.
    """
    if name == "compiled":
        from refms.stencils.routes.compiled import CompiledRoute  # numba is an extra, and slow to load

        assert runs is not None
        return CompiledRoute(geometry, runs)
    if name == "fourier":
        return FourierRoute(geometry)
    return ExplicitRoute(geometry) if name == "matrix" else PatchRoute(geometry)
