"""Convolutions with stride s, dilation δ, groups and stencils of any size k: z_i = Σ_q S_q y_{s i + κ_q}.

κ_q = δ q − ⌊δ(k − 1)/2⌋ for q = 0 … k − 1 along every axis, i = 0 … ⌈n/s⌉ − 1: an odd stencil is centred, an
even one reaches a cell further behind than before. Of S (c_out, c_in/groups, *stencil) each group of output
channels sees its own c_in/groups input channels, in order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from refms.definition.arrays import Array, as_double
from refms.definition.convolution import shift


def strided_offsets(
    stencil: Sequence[int], dilation: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield (q, κ_q) for every entry of a stencil.

    >>> [kappa for _, kappa in strided_offsets((2,), (1,))]
    [(0,), (1,)]
    >>> [kappa for _, kappa in strided_offsets((3,), (2,))]
    [(-2,), (0,), (2,)]
    """
    for index in itertools.product(*map(range, stencil)):
        axes = zip(index, stencil, dilation, strict=True)
        yield index, tuple(d * q - d * (k - 1) // 2 for q, k, d in axes)


def thin_out(Y: Array, stride: Sequence[int]) -> Array:
    """Return the cells s i along every axis, i = 0 … ⌈n/s⌉ − 1."""
    return Y[(..., *(slice(None, None, s) for s in stride))]


def fill_in(Z: Array, grid: Sequence[int], stride: Sequence[int]) -> Array:
    """Return the transpose of ``thin_out``: zeros but in the cells s i."""
    wide: Array = np.zeros((*Z.shape[:2], *grid), as_double(Z).dtype)
    wide[(..., *(slice(None, None, s) for s in stride))] = Z
    return wide


def block_diagonal(S: Array, groups: int) -> Array:
    """Return S (c_out, c_in/groups, *stencil) as (c_out, c_in, *stencil), zero between groups."""
    rows, columns = len(S) // groups, S.shape[1]
    full = np.zeros((len(S), groups * columns, *S.shape[2:]), as_double(S).dtype)
    for g in range(groups):
        own = slice(g * rows, (g + 1) * rows)
        full[own, g * columns : (g + 1) * columns] = S[own]
    return full


def strided_shifts(
    Y: Array,
    stencil: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    boundary: str = "periodic",
    orientation: str = "correlation",
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Yield (q, y_{s i + κ_q}); with the orientation "convolution", y_{s i − κ_q}."""
    sign = 1 if orientation == "correlation" else -1
    for index, kappa in strided_offsets(stencil, dilation):
        yield index, thin_out(shift(as_double(Y), [sign * k for k in kappa], boundary), stride)


def strided_convolve(
    S: Array,
    Y: Array,
    stride: Sequence[int],
    dilation: Sequence[int],
    groups: int = 1,
    boundary: str = "periodic",
    orientation: str = "correlation",
) -> Array:
    """Return z for images Y (m, c_in, *grid).

    >>> strided_convolve(np.array([[[1.0, 10.0]]]), np.array([[[1.0, 2.0, 3.0]]]), (2,), (1,)).tolist()
    [[[21.0, 13.0]]]
    """
    full, moved = (
        block_diagonal(S, groups),
        strided_shifts(Y, S.shape[2:], stride, dilation, boundary, orientation),
    )
    return sum(np.einsum("oc,mc...->mo...", full[(..., *index)], y) for index, y in moved)


def strided_adjoint(
    S: Array,
    Z: Array,
    grid: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    groups: int = 1,
    boundary: str = "periodic",
    orientation: str = "correlation",
) -> Array:
    """Return the transpose applied to Z (m, c_out, *⌈grid/s⌉), images (m, c_in, *grid)."""
    full, wide = block_diagonal(S, groups), fill_in(Z, grid, stride)
    opposite = "convolution" if orientation == "correlation" else "correlation"
    moved = strided_shifts(wide, S.shape[2:], [1] * len(grid), dilation, boundary, opposite)
    return sum(np.einsum("oc,mo...->mc...", full[(..., *index)], z) for index, z in moved)


def strided_gradient(
    Z: Array,
    Y: Array,
    stencil: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    groups: int = 1,
    boundary: str = "periodic",
    orientation: str = "correlation",
) -> Array:
    """Return ∂⟨Z, z⟩/∂S (c_out, c_in/groups, *stencil), summed over cells and examples."""
    axes, (rows, columns) = [0, *range(2, Z.ndim)], (Z.shape[1] // groups, Y.shape[1] // groups)
    entries = []
    for _, y in strided_shifts(Y, stencil, stride, dilation, boundary, orientation):
        full = np.tensordot(Z, y, (axes, axes)).reshape(groups, rows, groups, columns)
        entries.append(np.concatenate([full[g, :, g] for g in range(groups)]))
    return np.stack(entries, axis=-1).reshape(Z.shape[1], columns, *stencil)
