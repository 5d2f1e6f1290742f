"""The few operations on flat vectors that optimisers need, on NumPy and CuPy alike."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError


def inner(a: Array, b: Array) -> Any:
    """Return the Euclidean inner product aᵀb, summed in double precision, where the vectors live.

    Beside a curvature product this costs nothing, and it gives float32 vectors the range of float64:
    squares of small residuals do not underflow.

    Parameters
    ----------
    a, b : array
        Shape (size,), float32 or float64.

    Returns
    -------
    scalar
        aᵀb, a float64 number of NumPy, or an array without axes on a GPU, which the host does not wait for;
        not finite if an entry is not.

    Examples
    --------
    >>> float(inner(np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    11.0
    """
    xp = backend_of(a, b).xp
    return xp.vdot(a.astype("float64", copy=False), b.astype("float64", copy=False))


def dot(a: Array, b: Array) -> float:
    """Return the Euclidean inner product aᵀb, summed in double precision, on the host.

    Parameters
    ----------
    a, b : array
        Shape (size,), float32 or float64.

    Returns
    -------
    float
        aᵀb; not finite if an entry is not.

    Examples
    --------
    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    11.0
    """
    return float(inner(a, b))


def norm(a: Array) -> float:
    """Return the Euclidean norm of a vector.

    Parameters
    ----------
    a : array
        Shape (size,), float32 or float64.

    Returns
    -------
    float
        ‖a‖₂ on the host.

    Examples
    --------
    >>> norm(np.array([3.0, 4.0], dtype=np.float32))
    5.0
    """
    return math.sqrt(dot(a, a))


def largest(a: Array) -> float:
    """Return the max-norm of a vector.

    Parameters
    ----------
    a : array
        Shape (size,), float32 or float64.

    Returns
    -------
    float
        ‖a‖_∞ on the host; NaN if an entry is NaN.

    Examples
    --------
    >>> largest(np.array([3.0, -4.0]))
    4.0
    """
    xp = backend_of(a).xp
    return float(xp.max(xp.abs(a)))


def add_scaled(x: Array, alpha: Any, p: Array) -> Array:
    """Return x + αp as a new vector; overflow gives infinity without a warning, for callers look for it.

    Parameters
    ----------
    x, p : array
        Shape (size,), one dtype.
    alpha : float or scalar
        α, of the host or, as from ``inner``, where the vectors live; rounded to their precision.

    Returns
    -------
    array
        Shape (size,), dtype of x and p.

    Examples
    --------
    >>> add_scaled(np.array([1.0]), 0.5, np.array([4.0])).tolist()
    [3.0]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        # A float of Python takes the precision of p, float64 scalars and arrays would give it theirs.
        return x + (alpha if type(alpha) is float else alpha.astype(p.dtype)) * p


def require_real_vector(x: Array, name: str, *, finite: bool = False) -> None:
    """Refuse anything but a non-empty flat vector of float32 or float64.

    Parameters
    ----------
    x : array
        The vector to look at.
    name : str
        What the caller calls it.
    finite : bool
        Whether NaN and infinity are refused too.

    Raises
    ------
    InputError
        If shape or dtype are others, or an entry is not finite and ``finite`` is True.
    """
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


def require_like(found: Array, x: Array, name: str) -> None:
    """Refuse a vector that has not the shape and dtype of another.

    Parameters
    ----------
    found : array
        What a function of the caller returned.
    x : array
        The vector it must resemble.
    name : str
        What returned it, for the message.

    Raises
    ------
    InputError
        If the shape or the dtype differ.
    """
    if tuple(found.shape) != tuple(x.shape) or found.dtype != x.dtype:
        raise InputError(
            f"{name} returned shape {tuple(found.shape)} and dtype {found.dtype}; expected those of its "
            f"argument, {tuple(x.shape)} and {x.dtype}. Make {name} keep shape and precision."
        )
