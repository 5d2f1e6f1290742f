"""Conv layers of frameworks, z_{o,i} = Σ_c Σ_κ S_{oc,κ} ỹ_{c, s i + δ κ}, κ = 0 … k − 1, ỹ = y padded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from refms.definition.arrays import Array, as_double

NUMPY_MODES: dict[str, Any] = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}
"""What numpy.pad calls the padding modes of frameworks."""

Tap = tuple[tuple[int, ...], tuple[slice, ...]]


def taps(
    stencil: Sequence[int], cells: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Iterator[Tap]:
    """Yield κ and the slices with the padded cells s i + δ κ that it meets, i = 0 … cells − 1."""
    for kappa in itertools.product(*map(range, stencil)):
        axes = zip(kappa, cells, stride, dilation, strict=True)
        yield kappa, tuple(slice(d * k, d * k + s * (n - 1) + 1, s) for k, n, s, d in axes)


def split(a: Array, parts: int, axis: int = 0) -> list[Array]:
    """Return equal parts of an array."""
    return list(np.split(a, parts, axis))


def conv(
    S: Array,
    Y: Array,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    mode: str,
    dilation: Sequence[int],
    groups: int,
) -> Array:
    """Return z for S (c_out, c_in/groups, *stencil) and Y (m, c_in, *grid); one entry of the options an axis.

    >>> S, Y = np.array([[[1.0, 2.0]]]), np.array([[[1.0, 2.0, 3.0]]])
    >>> conv(S, Y, (2,), ((1, 0),), "zeros", (1,), 1).tolist()
    [[[2.0, 8.0]]]
    """
    wide: Array = np.pad(as_double(Y), [(0, 0), (0, 0), *padding], NUMPY_MODES[mode])
    reach = [d * (k - 1) for d, k in zip(dilation, S.shape[2:], strict=True)]
    cells = [(n - r - 1) // s + 1 for n, r, s in zip(wide.shape[2:], reach, stride, strict=True)]
    total = []
    for weights, fields in zip(split(S, groups), split(wide, groups, axis=1), strict=True):
        met = taps(S.shape[2:], cells, stride, dilation)
        total.append(
            sum(np.einsum("oc,mc...->mo...", weights[(..., *k)], fields[(..., *at)]) for k, at in met)
        )
    return np.concatenate(total, axis=1)


def conv_transpose(
    S: Array,
    Z: Array,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    output_padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Array:
    """Return the transposed layer: z_{c,i} adds S_{co,κ} z_{c,i} to cell s i + δ κ, padding is cut off.

    S has shape (c_in, c_out/groups, *stencil); ``output_padding`` more cells are kept at the end.

    >>> S, Z = np.array([[[1.0, 2.0]]]), np.array([[[1.0, 3.0]]])
    >>> conv_transpose(S, Z, (2,), ((0, 0),), (1,), (1,), 1).tolist()
    [[[1.0, 2.0, 3.0, 6.0, 0.0]]]
    """
    cells, m = Z.shape[2:], len(Z)
    axes = zip(cells, stride, dilation, S.shape[2:], output_padding, strict=True)
    wide = [s * (n - 1) + d * (k - 1) + 1 + more for n, s, d, k, more in axes]
    total = []
    for weights, fields in zip(split(S, groups), split(as_double(Z), groups, axis=1), strict=True):
        added: Array = np.zeros((m, S.shape[1], *wide), np.result_type(weights, fields))
        for k, at in taps(S.shape[2:], cells, stride, dilation):
            added[(..., *at)] += np.einsum("co,mc...->mo...", weights[(..., *k)], fields)
        total.append(added)
    kept = tuple(slice(before, n - after) for n, (before, after) in zip(wide, padding, strict=True))
    joined: Array = np.concatenate(total, axis=1)
    return joined[(..., *kept)]
