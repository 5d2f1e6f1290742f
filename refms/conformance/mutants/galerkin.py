"""Mistakes in the maps between fine and coarse stencils."""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import exchanged, flip
from refms.conformance.mutants.mutant import Shelf
from refms.definition.galerkin import stencil_map
from refms.definition.transfer import PAIRS
from refms.errors import Array

shelf = Shelf("galerkin")


def _square(pair: str, size: int) -> Array:
    """Return the part of the 1-D stencil map from ``size`` to ``size`` entries."""
    A = stencil_map(PAIRS[pair].r, PAIRS[pair].p, size)
    spread = (A.shape[0] - size) // 2
    return A[spread : spread + size] if spread > 0 else np.pad(A, ((-spread, -spread), (0, 0)))


def _along_all_axes(S: Array, matrices: dict[int, Array]) -> Array:
    """Return stencils to which a matrix was applied along every axis, chosen by the extent."""
    result = S.astype("float64")
    for axis in range(2, S.ndim):
        result = np.moveaxis(np.tensordot(matrices[S.shape[axis]], result, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(result.astype(S.dtype))


def _regularized(right: Any, S: Array, pair: str) -> Array:
    """Return (AᵀA + 10⁻³I)⁻¹Aᵀ s."""
    inverses = {}
    for size in S.shape[2:]:
        A = _square(pair, size)
        inverses[size] = np.linalg.solve(A.T @ A + 1e-3 * np.eye(size), A.T)
    return _along_all_axes(S, inverses)


def _transposed(right: Any, S: Array, pair: str) -> Array:
    return _along_all_axes(S, {size: _square(pair, size).T for size in S.shape[2:]})


def _never_refused(right: Any, S: Array, pair: str) -> Array:
    try:
        return right.stencil_up(S, pair)
    except ValueError:
        return S.copy()


def _to_sum_one(found: Array, S: Array, pair: str) -> Array:
    return found / np.abs(found).sum()


GALERKIN = (
    shelf.replaced(
        "stencil kept as it is on every mesh",
        stencil_down=lambda right, S, pair: S.copy(),
        stencil_up=lambda right, S, pair: S.copy(),
    ),
    shelf.replaced(
        "coarse stencil of averaging-constant for every pair",
        stencil_down=lambda right, S, pair: right.stencil_down(S, "averaging-constant"),
    ),
    shelf.altered(
        "coarse stencil 2^d times too large, as with a summing R",
        stencil_down=lambda found, S, pair: found * 2 ** (S.ndim - 2),
    ),
    shelf.altered(
        "coarse stencil rescaled by 2^-d, as by re-discretisation of a derivative",
        stencil_down=lambda found, S, pair: found / 2 ** (S.ndim - 2),
    ),
    shelf.altered(
        "first and last axis of the coarse stencil exchanged",
        stencil_down=lambda found, S, pair: exchanged(found, 2, found.ndim - 1),
    ),
    shelf.altered("coarse stencil flipped", stencil_down=lambda found, S, pair: flip(found)),
    shelf.altered(
        "coarse stencil moved by one entry",
        stencil_down=lambda found, S, pair: np.roll(found, 1, axis=-1),
    ),
    shelf.altered("coarse stencil scaled to sum one", stencil_down=_to_sum_one),
    shelf.altered(
        "channels of the coarse stencils mixed",
        stencil_down=lambda found, S, pair: found + found.mean(axis=(0, 1), keepdims=True) / 10,
    ),
    shelf.altered(
        "channels of the coarse stencils exchanged",
        stencil_down=lambda found, S, pair: exchanged(found, 0, 1),
    ),
    shelf.replaced("transposed matrix A in the coarse stencil", stencil_down=_transposed),
    shelf.replaced("fine stencil from a regularised inverse", stencil_up=_regularized),
    shelf.replaced("fine stencil from the transposed A in place of its inverse", stencil_up=_transposed),
    shelf.replaced("fine stencil as it is where the map has no inverse", stencil_up=_never_refused),
    shelf.altered("fine stencil flipped", stencil_up=lambda found, S, pair: flip(found)),
)
"""The family."""
