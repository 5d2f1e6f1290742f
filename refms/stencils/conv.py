"""Conv layers as frameworks have them, and transposed ones, as explicit sparse matrices."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from refms.backend import backend_of
from refms.errors import Array, InputError, precision, require_choice, require_whole
from refms.grid import Grid, as_grid
from refms.names import PADDING_MODES
from refms.stencils.kronecker import kronecker

Padding = str | int | Sequence[int] | Sequence[tuple[int, int]]
PerAxis = int | Sequence[int]


def conv_matrix(
    S: Array,
    grid: Grid,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    padding_mode: str = "zeros",
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Return the matrix K = Σ_κ S_κ ⊗ (E_κ1 B_1) ⊗ … ⊗ (E_κd B_d) of a layer Conv1d, Conv2d or Conv3d.

    Parameters
    ----------
    S : array
        The layer's weight, shape (c_out, c_in/groups, *stencil), any sizes; its bias is no part of K.
    grid : Grid
        The grid of the images, n_j cells an axis.
    stride, dilation : int or sequence of int
        s and δ, for all axes or one for each.
    padding : int, str or sequence
        Cells before and after each axis: one number for all axes, one for each, or a pair (before, after) for
        each; ``"valid"`` is 0. ``"same"`` gives ⌈n/s⌉ cells, the odd one after: as PyTorch has it for s = 1
        and TensorFlow for every s.
    padding_mode : str
        ``"zeros"``, ``"reflect"`` (the last cell is not repeated), ``"replicate"`` or ``"circular"``.
    groups : int
        Groups of channels that do not mix; c_in and c_out are multiples of it.

    Returns
    -------
    csr_array
        Shape (c_out·m, c_in·n), dtype of S; channel slowest, then the axes in C order, with
        m = ⌊(n + before + after − δ(k − 1) − 1)/s⌋ + 1 cells an axis. Zeros of S are not stored.

    Raises
    ------
    InputError
        If shapes do not fit, a number is out of range, the padding is wider than its mode can fill (reflect:
        n − 1 cells, circular: n), or no cell is left.

    Notes
    -----
    For each axis and each κ = 0, …, k − 1, B (n + before + after, n) fills the padding and E_κ selects:
    (E_κ)_{i, s i + δ κ} = 1. S_κ is the c_out × c_in matrix of the weights at κ, block-diagonal by groups.
    The adjoint is Kᵀ; with zeros it is :func:`conv_transpose_matrix` of the same weight.

    Examples
    --------
    >>> conv_matrix(np.array([[[1.0, 2.0, 3.0]]]), Grid((4,)), stride=2, padding=1).toarray()
    array([[2., 3., 0., 0.],
           [0., 1., 2., 3.]])
    >>> conv_matrix(np.array([[[1.0, 2.0, 3.0]]]), Grid((4,)), padding=1, padding_mode="reflect").toarray()[0]
    array([2., 4., 0., 0.])
    """
    axes = conv_axes(S, grid, stride, padding, padding_mode, dilation)
    return _sum(S, _require_groups(S, groups), axes)


