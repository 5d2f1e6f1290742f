"""Mistakes in pooling."""

from __future__ import annotations

import math

import numpy as np

from refms.conformance.mutants.arrays import columns, images
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array


def _coarse(t: Asked) -> tuple[int, ...]:
    """Return the ⌈n/s⌉ cells of the output."""
    return tuple(-(-n // s) for n, s in zip(t.grid, t.stride, strict=True))


def _shares(t: Asked) -> Array:
    """Return by how many of its w^d cells each window lies in the grid, (1, 1, *⌈n/s⌉)."""
    found = np.ones((1, 1, *(1,) * len(t.grid)))
    for axis, (n, w, s) in enumerate(zip(t.grid, t.pool, t.stride, strict=True), 2):
        met = np.arange(0, n, s)[:, None] + np.arange(w) - (w - 1) // 2
        share = ((met >= 0) & (met < n)).mean(axis=1)
        found = found * share.reshape([-1 if k == axis else 1 for k in range(found.ndim)])
    return found


def _weigh(Z: Array, t: Asked, factor: Array | float) -> Array:
    return columns(images(Z, _coarse(t)) * factor).astype(Z.dtype)


def _moved(t: Asked) -> Array:
    """Return pooling of windows that reach further before where they are even."""
    Y = images(t.Y, t.grid)
    for axis, w in enumerate(t.pool, 2):
        Y = np.roll(Y, 1 - w % 2, axis)
    return np.asarray(t(Y=columns(Y)))


def _border(t: Asked) -> Array:
    """Return the largest numbers, zeros beyond the border among them."""
    return np.where(_weigh(np.ones_like(t()), t, _shares(t)) < 1, np.maximum(t(), 0), t())


def _absolute(t: Asked) -> Array:
    """Return the number of largest absolute value in each window."""
    high, low = t(), -t(Y=-t.Y)
    return np.where(np.abs(low) > np.abs(high), low, high)


def _tie(how: str) -> Change:
    """Return the mistake in windows with several largest cells: all of them get z, or none."""

    def change(t: Asked) -> Array:
        Y, Z = images(t.Y, t.grid), images(t.Z, _coarse(t))
        found = np.zeros_like(Y)
        for index in np.ndindex(*Z.shape):
            example, channel, *cell = index
            own = tuple(
                slice(max(i * s - (w - 1) // 2, 0), i * s + w // 2 + 1)
                for i, s, w in zip(cell, t.stride, t.pool, strict=True)
            )
            values = Y[(example, channel, *own)]
            largest = values == values.max()
            if how == "all" or largest.sum() == 1:
                found[(example, channel, *own)] += np.where(largest, Z[index], 0)
        return columns(found)

    return change


def _overwrites(t: Asked) -> Array:
    """Return what the last window says where windows overlap."""
    found = np.zeros_like(t())
    for row in range(len(t.Z)):
        one = np.zeros_like(t.Z)
        one[row] = t.Z[row]
        part = t(Z=one)
        found = np.where(part != 0, part, found)
    return found


MISTAKES: Table = {
    "average_pool": {
        "cells beyond the border counted in means": lambda t: _weigh(t(), t, _shares(t)),
        "sums of windows in place of means": lambda t: _weigh(t(), t, math.prod(t.pool) * _shares(t)),
        "pooled means of windows one cell further before": _moved,
        "means of pooling without overlap": lambda t: t(pool=tuple(map(min, t.pool, t.stride))),
    },
    "average_pool_adjoint": {
        "parts of 1/w^d at the border in the adjoint of means": lambda t: t(Z=_weigh(t.Z, t, _shares(t))),
        "windows that overlap overwrite in the adjoint of means": _overwrites,
        "adjoint of means copies without weight": lambda t: t(
            Z=_weigh(t.Z, t, math.prod(t.pool) * _shares(t))
        ),
        "adjoint of means without overlap": lambda t: t(pool=tuple(map(min, t.pool, t.stride))),
    },
    "max_pool": {
        "zeros beyond the border among the largest": _border,
        "largest of windows one cell further before": _moved,
        "largest absolute value in place of the largest": _absolute,
        "largest of windows without overlap": lambda t: t(pool=tuple(map(min, t.pool, t.stride))),
    },
    "max_pool_gradient": {
        "all of equal cells get the whole gradient": _tie("all"),
        "none of equal cells gets the gradient": _tie("none"),
        "windows that overlap overwrite in the gradient of the largest": _overwrites,
        "gradient of the smallest in place of the largest": lambda t: t(Y=-t.Y),
    },
}
