"""Logits with extremes, labels, and batches of examples."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from refms.errors import Array, require_whole
from refms.strategies.arrays import arrays, deltas, seeds, size_of


def logits(classes: int, examples: int = 1, dtype: str = "float64") -> SearchStrategy[Array]:
    """Return a strategy of logits with extremes; they shrink to zeros, all classes equally likely.

    Parameters
    ----------
    classes, examples : int
        ℓ and m, at least 1.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of array
        Shape (ℓ, m), finite: zeros, deltas and normal numbers of sizes from 1e-6 to 1e4, and single logits of
        ±1e4 or a quarter of the largest number there is, which overflow any exponential that is not shifted.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(logits(2, 3), lambda Z: True).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    shape = (classes, examples)
    usual = st.builds(
        lambda Z, size: (Z * size).astype(dtype),
        arrays(shape, dtype),
        st.sampled_from((1.0, 1e-6, 30.0, 1e4)),
    )
    size_of(shape, dtype)
    huge = float(np.finfo(dtype).max) / 4
    extreme = st.builds(
        lambda Z, delta, size: np.where(delta == 0, Z, Z.dtype.type(size)),
        arrays(shape, dtype),
        deltas(shape, dtype),
        st.sampled_from((1e4, -1e4, huge, -huge)),
    )
    return st.one_of(st.builds(lambda: np.zeros(shape, dtype)), usual, extreme)


def labels(classes: int, examples: int = 1, dtype: str = "float64") -> SearchStrategy[Array]:
    """Return a strategy of one-hot labels; they shrink to the first class for all examples.

    Parameters
    ----------
    classes, examples, dtype
        As for :func:`logits`.

    Returns
    -------
    SearchStrategy of array
        Shape (ℓ, m), a single one in every column.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(labels(2, 3), lambda C: C[1, 1] == 1).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    size_of((classes, examples), dtype)
    chosen = st.lists(st.integers(0, classes - 1), min_size=examples, max_size=examples)
    return chosen.map(lambda found: np.eye(classes, dtype=dtype)[:, found])


def nested_batches(count: int, levels: int = 3) -> SearchStrategy[tuple[tuple[int, ...], ...]]:
    """Return a strategy of batches of which each continues the one before; they shrink to example 0 alone.

    Parameters
    ----------
    count : int
        Number of examples, at least 1.
    levels : int
        Number of batches, at least 1.

    Returns
    -------
    SearchStrategy of tuple of tuple of int
        Indices below ``count`` without repetition, smallest batch first.

    Examples
    --------
    >>> from hypothesis import find
    >>> small, large = find(nested_batches(5, levels=2), lambda batches: len(batches[1]) > 2)
    >>> len(small), len(large), large[0] == small[0]
    (1, 3, True)
    """
    count = require_whole(count, "count", 1)
    levels = require_whole(levels, "levels", 1)
    sizes = st.lists(st.integers(1, count), min_size=levels, max_size=levels).map(sorted)
    order = st.one_of(
        st.just(tuple(range(count))),
        seeds().map(lambda seed: tuple(np.random.default_rng(seed).permutation(count).tolist())),
    )
    return st.builds(lambda all_, ends: tuple(all_[:end] for end in ends), order, sizes)
