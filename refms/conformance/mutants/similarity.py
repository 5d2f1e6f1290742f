"""Mistakes in structural similarity and its derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import columns, images, weigh
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array


def _window(sigma: float = 1.5, width: int = 11, border: str = "constant", raw: bool = False) -> Any:
    """Return x ↦ W x with something else than usual."""
    k = np.arange(width) - width // 2
    g = np.exp(-0.5 * (k / sigma) ** 2)
    g = g if raw else g / g.sum()

    def average(Y: Array) -> Array:
        for axis in range(2, Y.ndim):
            Y = weigh(Y, g, axis, border)
        return Y

    return average


def _ssim(W: Any = None, C1: float = 1e-4, C2: float = 9e-4, unbiased: float = 1.0) -> Change:
    """Return the mistake of another window, other constants, or variances times a factor."""
    average = W or _window()

    def change(t: Asked) -> Array:
        x, y = (images(one, t.grid).astype("float64") for one in (t.X, t.Y))
        mu, nu = average(x), average(y)
        b = 2 * unbiased * (average(x * y) - mu * nu) + C2
        d = unbiased * (average(x * x) - mu * mu + average(y * y) - nu * nu) + C2
        luminance = (2 * mu * nu + C1) / (mu * mu + nu * nu + C1) if np.inf > C1 else 1.0
        S = luminance * b / d
        return S.reshape(len(S), -1).mean(axis=1).astype(t.X.dtype)

    return change


def _local(t: Asked) -> Array:
    """Return G(v − ½ W v)."""
    return t() - 0.5 * t(V=columns(_window()(images(t.V, t.grid)).astype(t.V.dtype)))


MISTAKES: Table = {
    "ssim": {
        "window of SSIM not normalised": _ssim(_window(raw=True)),
        "reflected border in SSIM": _ssim(_window(border="reflect")),
        "clamped border in SSIM": _ssim(_window(border="edge")),
        "window of SSIM of 7 cells": _ssim(_window(width=7)),
        "σ = 1.5² in the window of SSIM": _ssim(_window(sigma=2.25)),
        "box for the Gaussian window of SSIM": _ssim(_window(sigma=1e9)),
        "constants of SSIM for images in [0, 255]": _ssim(C1=6.5025, C2=58.5225),
        "constants of SSIM not squared": _ssim(C1=0.01, C2=0.03),
        "constants of SSIM exchanged": _ssim(C1=9e-4, C2=1e-4),
        "luminance left out of SSIM": _ssim(C1=np.inf),
        "variances of SSIM with N − 1": _ssim(unbiased=121 / 120),
        "1 − SSIM for SSIM": lambda t: 1 - t(),
        "SSIM of the whole batch for each example": lambda t: np.full_like(t(), t().mean() + 0.01 * t()[0]),
    },
    "ssim_gradient": {
        "gradient of SSIM in the target": lambda t: t(X=t.Y, Y=t.X),
        "gradient of SSIM summed over the cells": lambda t: len(t.X) * t(),
        "gradient of 1 − SSIM for that of SSIM": lambda t: -t(),
        "gradient of SSIM averaged over the examples": lambda t: t() / (1 + t.X.shape[1]),
    },
    "ssim_hessian": {
        "positive form for the Hessian of SSIM": lambda t: -t.right.ssim_gauss_newton(t.X, t.Y, t.V, t.grid),
        "half of the Hessian of SSIM": lambda t: t() / 2,
        "Hessian of SSIM at the target": lambda t: t(X=t.Y),
    },
    "ssim_gauss_newton": {
        "Hessian of SSIM for the positive form": lambda t: -t.right.ssim_hessian(t.X, t.Y, t.V, t.grid),
        "sign of the positive form of SSIM": lambda t: -t(),
        "half of the positive form of SSIM": lambda t: t() / 2,
        "smoothed direction subtracted in the positive form of SSIM": _local,
    },
}
