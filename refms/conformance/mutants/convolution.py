"""Mistakes in the convolution, its adjoint, its derivative and its explicit matrix."""

from __future__ import annotations

import math

import numpy as np

from refms.conformance.mutants.arrays import columns, exchange, flip, images, roll
from refms.conformance.mutants.mutant import Asked, Table
from refms.errors import Array


def _rounded(Y: Array) -> Array:
    return Y.astype("float32" if Y.dtype == np.float64 else "float16").astype(Y.dtype)


def _overwrite(t: Asked) -> Array:
    """Return the matrix of which entries that meet after wrapping around overwrite each other."""
    K = np.zeros((t.S.shape[0] * t.cells, t.S.shape[1] * t.cells), t.S.dtype)
    for index in np.ndindex(*t.S.shape[2:]):
        one = np.zeros_like(t.S)
        one[(..., *index)] = t.S[(..., *index)]
        part = t(S=one).toarray()
        K = np.where(part != 0, part, K)
    return K


def _cut_to_small_grids(S: Array, grid: tuple[int, ...]) -> Array:
    cut = S.copy()
    for axis, n in enumerate(grid, start=2):
        far = abs(np.arange(S.shape[axis]) - S.shape[axis] // 2) > max(n - 1, 0)
        cut[(slice(None),) * axis + (far,)] = 0
    return cut


def _pad(t: Asked, mode: str, before: int = 1) -> Array:
    """Return the convolution of an image continued by ``before``·r cells before and the rest of 2r behind."""
    reach = tuple(size // 2 for size in t.S.shape[2:])
    beyond = ((0, 0), (0, 0), *((before * r, (2 - before) * r) for r in reach))
    padded = np.pad(images(t.Y, t.grid), beyond, mode=mode)  # type: ignore[call-overload]  # a variable
    wide = padded.shape[2:]
    found = images(t(Y=columns(padded), grid=wide, boundary="zero"), wide)
    return columns(found[(..., *(slice(r, r + n) for r, n in zip(reach, t.grid, strict=True)))])


def _pad_before(t: Asked) -> Array:
    """Return Σ_κ s_κ y_{i+κ−r}."""
    return _pad(t, "wrap" if t.boundary == "periodic" else "constant", before=2)


def _without_corners(S: Array) -> Array:
    distance = sum(np.ix_(*((np.arange(size) != size // 2).astype(int) for size in S.shape[2:])))
    return np.where(distance > 1, 0 * S, S)


MISTAKES: Table = {
    "convolution": {
        "kernel flipped on all axes": lambda t: t(S=flip(t.S)),
        "kernel flipped on the first axis only": lambda t: t(S=flip(t.S, 2)),
        "kernel flipped on the last axis only": lambda t: t(S=flip(t.S, -1)),
        "first and last axis of the kernel exchanged": lambda t: t(S=exchange(t.S, 2, -1)),
        "input and output channels of the kernel exchanged": lambda t: t(S=exchange(t.S, 0, 1)),
        "off-axis entries of the kernel left out": lambda t: t(S=_without_corners(t.S)),
        "kernel entries that reach around a small grid left out": lambda t: t(
            S=_cut_to_small_grids(t.S, t.grid)
        ),
        "zero boundary where periodic was asked for": lambda t: t(boundary="zero"),
        "periodic boundary where zero was asked for": lambda t: t(boundary="periodic"),
        "mirrored boundary": lambda t: _pad(t, "symmetric"),
        "padding on one side only": _pad_before,
        "result moved by one cell along the last axis": lambda t: roll(t(), t.grid, 1, -1),
        "output channels in reverse order": lambda t: columns(images(t(), t.grid)[:, ::-1]),
        "every example gets the result of the first": lambda t: np.repeat(t()[:, :1], t.examples, axis=1),
        "a bias of 0.001 added by the convolution": lambda t: t() + 1e-3,
        "convolution too large by 0.01 %": lambda t: t() * (1 + 1e-4),
        "convolution divided by the size of the kernel": lambda t: t() / math.prod(t.S.shape[2:]),
        "images rounded to half the digits": lambda t: t(Y=_rounded(t.Y)),
    },
    "convolution_adjoint": {
        "adjoint without the flip": lambda t: t(S=flip(t.S)),
        "adjoint without the exchange of channels": lambda t: t(S=exchange(t.S, 0, 1)),
        "adjoint with h^d on one side only": lambda t: t() / (t.cells + 1),
        "adjoint with a zero boundary where periodic was asked for": lambda t: t(boundary="zero"),
    },
    "stencil_gradient": {
        "stencil gradient averaged over the examples": lambda t: t() / t.examples,
        "stencil gradient flipped": lambda t: flip(t()),
        "channels of the stencil gradient exchanged": lambda t: exchange(t(), 0, 1),
        "stencil gradient of the first example only": lambda t: t(Z=t.Z[:, :1].copy(), Y=t.Y[:, :1].copy()),
    },
    "convolution_matrix": {
        "entries of the matrix that meet overwrite each other": _overwrite,
        "matrix with a zero boundary where periodic was asked for": lambda t: t(boundary="zero"),
        "matrix of the flipped kernel": lambda t: t(S=flip(t.S)),
    },
}
