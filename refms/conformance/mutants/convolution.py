"""Mistakes in the convolution, its adjoint, its derivative and its explicit matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import columns, exchange, flip, images, roll, to_first, to_last
from refms.conformance.mutants.mutant import alter, feed, of_family, substitute
from refms.errors import Array

_FLIPPED = to_first(flip)
_CHANNELS_EXCHANGED = to_first(lambda S: exchange(S, 0, 1))


def _round(S: Array, Y: Array, *where: Any) -> tuple[Any, ...]:
    low = "float32" if Y.dtype == np.float64 else "float16"
    return S, Y.astype(low).astype(Y.dtype), *where


def _overwrite(right: Any, S: Array, grid: tuple[int, ...], boundary: str) -> Array:
    """Return the matrix of which entries that meet after wrapping around overwrite each other."""
    n = math.prod(grid)
    K = np.zeros((S.shape[0] * n, S.shape[1] * n), S.dtype)
    for index in np.ndindex(*S.shape[2:]):
        one = np.zeros_like(S)
        one[(..., *index)] = S[(..., *index)]
        part = right.convolution_matrix(one, grid, boundary).toarray()
        K = np.where(part != 0, part, K)
    return K


def _cut_to_small_grids(S: Array, Y: Array, grid: tuple[int, ...], boundary: str) -> tuple[Any, ...]:
    cut = S.copy()
    for axis, n in enumerate(grid, start=2):
        far = abs(np.arange(S.shape[axis]) - S.shape[axis] // 2) > max(n - 1, 0)
        cut[(slice(None),) * axis + (far,)] = 0
    return cut, Y, grid, boundary


def _mirror(right: Any, S: Array, Y: Array, grid: tuple[int, ...], boundary: str) -> Array:
    """Return the convolution of an image continued by its mirror image."""
    reach = tuple(size // 2 for size in S.shape[2:])
    padded = np.pad(images(Y, grid), ((0, 0), (0, 0), *((r, r) for r in reach)), mode="symmetric")
    found = images(right.convolution(S, columns(padded), padded.shape[2:], "zero"), padded.shape[2:])
    inside = tuple(slice(r, r + n) for r, n in zip(reach, grid, strict=True))
    return columns(found[(slice(None), slice(None), *inside)])


def _without_corners(S: Array) -> Array:
    distance = sum(np.ix_(*((np.arange(size) != size // 2).astype(int) for size in S.shape[2:])))
    return np.where(distance > 1, 0 * S, S)


CONVOLUTION = of_family(
    "convolution",
    feed("kernel flipped on all axes", convolution=_FLIPPED),
    feed("kernel flipped on the first axis only", convolution=to_first(lambda S: flip(S, 2))),
    feed("kernel flipped on the last axis only", convolution=to_first(lambda S: flip(S, S.ndim - 1))),
    feed(
        "first and last axis of the kernel exchanged",
        convolution=to_first(lambda S: exchange(S, 2, S.ndim - 1)),
    ),
    feed("input and output channels of the kernel exchanged", convolution=_CHANNELS_EXCHANGED),
    feed("off-axis entries of the kernel left out", convolution=to_first(_without_corners)),
    feed("kernel entries that reach around a small grid left out", convolution=_cut_to_small_grids),
    feed("zero boundary where periodic was asked for", convolution=to_last("zero")),
    feed("periodic boundary where zero was asked for", convolution=to_last("periodic")),
    substitute("mirrored boundary", convolution=_mirror),
    alter(
        "result moved by one cell along the last axis",
        convolution=lambda found, S, Y, grid, boundary: roll(found, grid, 1, -1),
    ),
    alter(
        "output channels in reverse order",
        convolution=lambda found, S, Y, grid, boundary: columns(images(found, grid)[:, ::-1]),
    ),
    alter(
        "every example gets the result of the first",
        convolution=lambda found, *given: np.repeat(found[:, :1], found.shape[1], axis=1),
    ),
    alter("a bias of 0.001 added by the convolution", convolution=lambda found, *given: found + 1e-3),
    alter("convolution too large by 0.01 %", convolution=lambda found, *given: found * (1 + 1e-4)),
    alter(
        "convolution divided by the size of the kernel",
        convolution=lambda found, S, *rest: found / math.prod(S.shape[2:]),
    ),
    feed("images rounded to half the digits", convolution=_round),
    feed("adjoint without the flip", convolution_adjoint=_FLIPPED),
    feed("adjoint without the exchange of channels", convolution_adjoint=_CHANNELS_EXCHANGED),
    alter(
        "adjoint with h^d on one side only",
        convolution_adjoint=lambda found, S, Z, grid, boundary: found / (math.prod(grid) + 1),
    ),
    feed("adjoint with a zero boundary where periodic was asked for", convolution_adjoint=to_last("zero")),
    alter(
        "stencil gradient averaged over the examples",
        stencil_gradient=lambda found, Z, Y, *rest: found / Y.shape[1],
    ),
    alter("stencil gradient flipped", stencil_gradient=lambda found, *given: flip(found)),
    alter(
        "channels of the stencil gradient exchanged",
        stencil_gradient=lambda found, *given: exchange(found, 0, 1),
    ),
    feed(
        "stencil gradient of the first example only",
        stencil_gradient=lambda Z, Y, *rest: (Z[:, :1].copy(), Y[:, :1].copy(), *rest),
    ),
    substitute("entries of the matrix that meet overwrite each other", convolution_matrix=_overwrite),
    feed("matrix with a zero boundary where periodic was asked for", convolution_matrix=to_last("zero")),
    feed("matrix of the flipped kernel", convolution_matrix=_FLIPPED),
)
"""The family."""
