"""How many examples go through a map at once, and on which of them curvature is measured."""

from __future__ import annotations

import numpy as np

from refms.errors import Array, InputError, require_whole

DEFAULT_MEMORY = 2 * 1024**3
"""Default memory budget for activations, in bytes."""

PREFERRED_BYTES = 2**24
"""Activations of a batch when memory allows, in bytes: they then stay near the processor's caches."""

LEAST_ROW = 512
"""Bytes of one cell of all examples in a batch: shorter rows cost the kernels more than the cache saves."""

FEW_COLUMNS = 4
"""Examples whose activations must fit into the memory budget, or the propagation keeps checkpoints alone."""

SHARES = 2
"""Batches for which the budget has room where it is the limit, and so many threads that work at once then."""


def batch_width(stored: int, itemsize: int, memory: int, rows: int = 0) -> int:
    """Return how many columns a batch may have within a memory budget, however many threads share it.

    A share that hung on the number of threads would change the order of sums with it.

    Examples
    --------
    >>> batch_width(stored=1000, itemsize=8, memory=10**6)
    31
    """
    need = _column(stored, itemsize)
    if need > require_whole(memory, "memory", 1):
        raise InputError(
            f"one example needs about {need} bytes of activations but the memory budget is {memory}; "
            "raise the budget (option memory) or use fewer channels, layers or cells."
        )
    preferred = max(PREFERRED_BYTES // ((stored + rows) * itemsize), LEAST_ROW // itemsize)
    return max(1, min(preferred, memory // SHARES // need))


def width_and_threads(
    stored: int, itemsize: int, memory: int, threads: int, rows: int = 0
) -> tuple[int, int]:
    """Return the columns of a batch, and how many threads work at once so that their batches fit.

    >>> width_and_threads(stored=1000, itemsize=8, memory=10**6, threads=4)
    (31, 2)
    """
    width = batch_width(stored, itemsize, memory, rows)
    return width, max(1, min(threads, memory // (width * max(1, _column(stored, itemsize)))))


def is_short(stored: int, itemsize: int, memory: int) -> bool:
    """Return whether a few examples exceed the budget, so that checkpoints alone have to be kept."""
    return FEW_COLUMNS * _column(stored, itemsize) > memory


def _column(stored: int, itemsize: int) -> int:
    """Return bytes of an example: the backward sweep holds about as much again in cotangents and patches."""
    return 2 * stored * itemsize


def hessian_sample(count: int, fraction: float, seed: int, iteration: int) -> Array:
    """Return the sorted indices of the examples on which curvature is measured in one iteration.

    Examples
    --------
    >>> hessian_sample(10, 0.2, seed=0, iteration=1).size
    2
    """
    if not 0 < fraction <= 1:
        raise InputError(f"hessian fraction is {fraction}; expected a number in (0, 1].")
    seed = require_whole(seed, "seed")
    iteration = require_whole(iteration, "iteration")
    size = max(1, round(fraction * count))
    return np.sort(np.random.default_rng([seed, iteration]).choice(count, size, replace=False))
