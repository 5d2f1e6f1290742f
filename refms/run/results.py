"""Results of comparisons and studies: for JSON, for HDF5, and as tables on a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.environment import machine
from refms.errors import Array
from refms.io.artifact import Artifact
from refms.run.bench import Run
from refms.run.plan import Plan
from refms.run.tables import text_table


def comparison_result(plan: Plan, runs: Mapping[str, Run]) -> dict[str, Any]:
    """Return a comparison for JSON.

    Parameters
    ----------
    plan : Plan
        What was asked for.
    runs : mapping of str to Run
        By method.

    Returns
    -------
    dict
        ``kind`` ``"compare"``, ``configuration``, ``machine``, ``date`` and ``runs``: for each method
        ``outcome``, ``notes``, ``columns``, ``train`` and ``validation``. Numbers may be NaN.
    """
    asked = plan.to_dict()
    asked.pop("study", None)
    found = {name: run.to_dict() for name, run in runs.items()}
    return {"kind": "compare", "configuration": asked, **_made(), "runs": found}


def study_result(parameter: str, configuration: Any, runs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study for JSON.

    Parameters
    ----------
    parameter : str
        What is varied.
    configuration : object
        Of the whole study.
    runs : mapping of str to dict
        By value and seed, each as in a comparison, with ``value``, ``seed`` and its own ``configuration``.

    Returns
    -------
    dict
        ``kind`` ``"study"``, ``parameter``, ``configuration``, ``machine``, ``date`` and ``runs``.
    """
    return {
        "kind": "study",
        "parameter": parameter,
        "configuration": configuration,
        **_made(),
        "runs": dict(runs),
    }


def comparison_artifact(result: Mapping[str, Any], runs: Mapping[str, Run]) -> Artifact:
    """Return a comparison for HDF5: the curves, every step's row, and the last parameters.

    Parameters
    ----------
    result : mapping
        Of :func:`comparison_result`.
    runs : mapping of str to Run
        The runs.

    Returns
    -------
    Artifact
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
    """Return a study for HDF5.

    Parameters
    ----------
    result : mapping
        Of :func:`study_result`.

    Returns
    -------
    Artifact
        Arrays ``INDEX/NAME`` of the curves, and the attribute ``index`` with the runs' names in this order.
    """
    runs = result["runs"]
    arrays: dict[str, Array] = {}
    for index, run in enumerate(runs.values()):
        arrays |= _columns(f"{index:04d}", run["columns"])
    return Artifact("study", {**_attributes(result), "index": list(runs)}, arrays)


def comparison_table(result: Mapping[str, Any]) -> str:
    """Return a comparison as a table.

    Parameters
    ----------
    result : mapping
        Of :func:`comparison_result`.

    Returns
    -------
    str
        A line a method.
    """
    rows = []
    for name, run in result["runs"].items():
        last = _last(run)
        rows.append(
            [
                name,
                f"{last['iteration']:.0f}",
                f"{last['work_units']:.4g}",
                f"{last['seconds']:.2f}",
                f"{last['objective']:.5f}",
                f"{last['gradient_norm']:.1e}",
                _percent(run["train"]["accuracy"]),
                _percent(run["validation"]["accuracy"]),
                run["outcome"]["status"],
            ]
        )
    return text_table(_HEAD, rows)


def study_table(result: Mapping[str, Any]) -> str:
    """Return a study as a table: mean ± standard deviation over seeds.

    Parameters
    ----------
    result : mapping
        Of :func:`study_result`.

    Returns
    -------
    str
        A line a value.
    """
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for run in result["runs"].values():
        grouped.setdefault(str(run["value"]), []).append(run)
    rows = []
    for value, runs in grouped.items():
        ends = [_last(run) for run in runs]
        rows.append(
            [
                value,
                str(len(runs)),
                *(_spread([end[name] for end in ends], form) for name, form in _SHOWN),
                _spread([100.0 * run["train"]["accuracy"] for run in runs], ".2f"),
                _spread([100.0 * run["validation"]["accuracy"] for run in runs], ".2f"),
                ", ".join(dict.fromkeys(run["outcome"]["status"] for run in runs)),
            ]
        )
    head = [result["parameter"], "seeds", *(name.replace("_", " ") for name, _ in _SHOWN)]
    return text_table([*head, "train %", "validation %", "outcome"], rows)


_HEAD = (
    "method",
    "iterations",
    "work units",
    "seconds",
    "objective",
    "gradient norm",
    "train %",
    "validation %",
    "outcome",
)
_SHOWN = (
    ("work_units", ".4g"),
    ("seconds", ".2f"),
    ("objective", ".5f"),
    ("gradient_norm", ".1e"),
)


def _made() -> dict[str, str]:
    return {"machine": machine(), "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")}


def _last(run: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: math.nan if column[-1] is None else float(column[-1]) for name, column in run["columns"].items()
    }


def _percent(share: float) -> str:
    return f"{100.0 * share:.2f}"


def _spread(numbers: Sequence[float], form: str) -> str:
    """Return mean ± standard deviation (of a sample), or the number where there is one alone."""
    if len(numbers) == 1:
        return format(numbers[0], form)
    return f"{np.mean(numbers):{form}} ± {np.std(numbers, ddof=1):{form}}"


def _columns(where: str, columns: Mapping[str, Any]) -> dict[str, Array]:
    return {
        f"{where}/{name}": np.array([math.nan if value is None else value for value in column], "float64")
        for name, column in columns.items()
    }


def _attributes(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a result says beside its columns, without numbers that are not finite."""
    kept = {name: value for name, value in result.items() if name not in ("kind", "runs")}
    kept["outcomes"] = {name: run["outcome"] for name, run in result["runs"].items()}
    return kept
