"""Mistakes in the maps between fine and coarse stencils."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from refms.conformance.mutants.arrays import exchange, flip
from refms.conformance.mutants.mutant import Asked, Table
from refms.definition.arrays import combine
from refms.definition.galerkin import stencil_map
from refms.definition.transfer import PAIRS
from refms.errors import Array


def _square(pair: str, size: int) -> Array:
    """Return the part of the 1-D stencil map from ``size`` to ``size`` entries."""
    A = stencil_map(PAIRS[pair].r, PAIRS[pair].p, size)
    spread = (A.shape[0] - size) // 2
    return A[spread : spread + size] if spread > 0 else np.pad(A, ((-spread, -spread), (0, 0)))


def _along_all_axes(t: Asked, matrix: Callable[[Array], Array]) -> Array:
    """Return the stencils with a matrix made of A applied along every axis."""
    result = t.S.astype("float64")
    for axis in range(2, t.S.ndim):
        result = combine(matrix(_square(t.pair, t.S.shape[axis])), result, axis)
    return np.ascontiguousarray(result.astype(t.S.dtype))


def _regularized_inverse(A: Array) -> Array:
    """Return (AᵀA + 10⁻³I)⁻¹Aᵀ."""
    return np.linalg.solve(A.T @ A + 1e-3 * np.eye(len(A)), A.T)


def _never_refuse(t: Asked) -> Array:
    try:
        return t()
    except ValueError:
        return t.S.copy()


MISTAKES: Table = {
    "stencil_down stencil_up": {"stencil kept as it is on every mesh": lambda t: t.S.copy()},
    "stencil_down": {
        "coarse stencil of averaging-constant for every pair": lambda t: t(pair="averaging-constant"),
        "coarse stencil 2^d times too large, as with a summing R": lambda t: 2 ** (t.S.ndim - 2) * t(),
        "coarse stencil rescaled by 2^-d, as by re-discretisation of a derivative": lambda t: (
            t() / 2 ** (t.S.ndim - 2)
        ),
        "first and last axis of the coarse stencil exchanged": lambda t: exchange(t(), 2, -1),
        "coarse stencil flipped": lambda t: flip(t()),
        "coarse stencil moved by one entry": lambda t: np.roll(t(), 1, axis=-1),
        "coarse stencil scaled to sum one": lambda t: t() / np.abs(t()).sum(),
        "channels of the coarse stencils mixed": lambda t: t() + t().mean(axis=(0, 1), keepdims=True) / 10,
        "channels of the coarse stencils exchanged": lambda t: exchange(t(), 0, 1),
        "transposed matrix A in the coarse stencil": lambda t: _along_all_axes(t, np.transpose),
    },
    "stencil_up": {
        "fine stencil from a regularised inverse": lambda t: _along_all_axes(t, _regularized_inverse),
        "fine stencil from the transposed A in place of its inverse": lambda t: _along_all_axes(
            t, np.transpose
        ),
        "fine stencil as it is where the map has no inverse": _never_refuse,
        "fine stencil flipped": lambda t: flip(t()),
    },
}
