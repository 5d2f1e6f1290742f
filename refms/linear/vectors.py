"""The few operations on flat vectors that solvers need, on NumPy and CuPy alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError, require_array
from refms.linear.product import Product


def inner(a: Array, b: Array) -> Any:
    """Return aᵀb, summed in double precision, where the vectors live: a GPU's number is not waited for.

    Beside a curvature product this costs nothing, and it gives float32 vectors the range of float64:
    squares of small residuals do not underflow.
    """
    # most are NumPy's own, and asked for six times in an iteration of conjugate gradients
    xp = np if type(a) is type(b) is np.ndarray else backend_of(a, b).xp
    return xp.vdot(in_double(a), in_double(b))


def in_double(a: Array) -> Array:
    """Return a vector in double precision; itself where it is."""
    return a.astype("float64", copy=False)


def dot(a: Array, b: Array) -> float:
    """Return aᵀb on the host; not finite if an entry is not; one that underflows keeps its sign."""
    product = float(inner(a, b))
    if product == 0.0:
        one, two = power_of_two(norm(a)), power_of_two(norm(b))
        sign = float(inner(a.astype("float64") / one, b.astype("float64") / two))
        return math.copysign(5e-324, sign) if sign else 0.0
    return product


def norm(a: Array) -> float:
    """Return ‖a‖₂ = 2ᵉ‖2⁻ᵉa‖₂ on the host, in double precision, for real or complex numbers in any shape.

    As LAPACK's nrm2 it scales, by the power of two 2ᵉ of the largest entry, where a sum of squares would
    leave the range of float64. A power of two rounds nothing.
    """
    xp = np if type(a) is np.ndarray else backend_of(a).xp
    x = a if a.ndim == 1 else a.reshape(-1)
    if x.dtype.kind == "c":
        x = xp.concatenate([x.real, x.imag])
    x = x.astype("float64", copy=False)
    square = float(xp.vdot(x, x))
    if _SMALLEST_SQUARE < square < math.inf or x.size == 0:
        return math.sqrt(square)
    size = float(xp.abs(x).max())
    if not 0.0 < size < math.inf:
        return size
    power = power_of_two(size)
    return power * math.sqrt(float(xp.vdot(x / power, x / power)))


_SMALLEST_SQUARE = 2.0**-960  # below this sum, squares that underflow might count


def power_of_two(size: float, smallest: int = -1022) -> float:
    """Return the power of two 2ᵉ <= size < 2ᵉ⁺¹, or 2^smallest, whose reciprocal is finite; 1 without one."""
    return 2.0 ** max(math.frexp(size)[1] - 1, smallest) if 0.0 < size < math.inf else 1.0


def in_units(a: Array, size: float) -> tuple[Array, float]:
    """Return a / u and u, the power of two next to a size of a: solvers are linear, and rounding is, too."""
    unit = power_of_two(size, -126 if str(a.dtype) == "float32" else -1022)  # so that 1/u is finite
    return a * (1.0 / unit), unit


def lazy_norm(a: Array) -> Any:
    """Return ‖a‖₂ where the vector lives: a GPU's number is not waited for."""
    if type(a) is np.ndarray:
        return np.float64(norm(a))
    x, xp = a.astype("float64"), backend_of(a).xp
    size = xp.abs(x).max()
    x = x / (size + (size == 0.0))
    return size * xp.sqrt(xp.vdot(x, x))


def largest(a: Array) -> float:
    """Return ‖a‖_∞ on the host; NaN if an entry is NaN."""
    xp = backend_of(a).xp
    return float(xp.max(xp.abs(a)))


def add_scaled(x: Array, alpha: Any, p: Array) -> Array:
    """Return x + αp in their precision; overflow gives infinity without a warning, callers look for it."""
    with np.errstate(over="ignore", invalid="ignore"):
        # A float of Python takes the precision of p, float64 scalars and arrays would give it theirs.
        return x + (alpha if type(alpha) is float else alpha.astype(p.dtype)) * p


def require_real_vector(x: Array, name: str, *, finite: bool = False) -> None:
    """Refuse all but non-empty flat vectors of float32 or float64, and NaN and infinity where ``finite``."""
    xp = backend_of(x).xp
    if x.ndim != 1 or x.shape[0] == 0 or str(x.dtype) not in {"float32", "float64"}:
        raise InputError(
            f"{name} has shape {tuple(x.shape)} and dtype {x.dtype}; expected a flat vector (size,) of "
            f"float32 or float64. Flatten it with {name}.reshape(-1), or pack it with a Layout."
        )
    if finite and not bool(xp.isfinite(x).all()):
        raise InputError(
            f"{name} contains NaN or infinity; an optimiser must start at a finite point. "
            "Look at the data and the initial parameters first."
        )


def differ(a: Array, b: Array) -> Any:
    """Return whether two vectors differ, NaN not from NaN: a number where they live."""
    different = a != b
    if type(a) is np.ndarray and not different.any():
        return False
    return (different & ((a == a) | (b == b))).any()


def called(function: Callable[[Array], Any], x: Array, name: str) -> Any:
    """Return what a function makes of a copy of x; refuse one that changes it."""
    given = x.copy()
    found = function(given)
    if bool(differ(given, x)):
        raise InputError(MODIFIED.format(name))
    return found


def guarded(function: Product, name: str) -> Product:
    """Return a function on copies of its argument that is refused if it changes one, or shape or dtype."""
    return lambda x: require_like(called(function, x, name), x, name)


MODIFIED = "{0} modified its argument; make {0} return a new array and leave what it is given as it is."


def require_like(found: Array, x: Array, name: str) -> Array:
    """Return what the function ``name`` made of x; refuse what is no array of the shape and dtype of x."""
    if type(found) is not np.ndarray:
        require_array(found, f"what {name} returned")
    if tuple(found.shape) != tuple(x.shape) or found.dtype != x.dtype:
        raise InputError(
            f"{name} returned shape {tuple(found.shape)} and dtype {found.dtype}; expected those of its "
            f"argument, {tuple(x.shape)} and {x.dtype}. Make {name} keep shape and precision."
        )
    return found
