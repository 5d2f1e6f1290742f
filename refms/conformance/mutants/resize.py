"""Mistakes in resizing images, and in blurring them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import columns, images, weigh
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array

_RADIUS = {"box": 0.5, "linear": 1.0, "cubic": 2.0}


def _kernel(x: Array, name: str, keys: float) -> Array:
    if name == "box":
        return np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)
    x = np.abs(x)
    if name == "linear":
        return np.maximum(0.0, 1 - x)
    near = (keys + 2) * x**3 - (keys + 3) * x**2 + 1
    far = keys * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def _rows(t: Asked, n: int, to: int, how: dict[str, Any]) -> Array:
    """Return A_1 with something else than usual."""
    A, ratio = np.zeros((to, n)), n / to
    a = ratio if how.get("always_wide") else max(1.0, ratio) if t.antialias else 1.0
    for row in range(to):
        x = (row + 0.5) * ratio - 0.5
        x = row * ratio if how.get("corners") else x
        x = row * (n - 1) / max(to - 1, 1) if how.get("align") else x
        reach = math.ceil(_RADIUS[t.kernel] * a)
        near = np.arange(math.floor(x) - reach, math.floor(x) + reach + 2)
        weights = _kernel((x - near) / a, t.kernel, how.get("keys", -0.5))
        weights /= a if how.get("raw") else weights.sum() or 1.0
        for j, weight in zip(near.tolist(), weights, strict=True):
            if how.get("zero") and not 0 <= j < n:
                continue
            at = j % n if t.border == "periodic" else min(max(j, 0), n - 1)
            if how.get("reflect") and t.border == "clamp":
                at = min(j % (2 * n), 2 * n - 1 - j % (2 * n))
            A[row, at] += weight
    return A


def _resized(**how: Any) -> Change:
    """Return the mistake of other rows along every axis."""

    def change(t: Asked) -> Array:
        if t.kernel == "nearest":
            return t()
        Y = images(t.Y, t.grid)
        for axis, to in enumerate(t.to, 2):
            A = _rows(t, Y.shape[axis], to, how)
            Y = np.moveaxis(np.tensordot(A, Y, (1, axis)), 0, axis)
        return columns(Y).astype(t.Y.dtype)

    return change


def _nearest(cell: Callable[[Array, int, int], Array]) -> Change:
    """Return the mistake of other cells: (I, n, n') -> where the I-th of n' is taken from, of n."""

    def change(t: Asked) -> Array:
        if t.kernel != "nearest":
            return t()
        Y = images(t.Y, t.grid)
        for axis, (n, to) in enumerate(zip(t.grid, t.to, strict=True), 2):
            Y = np.take(Y, cell(np.arange(to), n, to).astype(int), axis)
        return columns(Y)

    return change


def _blurred(reach: float = 4.0, border: str = "wrap", axes: int = 3, raw: bool = False) -> Change:
    """Return the mistake of another Gaussian."""

    def change(t: Asked) -> Array:
        Y, wide = images(t.Y, t.grid).astype("float64"), math.ceil(reach * t.sigma)
        k = np.arange(-wide, wide + 1)
        g = np.exp(-0.5 * (k / t.sigma) ** 2) if t.sigma else np.ones(1)
        g /= math.sqrt(2 * math.pi) * t.sigma if raw and t.sigma else g.sum()
        for axis in range(2, Y.ndim)[-axes:]:
            Y = weigh(Y, g, axis, border)
        return columns(Y).astype(t.Y.dtype)

    return change


MISTAKES: Table = {
    "resize": {
        "align_corners in resize": _resized(align=True),
        "corners of cells for their centres in resize": _resized(corners=True),
        "−0.75 in the cubic kernel": _resized(keys=-0.75),
        "weights of resize not normalised": _resized(raw=True),
        "kernel of resize narrowed where the image grows": _resized(always_wide=True),
        "zeros beyond the border in resize": _resized(zero=True),
        "reflected border in resize": _resized(reflect=True),
        "clamp and periodic exchanged in resize": lambda t: t(
            border="clamp" if t.border == "periodic" else "periodic"
        ),
        "antialiasing left out": lambda t: t(antialias=False),
        "antialiasing always": lambda t: t(antialias=True),
        "linear kernel for the cubic one": lambda t: t(kernel="linear" if t.kernel == "cubic" else t.kernel),
        "nearest resize takes the cell under the new centre": _nearest(lambda k, n, to: (k + 0.5) * n / to),
        "ratio of nearest resize rounded to single precision": _nearest(
            lambda k, n, to: k * float(np.float32(n / to))
        ),
    },
    "blur": {
        "σ for σ² in the blur": lambda t: t(sigma=math.sqrt(t.sigma)),
        "σ of the blur twice as large": lambda t: t(sigma=2 * t.sigma),
        "blur cut off at 2σ": _blurred(reach=2.0),
        "blur not normalised": _blurred(raw=True),
        "zeros beyond the border in the blur": _blurred(border="constant"),
        "clamped border in the blur": _blurred(border="edge"),
        "blur along the last axis only": _blurred(axes=1),
    },
}
