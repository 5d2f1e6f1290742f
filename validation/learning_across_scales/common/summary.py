"""Numbers over several seeds, and where a curve reaches what is asked for."""

import statistics
from collections.abc import Sequence
from typing import Any


def spread(values: Sequence[float | None]) -> dict[str, Any]:
    """Return mean and standard deviation of what there is.

    ``mean`` (None without a number), ``sd`` (of a sample, n - 1; None below two numbers), and ``values``.
    """
    there = [value for value in values if value is not None]
    return {
        "mean": statistics.fmean(there) if there else None,
        "sd": statistics.stdev(there) if len(there) > 1 else None,
        "values": list(values),
    }


def first_reaching(values: Sequence[float], target: float) -> int | None:
    """Return the place of the first value that is not below a target, None if there is none."""
    return next((place for place, value in enumerate(values) if value >= target), None)


def last_within(values: Sequence[float], budget: float) -> int | None:
    """Return the place of the last of some growing values that is not above a budget, None if all are."""
    within = [place for place, value in enumerate(values) if value <= budget]
    return within[-1] if within else None
