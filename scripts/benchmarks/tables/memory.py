"""A deep network on many images: the memory of one gradient, in a process of its own."""

import time
from typing import Any

from benchmarks import memory
from benchmarks.cases import Case, Problem
from benchmarks.engines import engines
from benchmarks.tables import DTYPES, process

SIZE = (28, 8, 64, 10_000)
LIMIT = 4 * 2**30
"""Bytes that the whole process must not exceed."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: both precisions; the quick one has 100 images."""
    size = (*SIZE[:3], 100) if quick else SIZE
    return [process(size=size, dtype=dtype) for dtype in DTYPES]


def measure(size: tuple[int, int, int, int], dtype: str) -> dict[str, Any]:
    """Weigh value and gradient of refms, by the first route that there is: bytes of the whole process."""
    name, build = next(iter(engines(("refms",))[0].items()))
    problem = Problem(Case(*size, dtype))
    risk = build(problem).block("propagation", problem.model.blocks, 1)
    start = time.process_time()
    risk.value_and_gradient(problem.model.blocks["propagation"])
    cpu = time.process_time() - start
    one_state = size[0] ** 2 * size[1] * size[3] * problem.images.itemsize
    return {
        "engine": name,
        "peak": memory.peak(),
        "cpu": float(f"{cpu:.4g}"),
        "all states": one_state * size[2],
    }
