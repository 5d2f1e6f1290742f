"""Eq. (2), K(s) = Σ_κ s_κ Π_κ with the shifts (Π_κ y)_i = y_{i+κ}: a sum of shifted images."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from refms.definition.arrays import Array, as_double, columns


def offsets(stencil: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield (index in the stencil, offset κ) for every entry of a centred stencil of odd sizes."""
    for index in itertools.product(*map(range, stencil)):
        yield index, tuple(i - size // 2 for i, size in zip(index, stencil, strict=True))


def shift(Y: Array, kappa: Sequence[int], boundary: str = "periodic") -> Array:
    """Return Π_κ Y: cell i holds y_{i+κ}, which is 0 outside of the grid if the boundary is "zero".

    >>> shift(np.array([1, 2, 3]), (1,)).tolist(), shift(np.array([1, 2, 3]), (1,), "zero").tolist()
    ([2, 3, 1], [2, 3, 0])
    """
    axes = range(-len(kappa), 0)
    moved = np.roll(Y, [-k for k in kappa], axes)
    if boundary == "zero":
        for axis, k in zip(axes, kappa, strict=True):
            cells = np.arange(Y.shape[axis]) + k
            np.moveaxis(moved, axis, -1)[..., (cells < 0) | (cells >= Y.shape[axis])] = 0
    return moved


def shifts(
    Y: Array, stencil: Sequence[int], boundary: str = "periodic", orientation: str = "correlation"
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Yield (index in the stencil, Π_κ Y); with the orientation "convolution", Π_{-κ} Y."""
    Y, sign = as_double(Y), 1 if orientation == "correlation" else -1
    for index, kappa in offsets(stencil):
        yield index, shift(Y, [sign * k for k in kappa], boundary)


def convolve(S: Array, Y: Array, boundary: str = "periodic", orientation: str = "correlation") -> Array:
    """Return K(S) Y, (K y)_{o,i} = Σ_c Σ_κ S_{oc,κ} y_{c,i+κ}, for S (c_out, c_in, *stencil).

    >>> convolve(np.array([[[0.0, 0.0, 1.0]]]), np.array([[[1.0, 2.0, 3.0]]])).tolist()
    [[[2.0, 3.0, 1.0]]]
    """
    moved = shifts(Y, S.shape[2:], boundary, orientation)
    return sum(np.einsum("oc,mc...->mo...", S[(..., *index)], y) for index, y in moved)


def adjoint(S: Array, Z: Array, boundary: str = "periodic", orientation: str = "correlation") -> Array:
    """Return K(S)ᵀ Z = Σ_κ S_κᵀ Π_{-κ} Z."""
    opposite = "convolution" if orientation == "correlation" else "correlation"
    moved = shifts(Z, S.shape[2:], boundary, opposite)
    return sum(np.einsum("oc,mo...->mc...", S[(..., *index)], z) for index, z in moved)


def stencil_gradient(
    Z: Array,
    Y: Array,
    stencil: Sequence[int],
    boundary: str = "periodic",
    orientation: str = "correlation",
) -> Array:
    """Return ∂⟨Z, K(S)Y⟩/∂S_{oc,κ} = ⟨Z_o, Π_κ Y_c⟩, summed over cells and examples."""
    axes = [0, *range(2, Z.ndim)]
    entries = [np.tensordot(Z, y, (axes, axes)) for _, y in shifts(Y, stencil, boundary, orientation)]
    return np.stack(entries, axis=-1).reshape(Z.shape[1], Y.shape[1], *stencil)


def convolution_matrix(
    S: Array, grid: Sequence[int], boundary: str = "periodic", orientation: str = "correlation"
) -> Array:
    """Return K(S) as a matrix: its columns are the products with the unit images."""
    size = S.shape[1] * math.prod(grid)
    units = np.eye(size).reshape(size, S.shape[1], *grid)
    return columns(convolve(S, units, boundary, orientation))


def transpose(S: Array) -> Array:
    """Return the stencils of K(S)ᵀ: reversed along all axes, channels exchanged."""
    return np.flip(S, tuple(range(2, S.ndim))).swapaxes(0, 1)
