"""Mistakes in the maps between fine and coarse stencils."""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import by, exchange, flip, to_last
from refms.conformance.mutants.mutant import alter, feed, of_family, substitute
from refms.definition.galerkin import stencil_map
from refms.definition.transfer import PAIRS
from refms.errors import Array


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


def _regularize(right: Any, S: Array, pair: str) -> Array:
    """Return (AᵀA + 10⁻³I)⁻¹Aᵀ s."""
    inverses = {}
    for size in S.shape[2:]:
        A = _square(pair, size)
        inverses[size] = np.linalg.solve(A.T @ A + 1e-3 * np.eye(size), A.T)
    return _along_all_axes(S, inverses)


def _transpose(right: Any, S: Array, pair: str) -> Array:
    return _along_all_axes(S, {size: _square(pair, size).T for size in S.shape[2:]})


def _keep(right: Any, S: Array, pair: str) -> Array:
    return S.copy()


def _never_refuse(right: Any, S: Array, pair: str) -> Array:
    try:
        return right.stencil_up(S, pair)
    except ValueError:
        return S.copy()


GALERKIN = of_family(
    "galerkin",
    substitute("stencil kept as it is on every mesh", stencil_down=_keep, stencil_up=_keep),
    feed("coarse stencil of averaging-constant for every pair", stencil_down=to_last("averaging-constant")),
    alter(
        "coarse stencil 2^d times too large, as with a summing R",
        stencil_down=by(lambda S, pair: 2 ** (S.ndim - 2)),
    ),
    alter(
        "coarse stencil rescaled by 2^-d, as by re-discretisation of a derivative",
        stencil_down=by(lambda S, pair: 1 / 2 ** (S.ndim - 2)),
    ),
    alter(
        "first and last axis of the coarse stencil exchanged",
        stencil_down=lambda found, S, pair: exchange(found, 2, found.ndim - 1),
    ),
    alter("coarse stencil flipped", stencil_down=lambda found, S, pair: flip(found)),
    alter(
        "coarse stencil moved by one entry", stencil_down=lambda found, S, pair: np.roll(found, 1, axis=-1)
    ),
    alter(
        "coarse stencil scaled to sum one", stencil_down=lambda found, S, pair: found / np.abs(found).sum()
    ),
    alter(
        "channels of the coarse stencils mixed",
        stencil_down=lambda found, S, pair: found + found.mean(axis=(0, 1), keepdims=True) / 10,
    ),
    alter(
        "channels of the coarse stencils exchanged",
        stencil_down=lambda found, S, pair: exchange(found, 0, 1),
    ),
    substitute("transposed matrix A in the coarse stencil", stencil_down=_transpose),
    substitute("fine stencil from a regularised inverse", stencil_up=_regularize),
    substitute("fine stencil from the transposed A in place of its inverse", stencil_up=_transpose),
    substitute("fine stencil as it is where the map has no inverse", stencil_up=_never_refuse),
    alter("fine stencil flipped", stencil_up=lambda found, S, pair: flip(found)),
)
"""The family."""