def conv_transpose_matrix(
    S: Array,
    grid: Grid,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Return the matrix of a layer ConvTranspose1d, 2d or 3d: the transpose of the layer that leads back.

    Parameters
    ----------
    S : array
        The layer's weight, shape (c_in, c_out/groups, *stencil).
    grid : Grid
        The grid of the images, n_j cells an axis.
    stride, padding, dilation, groups
        Of the layer that leads back, which pads with zeros, see :func:`conv_matrix`; padding is one number
        for all axes or one for each.
    output_padding : int or sequence of int
        More cells at the end of each axis, fewer than stride or dilation: where s > 1 several grids lead to
        the same one.

    Returns
    -------
    csr_array
        Shape (c_out·m, c_in·n) with m = (n − 1) s − 2 padding + δ(k − 1) + output_padding + 1 cells an axis.

    Raises
    ------
    InputError
        If shapes do not fit, a number is out of range, or no cell is left.

    Examples
    --------
    >>> conv_transpose_matrix(np.array([[[1.0, 2.0]]]), Grid((2,)), stride=2, output_padding=1).toarray()
    array([[1., 0.],
           [2., 0.],
           [0., 1.],
           [0., 2.],
           [0., 0.]])
    """
    axes = transposed_axes(S, grid, stride, padding, output_padding, dilation)
    return _sum(S, _require_groups(S, groups), axes).T.tocsr()


@dataclass(frozen=True)
class Axis:
    """One axis of a layer: n cells become m, each from the padded cells s i + δ κ, κ = 0, …, k − 1."""

    n: int
    m: int
    k: int
    stride: int
    dilation: int
    before: int
    after: int
    mode: str

    @property
    def wide(self) -> int:
        """Cells with the padding."""
        return self.before + self.n + self.after

    def tap(self, kappa: int) -> Any:
        """Return Π_κ = E_κ B, (m, n): E_κ selects the padded cells s i + δ κ, B fills the padding."""
        i = np.arange(self.m)
        met = self.stride * i + self.dilation * kappa
        inside = met < self.wide  # beyond are zeros alone: the output padding of a transposed layer
        E = scipy.sparse.csr_array(
            (np.ones(inside.sum()), (i[inside], met[inside])), shape=(self.m, self.wide)
        )
        return E @ padding_matrix(self.n, self.before, self.after, self.mode)


def padding_matrix(n: int, before: int, after: int, mode: str) -> Any:
    """Return B (before + n + after, n), which copies cells and fills the padding.

    >>> padding_matrix(3, 1, 1, "reflect").toarray().tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    cells = np.arange(-before, n + after)
    source = {
        "zeros": cells,
        "reflect": n - 1 - abs(n - 1 - abs(cells)),
        "replicate": cells.clip(0, n - 1),
        "circular": cells % n,
    }[mode]
    rows = np.flatnonzero((source >= 0) & (source < n))
    return scipy.sparse.csr_array((np.ones(len(rows)), (rows, source[rows])), shape=(len(cells), n))


def conv_grid(axes: Sequence[Axis]) -> Grid:
    """Return the grid of the output of a layer with these axes."""
    return Grid(tuple(axis.m for axis in axes))


def conv_axes(
    S: Array, grid: Grid, stride: PerAxis, padding: Padding, padding_mode: str, dilation: PerAxis
) -> list[Axis]:
    """Return the axes of :func:`conv_matrix`."""
    grid, sizes = _require_fit(S, grid)
    mode = require_choice(padding_mode, PADDING_MODES, "padding mode")
    strides, dilations = _per_axis(stride, grid, "stride", 1), _per_axis(dilation, grid, "dilation", 1)
    axes = []
    for j, (n, k, s, d) in enumerate(zip(grid.shape, sizes, strides, dilations, strict=True)):
        before, after = _padding(padding, grid, j, max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0))
        most = {"reflect": n - 1, "circular": n}.get(mode)
        if most is not None and max(before, after) > most:
            raise InputError(
                f"padding is ({before}, {after}) along an axis of {n} cells; {mode} can fill {most} at most."
            )
        m = (n + before + after - d * (k - 1) - 1) // s + 1
        _require_cells(m, n, k)
        axes.append(Axis(n, m, k, s, d, before, after, mode))
    return axes


def transposed_axes(
    S: Array, grid: Grid, stride: PerAxis, padding: PerAxis, output_padding: PerAxis, dilation: PerAxis
) -> list[Axis]:
    """Return the axes of the layer that leads back: from the output's m cells to the n of the grid."""
    grid, sizes = _require_fit(S, grid)
    options = [
        _per_axis(value, grid, name, least)
        for value, name, least in (
            (stride, "stride", 1),
            (padding, "padding", 0),
            (output_padding, "output_padding", 0),
            (dilation, "dilation", 1),
        )
    ]
    axes = []
    for n, k, s, p, more, d in zip(grid.shape, sizes, *options, strict=True):
        if more >= max(s, d):
            raise InputError(f"output_padding is {more}; expected less than stride {s} or dilation {d}.")
        m = (n - 1) * s - 2 * p + d * (k - 1) + more + 1
        _require_cells(m, n, k)
        axes.append(Axis(m, n, k, s, d, p, p, "zeros"))
    return axes


