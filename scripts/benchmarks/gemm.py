"""What the machine can do at best: the matrix product of large square matrices, and the copy of an array."""

from __future__ import annotations

import time

import numpy as np

SIZE = 1024


def gemm_rate(dtype: str, samples: int = 5, cpu: bool = True) -> float:
    """Return the best rate of NumPy's matrix product in this process.

    Parameters
    ----------
    dtype : str
        ``"float64"`` or ``"float32"``.
    samples : int
        How many products are timed.
    cpu : bool
        Whether to count processor time, as for one thread, or wall time.

    Returns
    -------
    float
        Floating-point operations per second; a multiply-add counts two.
    """
    clock = time.process_time if cpu else time.perf_counter
    A, B = np.random.default_rng(0).standard_normal((2, SIZE, SIZE)).astype(dtype)
    out = A @ B
    best = float("inf")
    for _ in range(samples):
        start = clock()
        np.matmul(A, B, out=out)
        best = min(best, clock() - start)
    return 2 * SIZE**3 / best


def copy_rate(numbers: int, dtype: str, samples: int = 7) -> float:
    """Return the best rate at which an array of a given size is copied in this process.

    Parameters
    ----------
    numbers : int
        Size of the array.
    dtype : str
        Its dtype.
    samples : int
        How many copies are timed.

    Returns
    -------
    float
        Bytes read and written per second of processor time.
    """
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
