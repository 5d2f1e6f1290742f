"""Orders of convergence, with the table of steps and errors from which they were found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from refms.conformance.measures.outcome import Outcome, within


def judge_order(
    counts: Sequence[int], errors: Sequence[float], low: float, high: float, text: str, name: str = "n"
) -> Outcome:
    """Judge the slope of errors between the two finest meshes.

    >>> found = judge_order((16, 32), (4e-2, 1e-2), 1.8, 2.2, "order")
    >>> print(found.detail)
           n      error  slope
          16   4.00e-02
          32   1.00e-02   2.00
    """
    good = all(0 < error < math.inf for error in errors)
    slope = math.log2(errors[-2] / errors[-1]) if good else math.nan
    table = steps_table(name, list(map(str, counts)), [1 / n for n in counts], {"error": errors})
    return within(slope, low, high, text, table)


def steps_table(
    name: str,
    labels: Sequence[str],
    steps: Sequence[float],
    columns: Mapping[str, Sequence[float]],
    others: Mapping[str, Sequence[float]] | None = None,
) -> str:
    """Return errors by steps as text, with the slope from each step to the next beside each column.

    >>> print(steps_table("t", ["1/2", "1/4"], [0.5, 0.25], {"R1": [8.0, 2.0]}, {"floor": [0.0, 0.0]}))
           t         R1  slope      floor
         1/2   8.00e+00          0.00e+00
         1/4   2.00e+00   2.00   0.00e+00
    """
    rest = others or {}
    heads = [f"{name:>8}", *(f"{one:>11}  slope" for one in columns), *(f"{one:>11}" for one in rest)]
    lines = ["".join(heads)]
    for row, label in enumerate(labels):
        cells = [f"{errors[row]:11.2e}{_slope(steps, errors, row):>7}" for errors in columns.values()]
        cells += [f"{values[row]:11.2e}" for values in rest.values()]
        lines.append("".join([f"{label:>8}", *cells]).rstrip())
    return "\n".join(lines)


def _slope(steps: Sequence[float], errors: Sequence[float], row: int) -> str:
    """Return the slope from the step before to this one, empty where there is none."""
    if row == 0:
        return ""
    before, now = abs(errors[row - 1]), abs(errors[row])
    if not (0 < before < math.inf and 0 < now < math.inf):
        return "-"
    return f"{math.log(before / now) / math.log(steps[row - 1] / steps[row]):.2f}"
