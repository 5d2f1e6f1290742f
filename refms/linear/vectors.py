"""The few operations on flat vectors that solvers need, on NumPy and CuPy alike."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError


def inner(a: Array, b: Array) -> Any:
    """Return aᵀb, summed in double precision, where the vectors live: a GPU's number is not waited for.

    Beside a curvature product this costs nothing, and it gives float32 vectors the range of float64:
    squares of small residuals do not underflow.
    """
    # most are NumPy's own, and asked for six times in an iteration of conjugate gradients
    xp = np if type(a) is type(b) is np.ndarray else backend_of(a, b).xp
    return xp.vdot(a.astype("float64", copy=False), b.astype("float64", copy=False))


def dot(a: Array, b: Array) -> float:
    """Return aᵀb on the host; not finite if an entry is not."""
    return float(inner(a, b))


def norm(a: Array) -> float:
    """Return ‖a‖₂ = 2ᵉ‖2⁻ᵉa‖₂ on the host, in double precision, for real or complex numbers in any shape.

    As LAPACK's nrm2 it scales, by the power of two 2ᵉ of the largest entry, where a sum of squares would
    leave the range of float64. A power of two rounds nothing.
    """
    xp = np if type(a) is np.ndarray else backend_of(a).xp
    x = a.reshape(-1)
    if x.dtype.kind == "c":
        x = xp.concatenate([x.real, x.imag])
    x = x.astype("float64", copy=False)
    square = float(xp.vdot(x, x))
    if _SMALLEST_SQUARE < square < math.inf or x.size == 0:
        return math.sqrt(square)
    size = float(xp.abs(x).max())
    if not 0.0 < size < math.inf:
        return size
    power = 2.0 ** (math.frexp(size)[1] - 1)
    return power * math.sqrt(float(xp.vdot(x / power, x / power)))


_SMALLEST_SQUARE = 2.0**-960  # below this sum, squares that underflow might count


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


def require_like(found: Array, x: Array, name: str) -> Array:
    """Return what the function ``name`` made of x; refuse another shape or dtype than that of x."""
    if tuple(found.shape) != tuple(x.shape) or found.dtype != x.dtype:
        raise InputError(
            f"{name} returned shape {tuple(found.shape)} and dtype {found.dtype}; expected those of its "
            f"argument, {tuple(x.shape)} and {x.dtype}. Make {name} keep shape and precision."
        )
    return found
