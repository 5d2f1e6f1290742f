"""The error measure ρ, and the inner products and norms of the checks.

Both are taken in double precision whatever the precision under test, so that ρ measures the implementation
and not the ruler.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend, backend_of
from refms.errors import Array, InputError, is_real, precision
from refms.linear.vectors import norm, power_of_two


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

    Raises
    ------
    InputError
        If the scale is negative, infinite or NaN, or a dtype is none of floating-point numbers.

    Notes
    -----
    ‖·‖ is the Euclidean norm over all entries. A correct computation of k operations has ρ of the order
    √k to k times the ratio of its intermediate sizes to the scale; 30 is the threshold everywhere.

    Examples
    --------
    >>> scaled_residual(np.array([1.0 + 2.0**-52]), np.array([1.0]), scale=1.0)
    1.0
    """
    require_size(scale, "scale", zero=True)
    arrays = [array for array in (got, expected) if not is_number(array)]
    backend = backend_of(*arrays) if arrays else NUMPY
    if shape_of(got) != shape_of(expected):
        return float("inf")
    eps = machine_epsilon(dtype if dtype is not None else getattr(got, "dtype", "float64"))
    return ratio(norm(as_double(got, backend) - as_double(expected, backend)), scale, eps)


def require_size(value: float, name: str, *, zero: bool = False) -> None:
    """Refuse a scale that is not a finite positive number; zero only where it is allowed."""
    if not is_real(value) or not (0.0 < value < math.inf or (zero and value == 0.0)):
        least = "0 or more" if zero else "above 0"
        raise InputError(
            f"{name} is {value!r}; expected a finite number {least}, a norm of what is computed."
        )


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
    if is_number(weight):
        return math.sqrt(weight) * norm(u)
    return norm(backend_of(u, weight).xp.sqrt(weight) * as_double(u, backend_of(u)))


def ratio(error: float, scale: float, eps: float) -> float:
    """Return error / (eps · scale): 0 where both vanish, NaN where the scale is not finite."""
    if not scale < math.inf:
        return math.nan
    if scale == 0.0:
        return error if error != error or error == 0.0 else math.inf
    return error / scale / eps


def unit_of(*arrays: Array) -> float:
    """Return the power of two next to the largest entry, by which to divide so that no product overflows."""
    return power_of_two(max((float(abs(a).max()) for a in arrays if a.size), default=0.0))


def shape_of(value: Array) -> tuple[int, ...]:
    """Return the shape of an array; a number has none."""
    return tuple(getattr(value, "shape", ()))