def centred_stencil(S: Array, axes: Sequence[Axis], groups: int = 1) -> Array | None:
    """Return the stencils (c_out, c_in, *odd sizes) of K(S) if the layer is one, with s = 1 and m = n.

    The taps δ κ − before are the offsets of the stencil, and zeros stand between and around them; the layer
    with zeros is K(S) with zero boundary, the circular one the periodic K(S), which has a symbol.

    >>> S = np.array([[[1.0, 2.0]]])
    >>> centred_stencil(S, conv_axes(S, Grid((4,)), 1, "same", "circular", 1)).tolist()
    [[[0.0, 1.0, 2.0]]]
    """
    if any(axis.stride > 1 or axis.m != axis.n or axis.mode not in ("zeros", "circular") for axis in axes):
        return None
    radii = [max(axis.before, axis.dilation * (axis.k - 1) - axis.before) for axis in axes]
    full = np.stack([_block(S, groups, kappa) for kappa in np.ndindex(*S.shape[2:])], axis=-1)
    wide: Array = np.zeros((*full.shape[:2], *(2 * r + 1 for r in radii)), S.dtype)
    first = [r - axis.before for r, axis in zip(radii, axes, strict=True)]
    where = [slice(f, f + a.dilation * (a.k - 1) + 1, a.dilation) for f, a in zip(first, axes, strict=True)]
    wide[(..., *where)] = full.reshape(*full.shape[:2], *S.shape[2:])
    return wide


def _sum(S: Array, groups: int, axes: Sequence[Axis]) -> Any:
    """Return Σ_κ S_κ ⊗ Π_κ1 ⊗ … ⊗ Π_κd."""
    backend = backend_of(S)
    host = backend.to_host(S)
    K: Any = sum(
        kronecker(
            scipy.sparse.csr_array(_block(host, groups, kappa)),
            *[axis.tap(k) for axis, k in zip(axes, kappa, strict=True)],
        )
        for kappa in itertools.product(*[range(axis.k) for axis in axes])
    )
    return backend.csr_from_host(K.astype(S.dtype))


def _block(S: Array, groups: int, kappa: tuple[int, ...]) -> Array:
    """Return the dense matrix S_κ of all channels, block-diagonal by groups."""
    blocks = np.split(S[(..., *kappa)], groups)
    full = np.zeros((len(S), groups * S.shape[1]), S.dtype)
    for g, block in enumerate(blocks):
        rows, columns = block.shape
        full[g * rows : (g + 1) * rows, g * columns : (g + 1) * columns] = block
    return full


def _require_fit(S: Array, grid: Grid) -> tuple[Grid, tuple[int, ...]]:
    grid = as_grid(grid)
    precision(S, "S")
    if S.ndim != 2 + grid.dimension or 0 in S.shape:
        raise InputError(
            f"S has shape {tuple(S.shape)}; expected (channels, channels/groups, *stencil) with "
            f"{grid.dimension} stencil axes for grid {grid.shape}, none of them empty."
        )
    return grid, tuple(S.shape[2:])


def _require_groups(S: Array, groups: int) -> int:
    groups = require_whole(groups, "groups", 1)
    if S.shape[0] % groups:
        raise InputError(f"S has {S.shape[0]} channels, no multiple of the {groups} groups.")
    return groups


def _require_cells(m: int, n: int, k: int) -> None:
    if m < 1:
        raise InputError(
            f"an axis of {n} cells has none left after a stencil of {k}; pad more, or dilate or cut off less."
        )


def _per_axis(value: PerAxis, grid: Grid, name: str, least: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * grid.dimension
    if len(values) != grid.dimension:
        raise InputError(
            f"{name} is {value!r}; expected one number, or one for each of {grid.dimension} axes."
        )
    return tuple(require_whole(one, name, least) for one in values)


def _padding(padding: Any, grid: Grid, j: int, missing: int) -> tuple[int, int]:
    """Return the cells before and after axis j; ``"same"``: ``missing`` ones, half of them each."""
    if isinstance(padding, str):
        require_choice(padding, ("same", "valid"), "padding")
        return (missing // 2, missing - missing // 2) if padding == "same" else (0, 0)
    pairs = isinstance(padding, tuple | list) and all(isinstance(one, tuple | list) for one in padding)
    if pairs and all(len(one) == 2 for one in padding):
        before, after = zip(*padding, strict=True)
    else:
        before = after = padding
    return _per_axis(before, grid, "padding", 0)[j], _per_axis(after, grid, "padding", 0)[j]
