"""The inputs of the goldens: doubles with all their bits, drawn so that no NumPy will draw others."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from refms.errors import Array


def doubles(seed: int, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Return arrays of odd multiples of 2⁻⁵² between -1 and 1, without zeros, symmetries or repetitions.

    Drawn in the order of the shapes. NumPy may change how its generators turn random bits into distributions,
    but never the bits: so the bits themselves are used, 52 of each 64.

    >>> drawn = doubles(0, {"s": (3,), "y": (2, 2)})["s"]
    >>> bool((abs(drawn) < 1).all()), len(set(drawn.tolist()))
    (True, 3)
    """
    bits = np.random.default_rng(seed).bit_generator
    return {name: _doubles(bits, shape) for name, shape in shapes.items()}


def one_hot(seed: int, classes: int, examples: int) -> Array:
    """Return labels (ℓ, m), a one in every column."""
    chosen = np.random.default_rng(seed).bit_generator.random_raw(examples) % np.uint64(classes)
    return (np.arange(classes)[:, None] == chosen[None, :].astype(np.int64)).astype(np.float64)


def _doubles(bits: np.random.BitGenerator, shape: tuple[int, ...]) -> Array:
    raw = bits.random_raw(math.prod(shape)) >> np.uint64(12)
    odd = 2 * raw.astype(np.int64) + 1 - 2**52
    return (odd.astype(np.float64) * 2.0**-52).reshape(shape)
