"""Results of comparisons and studies: for JSON, for HDF5, and as tables on a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.environment import machine
from refms.errors import Array, escaped
from refms.io.artifact import Artifact
from refms.run.compare import Run
from refms.run.plan import Plan
from refms.run.study import parameter_name

LARGEST_RESULT = 2**28
"""Bytes that a result in JSON may have."""


def comparison_result(plan: Plan, runs: Mapping[str, Run]) -> dict[str, Any]:
    """Return a comparison for JSON: what was asked for, and every run by its method. Numbers may be NaN."""
    asked = plan.to_dict()
    asked.pop("study", None)
    found = {name: run.to_dict() for name, run in runs.items()}
    return {"kind": "compare", "configuration": asked, **_made(), "runs": found}


def study_result(plan: Plan, runs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study for JSON; each run, by value and seed, has these and its own configuration besides."""
    head = {"kind": "study", "parameter": parameter_name(plan), "configuration": plan.to_dict()}
    return {**head, **_made(), "runs": dict(runs)}


def comparison_artifact(result: Mapping[str, Any], runs: Mapping[str, Run]) -> Artifact:
    """Return a comparison for HDF5: the curves, every step's row, and the last parameters.

    Arrays ``METHOD/columns/NAME`` and ``METHOD/steps/NAME`` (numbers alone), shape (rows,), and
    ``METHOD/propagation`` and ``METHOD/classifier``.
    """
    arrays: dict[str, Array] = {}
    for name, run in runs.items():
        arrays |= _columns(f"{name}/columns", run.columns)
        steps = {key: column for key, column in run.history.columns().items() if column.dtype.kind != "S"}
        arrays |= _columns(f"{name}/steps", steps)
        for block, x in run.model.blocks.items():
            arrays[f"{name}/{block}"] = backend_of(x).to_host(x)
    return Artifact("compare", _attributes(result), arrays)


def study_artifact(result: Mapping[str, Any]) -> Artifact:
    """Return a study for HDF5: arrays ``INDEX/NAME``, and the attribute ``index`` with the runs' names."""
    runs = result["runs"]
    arrays: dict[str, Array] = {}
    for index, run in enumerate(runs.values()):
        arrays |= _columns(f"{index:04d}", run["columns"])
    return Artifact("study", {**_attributes(result), "index": list(runs)}, arrays)


SHOWN = {"work_units": ".4g", "seconds": ".2f", "objective": ".5f", "gradient_norm": ".1e"}
"""Columns whose last numbers a table shows, and how."""

SCORES = ("train", "validation")


def comparison_table(result: Mapping[str, Any]) -> str:
    """Return a comparison as a table, a line a method."""
    rows = []
    for name, run in result["runs"].items():
        last = _last(run)
        shown = [format(last[column], form) for column, form in SHOWN.items()]
        scores = [f"{_percent(run, part):.2f}" for part in SCORES]
        rows.append([name, f"{last['iteration']:.0f}", *shown, *scores, run["outcome"]["status"]])
    return text_table(["method", "iterations", *_HEAD], rows)


def study_table(result: Mapping[str, Any]) -> str:
    """Return a study as a table, a line a value: mean ± standard deviation over seeds."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for run in result["runs"].values():
        grouped.setdefault(str(run["value"]), []).append(run)
    rows = []
    for value, runs in grouped.items():
        ends = [_last(run) for run in runs]
        shown = [_spread([end[name] for end in ends], form) for name, form in SHOWN.items()]
        scores = [_spread([_percent(run, part) for run in runs], ".2f") for part in SCORES]
        outcomes = ", ".join(dict.fromkeys(run["outcome"]["status"] for run in runs))
        rows.append([value, str(len(runs)), *shown, *scores, outcomes])
    return text_table([result["parameter"], "seeds", *_HEAD], rows)


_HEAD = [*(name.replace("_", " ") for name in SHOWN), *(f"{part} %" for part in SCORES), "outcome"]


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: the first column to the left, the others to the right.

    >>> print(text_table(["method", "steps"], [["a", "12"], ["longer", "3"]]))
    method  steps
    a          12
    longer      3
    """
    lines = [[escaped(cell) for cell in line] for line in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _made() -> dict[str, str]:
    return {"machine": machine(), "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")}


def _last(run: Mapping[str, Any]) -> dict[str, float]:
    return {name: _number(column[-1]) for name, column in run["columns"].items()}


def _percent(run: Mapping[str, Any], part: str) -> float:
    return 100.0 * _number(run[part]["accuracy"])


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _spread(numbers: Sequence[float], form: str) -> str:
    """Return mean ± standard deviation (of a sample), or the number where there is one alone."""
    if len(numbers) == 1:
        return format(numbers[0], form)
    return f"{np.mean(numbers):{form}} ± {np.std(numbers, ddof=1):{form}}"


def _columns(where: str, columns: Mapping[str, Any]) -> dict[str, Array]:
    return {
        f"{where}/{name}": np.array([_number(value) for value in column]) for name, column in columns.items()
    }


def _attributes(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a result says beside its columns, without numbers that are not finite."""
    kept = {name: value for name, value in result.items() if name not in ("kind", "runs")}
    kept["outcomes"] = {name: run["outcome"] for name, run in result["runs"].items()}
    return kept
