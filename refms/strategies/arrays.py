"""Arrays: deltas first, then standard normal numbers from a seed."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from refms.errors import Array, require_choice, require_whole
from refms.names import DTYPES


def seeds() -> SearchStrategy[int]:
    """Return a strategy of seeds for ``numpy.random.default_rng``; they shrink to 0.

    Returns
    -------
    SearchStrategy of int
        0 to 2³² − 1.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(seeds(), lambda seed: seed > 2)
    3
    """
    return st.integers(0, 2**32 - 1)


def deltas(shape: tuple[int, ...], dtype: str = "float64") -> SearchStrategy[Array]:
    """Return a strategy of arrays with a single one among zeros; they shrink to the first entry.

    Parameters
    ----------
    shape : tuple of int
        Positive extents.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of array
        Of that shape and dtype.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(deltas((2, 2)), lambda a: a[1].any()).tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    size = size_of(shape, dtype)
    return st.integers(0, size - 1).map(lambda index: delta(shape, index, dtype))


def arrays(shape: tuple[int, ...], dtype: str = "float64") -> SearchStrategy[Array]:
    """Return a strategy of deltas and of standard normal arrays from seeds; they shrink to deltas.

    Parameters
    ----------
    shape, dtype
        As for :func:`deltas`.

    Returns
    -------
    SearchStrategy of array
        Of that shape and dtype; ``"float32"`` arrays are the same draws as ``"float64"`` ones, rounded.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(arrays((3,)), lambda a: a.any()).tolist()
    [1.0, 0.0, 0.0]
    """
    return st.one_of(deltas(shape, dtype), seeds().map(lambda seed: _normal(shape, seed, dtype)))


def size_of(shape: tuple[int, ...], dtype: str) -> int:
    """Return the number of entries; refuse what is no shape or no known dtype."""
    require_choice(dtype, DTYPES, "dtype")
    return math.prod(require_whole(extent, "an extent", 1) for extent in shape)


def delta(shape: tuple[int, ...], index: int, dtype: str) -> Array:
    """Return zeros with a single one, at an index in C order."""
    made = np.zeros(size_of(shape, dtype), dtype)
    made[index] = 1.0
    return made.reshape(shape)


def _normal(shape: tuple[int, ...], seed: int, dtype: str) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
