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


def batch_width(stored: int, itemsize: int, memory: int, rows: int = 0) -> int:
    """Return how many columns a batch may have within a memory budget.

    Examples
    --------
    >>> batch_width(stored=1000, itemsize=8, memory=10**6)
    62
    """
    # the backward sweep holds about as much again in cotangents and patches
    need = 2 * stored * itemsize
    if need > require_whole(memory, "memory", 1):
        raise InputError(
            f"one example needs about {need} bytes of activations but the memory budget is {memory}; "
            "raise the budget (option memory) or use fewer channels, layers or cells."
        )
    preferred = max(PREFERRED_BYTES // ((stored + rows) * itemsize), LEAST_ROW // itemsize)
    return max(1, min(preferred, memory // need))


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
