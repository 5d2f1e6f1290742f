"""What the machine can do at best: the matrix product of large square matrices, and the copy of an array."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

SIZE = 1024


MATRIX_PRODUCT = "matrix product"
"""Name of the way that is timed in turn with the others: the rate they can reach in the same minutes."""


def matrix_product(dtype: str) -> Callable[[], Any]:
    """Return NumPy's product of two square matrices, to be called: 2·SIZE³ floating-point operations."""
    A, B = np.random.default_rng(0).standard_normal((2, SIZE, SIZE)).astype(dtype)
    out = np.empty_like(A)
    return lambda: np.matmul(A, B, out=out)


def gemm_rate(times: dict[str, Any], clock: str = "cpu") -> float:
    """Return the operations per second of the matrix product from the median of its times."""
    return 2 * SIZE**3 / float(times[clock][1])


def copy_rate(numbers: int, dtype: str, samples: int = 7) -> float:
    """Return the best rate of a copy: bytes read and written per second of processor time."""
    source = np.ones(numbers, dtype=dtype)
    target = np.zeros_like(source)
    repeats = max(1, 10**6 // numbers)
    best = float("inf")
    for _ in range(samples):
        start = time.process_time()
        for _ in range(repeats):
            np.copyto(target, source)
        best = min(best, (time.process_time() - start) / repeats)
    return 2 * source.nbytes / best
