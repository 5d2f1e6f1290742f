"""How time grows with examples, cells, layers and channels."""

import math
from collections.abc import Sequence
from typing import Any

from benchmarks.cases import Case, Problem
from benchmarks.engines import engines
from benchmarks.operations import Reference, call, objective
from benchmarks.tables import DTYPES, process
from benchmarks.timing import Limits, interleaved

BASE = {"n": 32, "channels": 8, "layers": 4, "examples": 128}
WIDE = {**BASE, "layers": 2, "examples": 16}
GROWTH: dict[str, tuple[str, tuple[int, ...], int, dict[str, int]]] = {
    "examples": ("examples", (64, 128, 256, 512, 1024), 1, BASE),
    "n": ("n", (32, 64, 128), 2, BASE),
    "layers": ("layers", (4, 8, 16, 32, 64), 1, BASE),
    "channels": ("channels", (4, 8, 16, 32), 2, BASE),
    "wide channels": ("channels", (32, 64, 128, 256), 2, WIDE),
}
"""What grows, its values, the power of it that work is proportional to, and what stays."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: all values of one quantity in one process, so that they alternate."""
    seconds, least = (2.0, 1) if quick else (40.0, 5)
    return [
        process(
            grows=grows, values=values[:3] if quick else values, dtype=dtype, seconds=seconds, least=least
        )
        for grows, (_, values, *_) in GROWTH.items()
        for dtype in (DTYPES[:1] if quick else DTYPES)
    ]


def measure(
    grows: str, values: Sequence[int], dtype: str, seconds: float = 40.0, least: int = 5
) -> dict[str, Any]:
    """Time gradient and Gauss–Newton product while a quantity of ``GROWTH`` grows, and fit the exponent."""
    quantity, _, power, base = GROWTH[grows]
    problems = {str(value): Problem(Case(**{**base, quantity: value}, dtype=dtype)) for value in values}
    references = {value: Reference(problem) for value, problem in problems.items()}
    found: dict[str, Any] = {}
    for name, build in engines(("refms",))[0].items():
        for operation in ("gradient", "product"):
            calls = {
                value: call(operation, objective(build(problem), problem), problem)
                for value, problem in problems.items()
            }

            def check(value: str, result: Any, operation: str = operation, name: str = name) -> float:
                return references[value].require_same(operation, result, f"{name}, {grows} {value}")

            times = interleaved(calls, Limits(seconds, least), check)
            work = [int(value) ** power for value in times]
            seconds_each = [times[value]["cpu"][1] for value in times]
            found[f"{name}: {operation}"] = {"times": times, "exponent": exponent(work, seconds_each)}
    return found


def exponent(work: Sequence[float], seconds: Sequence[float]) -> float:
    """Return p of the least-squares fit log seconds = p log work + constant.

    Examples
    --------
    >>> exponent([1, 2, 4], [3.0, 6.0, 12.0])
    1.0
    """
    x, y = [math.log(value) for value in work], [math.log(value) for value in seconds]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return round(covariance / sum((a - mean_x) ** 2 for a in x), 3)
