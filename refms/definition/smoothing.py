"""The periodic Gaussian along each axis, weights g_k ∝ e^{−k²/2σ²} for |k| <= ⌈4σ⌉ and Σ g_k = 1."""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, Number, as_double


def gaussian(sigma: Number, reach: int) -> Array:
    """Return g_k for k = −reach … reach; σ = 0 is the identity."""
    k = np.arange(-reach, reach + 1)
    if reach == 0:
        return k * sigma + 1
    g = np.exp(as_double(-(k * k) / (2 * sigma * sigma)))
    return g / g.sum()


def blur(Y: Array, sigma: Number, reach: int) -> Array:
    """Return B Y = Σ_k g_k Π_k Y along every axis, reach = ⌈4σ⌉.

    >>> blur(np.array([[[0.0, 1.0, 0.0, 0.0]]]), 0.0, 0).tolist()
    [[[0.0, 1.0, 0.0, 0.0]]]
    """
    for axis in range(2, Y.ndim):
        weights = enumerate(gaussian(sigma, reach), -reach)
        Y = sum(g * np.roll(as_double(Y), -k, axis) for k, g in weights)
    return Y
