"""The activations σ and their derivatives σ′, by name; complex z carries a derivative along."""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, as_double

SLOPE = 0.01
"""Of the leaky ReLU for z < 0."""

WIDTH = 0.1
"""Half-width of the smoothed ReLU's parabola (z + w)² / 4w."""


def activate(z: Array, name: str = "tanh") -> Array:
    """Return σ(z): tanh, identity, relu, leaky_relu or smoothed_relu; balls know the first two.

    >>> activate(np.array([-1.0, 2.0]), "relu").tolist()
    [0.0, 2.0]
    """
    z = as_double(z)
    if name == "tanh":
        return np.tanh(z)
    if name == "identity":
        return z
    if name == "relu":
        return np.where(z.real > 0, z, 0)
    if name == "leaky_relu":
        return np.where(z.real > 0, z, SLOPE * z)
    parabola = (z + WIDTH) ** 2 / (4 * WIDTH)
    return np.where(abs(z.real) < WIDTH, parabola, np.where(z.real > 0, z, 0))


def at_zero(name: str) -> float:
    """Return σ(0), which is not 0 for the smoothed ReLU."""
    return WIDTH / 4 if name == "smoothed_relu" else 0.0


def slope(z: Array, name: str = "tanh") -> Array:
    """Return σ′(z)."""
    z = as_double(z)
    if name == "tanh":
        return 1 - np.tanh(z) ** 2
    if name == "identity":
        return 0 * z + 1
    if name == "relu":
        return np.where(z > 0, 1.0, 0.0)
    if name == "leaky_relu":
        return np.where(z > 0, 1.0, SLOPE)
    return np.clip((z + WIDTH) / (2 * WIDTH), 0, 1)
