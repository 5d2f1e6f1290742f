"""Mistakes in the convolution, its adjoint, its derivative and its explicit matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import columns, exchanged, flip, images, rolled
from refms.conformance.mutants.mutant import Shelf
from refms.errors import Array

shelf = Shelf("convolution")


def _half_precision(right: Any, S: Array, Y: Array, *where: Any) -> Array:
    low = "float32" if Y.dtype == np.float64 else "float16"
    return right.convolution(S, Y.astype(low).astype(Y.dtype), *where)


def _overwriting(right: Any, S: Array, grid: tuple[int, ...], boundary: str) -> Array:
    """Return the matrix of which entries that meet after wrapping around overwrite each other."""
    n = math.prod(grid)
    K = np.zeros((S.shape[0] * n, S.shape[1] * n), S.dtype)
    for index in np.ndindex(*S.shape[2:]):
        one = np.zeros_like(S)
        at = (slice(None), slice(None), *index)
        one[at] = S[at]
        part = right.convolution_matrix(one, grid, boundary).toarray()
        K = np.where(part != 0, part, K)
    return K


def _cut_to_small_grids(right: Any, S: Array, Y: Array, grid: tuple[int, ...], boundary: str) -> Array:
    cut = S.copy()
    for axis, n in enumerate(grid, start=2):
        far = abs(np.arange(S.shape[axis]) - S.shape[axis] // 2) > max(n - 1, 0)
        cut[(slice(None),) * axis + (far,)] = 0
    return right.convolution(cut, Y, grid, boundary)


def _mirrored(right: Any, S: Array, Y: Array, grid: tuple[int, ...], boundary: str) -> Array:
    """Return the convolution of an image continued by its mirror image."""
    reach = tuple(size // 2 for size in S.shape[2:])
    padded = np.pad(images(Y, grid), ((0, 0), (0, 0), *((r, r) for r in reach)), mode="symmetric")
    found = images(right.convolution(S, columns(padded), padded.shape[2:], "zero"), padded.shape[2:])
    inside = tuple(slice(r, r + n) for r, n in zip(reach, grid, strict=True))
    return columns(found[(slice(None), slice(None), *inside)])


def _without_corners(right: Any, S: Array, *rest: Any) -> Array:
    distance = sum(np.ix_(*((np.arange(size) != size // 2).astype(int) for size in S.shape[2:])))
    return right.convolution(np.where(distance > 1, 0 * S, S), *rest)


CONVOLUTION = (
    shelf.replaced(
        "kernel flipped on all axes",
        convolution=lambda right, S, *rest: right.convolution(flip(S), *rest),
    ),
    shelf.replaced(
        "kernel flipped on the first axis only",
        convolution=lambda right, S, *rest: right.convolution(flip(S, 2), *rest),
    ),
    shelf.replaced(
        "kernel flipped on the last axis only",
        convolution=lambda right, S, *rest: right.convolution(flip(S, S.ndim - 1), *rest),
    ),
    shelf.replaced(
        "first and last axis of the kernel exchanged",
        convolution=lambda right, S, *rest: right.convolution(exchanged(S, 2, S.ndim - 1), *rest),
    ),
    shelf.replaced(
        "input and output channels of the kernel exchanged",
        convolution=lambda right, S, *rest: right.convolution(exchanged(S, 0, 1), *rest),
    ),
    shelf.replaced("off-axis entries of the kernel left out", convolution=_without_corners),
    shelf.replaced("kernel entries that reach around a small grid left out", convolution=_cut_to_small_grids),
    shelf.replaced(
        "zero boundary where periodic was asked for",
        convolution=lambda right, S, Y, grid, boundary: right.convolution(S, Y, grid, "zero"),
    ),
    shelf.replaced(
        "periodic boundary where zero was asked for",
        convolution=lambda right, S, Y, grid, boundary: right.convolution(S, Y, grid, "periodic"),
    ),
    shelf.replaced("mirrored boundary", convolution=_mirrored),
    shelf.altered(
        "result moved by one cell along the last axis",
        convolution=lambda found, S, Y, grid, boundary: rolled(found, grid, 1, -1),
    ),
    shelf.altered(
        "output channels in reverse order",
        convolution=lambda found, S, Y, grid, boundary: columns(images(found, grid)[:, ::-1]),
    ),
    shelf.altered(
        "every example gets the result of the first",
        convolution=lambda found, *given: np.repeat(found[:, :1], found.shape[1], axis=1),
    ),
    shelf.altered("a bias of 0.001 added by the convolution", convolution=lambda found, *given: found + 1e-3),
    shelf.altered("convolution too large by 0.01 %", convolution=lambda found, *given: found * (1 + 1e-4)),
    shelf.altered(
        "convolution divided by the size of the kernel",
        convolution=lambda found, S, *rest: found / math.prod(S.shape[2:]),
    ),
    shelf.replaced("images rounded to half the digits", convolution=_half_precision),
    shelf.replaced(
        "adjoint without the flip",
        convolution_adjoint=lambda right, S, *rest: right.convolution_adjoint(flip(S), *rest),
    ),
    shelf.replaced(
        "adjoint without the exchange of channels",
        convolution_adjoint=lambda right, S, *rest: right.convolution_adjoint(exchanged(S, 0, 1), *rest),
    ),
    shelf.altered(
        "adjoint with h^d on one side only",
        convolution_adjoint=lambda found, S, Z, grid, boundary: found / (math.prod(grid) + 1),
    ),
    shelf.replaced(
        "adjoint with a zero boundary where periodic was asked for",
        convolution_adjoint=lambda right, S, Z, grid, boundary: right.convolution_adjoint(S, Z, grid, "zero"),
    ),
    shelf.altered(
        "stencil gradient averaged over the examples",
        stencil_gradient=lambda found, Z, Y, *rest: found / Y.shape[1],
    ),
    shelf.altered("stencil gradient flipped", stencil_gradient=lambda found, *given: flip(found)),
    shelf.altered(
        "channels of the stencil gradient exchanged",
        stencil_gradient=lambda found, *given: exchanged(found, 0, 1),
    ),
    shelf.replaced(
        "stencil gradient of the first example only",
        stencil_gradient=lambda right, Z, Y, *rest: right.stencil_gradient(
            Z[:, :1].copy(), Y[:, :1].copy(), *rest
        ),
    ),
    shelf.replaced("entries of the matrix that meet overwrite each other", convolution_matrix=_overwriting),
    shelf.replaced(
        "matrix with a zero boundary where periodic was asked for",
        convolution_matrix=lambda right, S, grid, boundary: right.convolution_matrix(S, grid, "zero"),
    ),
    shelf.replaced(
        "matrix of the flipped kernel",
        convolution_matrix=lambda right, S, *rest: right.convolution_matrix(flip(S), *rest),
    ),
)
"""The family."""
