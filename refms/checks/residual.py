"""The error measure ρ, and the inner products and random vectors of the checks.

Inner products and norms are taken in double precision whatever the precision under test, so that ρ
measures the implementation and not the ruler.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from refms.backend import Backend, backend_of
from refms.errors import Array, InputError, precision
from refms.linear.vectors import norm

Shape = int | Sequence[int]
"""A shape as NumPy takes it: an extent or a sequence of extents."""


def machine_epsilon(dtype: Any) -> float:
    """Return the distance from 1 to the next number of a floating dtype: 1.19e-07 or 2.22e-16.

    Parameters
    ----------
    dtype : dtype or str
        float32, float64, complex64 or complex128.

    Returns
    -------
    float
        2⁻²³ in single precision, 2⁻⁵² in double.

    Raises
    ------
    InputError
        If the dtype is another one.

    Examples
    --------
    >>> machine_epsilon("complex64") == 2.0**-23
    True
    """
    single = precision(np.empty(0, dtype), "dtype") == "single"
    return 2.0**-23 if single else 2.0**-52


def scaled_residual(got: Array, expected: Array, scale: float, dtype: Any = None) -> float:
    """Return ρ = ‖got − expected‖ / (eps(dtype) · scale), the one error measure of this package.

    Parameters
    ----------
    got, expected : array or number
        Two arrays of one shape on one backend; any floating dtypes, subtracted in double precision.
    scale : float
        The size against which the error counts, such as ‖s‖₁ ‖y‖ for K(s)y; state it where it is used.
    dtype : dtype or str, optional
        The dtype that ``got`` was computed in; its own one if not given.

    Returns
    -------
    float
        ρ in units of eps. Infinite when the shapes differ, or when the scale is zero and the error is
        not; NaN when either array holds NaN.

    Notes
    -----
    ‖·‖ is the Euclidean norm over all entries. A correct computation of k operations has ρ of the order
    √k to k times the ratio of its intermediate sizes to the scale; 30 is the threshold everywhere.

    Examples
    --------
    >>> scaled_residual(np.array([1.0 + 2.0**-52]), np.array([1.0]), scale=1.0)
    1.0
    """
    if shape_of(got) != shape_of(expected):
        return float("inf")
    eps = machine_epsilon(dtype if dtype is not None else getattr(got, "dtype", "float64"))
    arrays = [array for array in (got, expected) if not is_number(array)]
    if not arrays:
        return ratio(abs(complex(got) - complex(expected)), eps * scale)
    backend = backend_of(*arrays)
    return ratio(norm_of(as_double(got, backend) - as_double(expected, backend)), eps * scale)


def is_number(value: Any) -> bool:
    """Whether a value is a host scalar, of Python or NumPy, rather than an array."""
    return isinstance(value, int | float | complex | np.generic)


def as_double(value: Array, backend: Backend) -> Array:
    """Return a value as a float64 or complex128 array of ``backend``; arrays elsewhere are refused."""
    array = backend.xp.asarray(value) if is_number(value) else value
    if backend_of(array) != backend:
        raise InputError(f"expected a result on the {backend.name} backend, got {type(array)}.")
    return array.astype("complex128" if array.dtype.kind == "c" else "float64")


@np.errstate(invalid="ignore", over="ignore")
def inner(u: Array, v: Array, weight: Array | float = 1.0) -> complex:
    """Return Σ weight · u · conj(v) over all entries, in double precision, on the host."""
    backend = backend_of(u, v)
    U, V = as_double(u, backend), as_double(v, backend)
    total = complex((weight * (U * V.conj())).sum())
    return total if U.dtype.kind == "c" or V.dtype.kind == "c" else total.real


@np.errstate(invalid="ignore", over="ignore")
def norm_of(u: Array, weight: Array | float = 1.0) -> float:
    """Return the square root of Σ weight · |u|², in double precision, on the host."""
    backend = backend_of(u)
    root = backend.xp.sqrt(backend.xp.asarray(weight, dtype="float64"))
    return norm(root * as_double(u, backend)) if root.ndim else float(root) * norm(u)


def ratio(error: float, scale: float) -> float:
    """Return error / scale with 0 / 0 = 0, so that two exact zeros agree."""
    if scale == 0.0:
        return 0.0 if error == 0.0 else float("inf") if error == error else error
    return error / scale


def shape_of(value: Array) -> tuple[int, ...]:
    """Return the shape of an array; a number has none."""
    return tuple(getattr(value, "shape", ()))


def extents(shape: Shape) -> tuple[int, ...]:
    """Return a shape as a tuple."""
    return (shape,) if isinstance(shape, int) else tuple(shape)


def draw(rng: np.random.Generator, shape: Shape, dtype: Any, backend: Backend) -> Array:
    """Return standard normal numbers drawn on the host and moved to ``backend``."""
    values = rng.standard_normal(extents(shape))
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(extents(shape))
    return backend.from_host(values.astype(dtype))


def mismatch(got: Array, shape: Shape, dtype: Any, name: str) -> str | None:
    """Return a clause saying how a result's shape or dtype is wrong, or None if it is right."""
    found = shape_of(got)
    if found != extents(shape):
        return f"{name} returned shape {found} instead of {extents(shape)}"
    kind = getattr(got, "dtype", type(got).__name__)
    if str(kind) != str(np.dtype(dtype)):
        return f"{name} returned dtype {kind} instead of {np.dtype(dtype)}: the precision must not change"
    return None
