"""Mistakes in convolutions with stride, dilation, groups and even stencils."""

from __future__ import annotations

import math

import numpy as np

from refms.conformance.mutants.arrays import columns, flip, images, roll
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array


def _coarse(t: Asked) -> tuple[int, ...]:
    """Return the ⌈n/s⌉ cells of the output."""
    return tuple(-(-n // s) for n, s in zip(t.grid, t.stride, strict=True))


def _second_cell(t: Asked) -> Array:
    """Return the cells 1 + s i of the convolution with stride 1."""
    full = images(t(stride=(1,) * len(t.grid)), t.grid)
    for axis, (n, s) in enumerate(zip(_coarse(t), t.stride, strict=True), 2):
        full = np.take(full, (s > 1) + s * np.arange(n), axis, mode="wrap")
    return columns(full)


def _without_last(Z: Array, t: Asked) -> Array:
    """Return images on the cells of the output, 0 in the last cell of axes of which n is no multiple of s."""
    found = images(Z, _coarse(t)).copy()
    for axis, (n, s) in enumerate(zip(t.grid, t.stride, strict=True), 2):
        if n % s:
            np.moveaxis(found, axis, 0)[-1] = 0
    return columns(found)


def _thin_before(t: Asked) -> Array:
    """Return the convolution of every s-th cell with stride 1."""
    Y = images(t.Y, t.grid)[(..., *(slice(None, None, s) for s in t.stride))]
    return np.asarray(t(Y=columns(Y), grid=Y.shape[2:], stride=(1,) * len(t.grid)))


def _stencil_moved(cells: int) -> Change:
    """Return the mistake of even stencils that see cells moved along the last axis."""

    def change(t: Asked) -> Array:
        k = t.S.shape[-1]
        return np.asarray(t(Y=roll(t.Y, t.grid, cells, -1)) if k % 2 == 0 else t())

    return change


def _centred_without_gaps(t: Asked) -> Array:
    """Return dilated stencils centred by ⌊(k − 1)/2⌋ cells, whatever the gaps."""
    Y = images(t.Y, t.grid)
    for axis, (d, k) in enumerate(zip(t.dilation, t.S.shape[2:], strict=True), 2):
        Y = np.roll(Y, -(d * (k - 1) // 2 - (k - 1) // 2), axis)
    return np.asarray(t(Y=columns(Y)))


def _in_turn(A: Array, groups: int, axis: int = 0) -> Array:
    """Return channels that are dealt to groups in turn, as if they were dealt in blocks."""
    order = np.arange(A.shape[axis]).reshape(-1, groups).T.ravel()
    return np.ascontiguousarray(np.take(A, order, axis))


def _interleaved(t: Asked) -> Array:
    return np.asarray(t(Y=columns(_in_turn(images(t.Y, t.grid), t.groups, 1))))


def _out_interleaved(t: Asked) -> Array:
    return columns(_in_turn(images(t(), _coarse(t)), t.groups, 1))


def _first_group_for_all(t: Asked) -> Array:
    rows = len(t.S) // t.groups
    return np.asarray(t(S=np.concatenate([t.S[:rows]] * t.groups)))


def _reverse_groups(t: Asked) -> Array:
    return np.asarray(t(S=np.concatenate(np.split(t.S, t.groups)[::-1])))


def _without_exchange(t: Asked) -> Array:
    """Return the adjoint with the channels of every group exchanged once too often, where it can be."""
    rows = len(t.S) // t.groups
    if rows != t.S.shape[1]:
        return np.asarray(t())
    return np.asarray(t(S=np.concatenate([s.swapaxes(0, 1) for s in np.split(t.S, t.groups)])))


def _last_only(options: tuple[int, ...]) -> tuple[int, ...]:
    return (*(1,) * (len(options) - 1), options[-1])


def _moved_on(t: Asked) -> Array:
    """Return the adjoint of which the cells are put at s i + 1."""
    found = t()
    return roll(found, t.grid, 1, -1) if t.stride[-1] > 1 else found


def _any_channels(t: Asked) -> Array:
    """Return a result also of channels that do not divide: what is missing is there again."""
    try:
        return np.asarray(t())
    except ValueError:
        S = np.take(t.S, np.arange(-(-len(t.S) // t.groups) * t.groups), 0, mode="wrap")
        Y = np.take(images(t.Y, t.grid), np.arange(t.groups * S.shape[1]), 1, mode="wrap")
        return columns(images(t(S=S, Y=columns(Y)), _coarse(t))[:, : len(t.S)])


MISTAKES: Table = {
    "strided_convolution": {
        "stride begins with the second cell": _second_cell,
        "image thinned out before the stencil sees it": _thin_before,
        "last cell of the stride left out": lambda t: _without_last(t(), t),
        "dilation along the last axis only": lambda t: t(dilation=_last_only(t.dilation)),
        "dilation left out": lambda t: t(dilation=(1,) * len(t.grid)),
        "dilation by one cell too many": lambda t: t(dilation=tuple(d + (d > 1) for d in t.dilation)),
        "dilated stencil centred as without gaps": _centred_without_gaps,
        "even stencil centred one cell further before": _stencil_moved(1),
        "even stencil centred one cell further behind": _stencil_moved(-1),
        "input channels dealt to the groups in turn": _interleaved,
        "output channels of the groups in turn": _out_interleaved,
        "stencils of the first group for all groups": _first_group_for_all,
        "groups in reverse order": _reverse_groups,
        "channels that do not divide into groups accepted": _any_channels,
        "strided kernel flipped": lambda t: t(S=flip(t.S)),
        "zeros beyond the border of a strided convolution where periodic was asked for": lambda t: t(
            boundary="zero"
        ),
    },
    "strided_convolution_adjoint": {
        "strided adjoint without the flip": lambda t: t(S=flip(t.S)),
        "strided adjoint puts cells one too far": _moved_on,
        "strided adjoint without dilation": lambda t: t(dilation=(1,) * len(t.grid)),
        "strided adjoint without the exchange of channels in groups": _without_exchange,
        "strided adjoint with the groups in reverse order": _reverse_groups,
        "strided adjoint divided by the stride": lambda t: t() / math.prod(t.stride),
    },
    "strided_stencil_gradient": {
        "strided stencil gradient flipped": lambda t: flip(t()),
        "strided stencil gradient without dilation": lambda t: t(dilation=(1,) * len(t.grid)),
        "strided stencil gradient averaged over the examples": lambda t: t() / t.examples,
        "strided stencil gradient of the neighbouring group": lambda t: np.roll(
            t(), len(t.Z) // math.prod(_coarse(t)) // t.groups, axis=0
        ),
        "strided stencil gradient without the last cell": lambda t: t(Z=_without_last(t.Z, t)),
    },
}
