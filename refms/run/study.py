"""The runs of a study: every value of a parameter with every seed, each named, so that none is run twice."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from refms.errors import FileError, InputError
from refms.run.compare import COLUMNS
from refms.run.config.configuration import Configuration
from refms.run.plan import Plan, StudySection


@dataclass(frozen=True, eq=False)
class StudyPoint:
    """One run of a study: its name ``"value|seed"``, and the plan with value and seed in their places.

    With several parameters ``value`` is all their values in one text.
    """

    name: str
    value: Any
    seed: int
    plan: Plan

    @property
    def section(self) -> StudySection:
        """The study with its value and seed in place: method and budget of this run."""
        assert self.plan.study is not None  # it comes from a plan with a study
        return self.plan.study

    @property
    def configuration(self) -> dict[str, Any]:
        """All that the run depends on, as JSON gives it back: equal for runs that need not be repeated."""
        study, configuration = self.section, self.plan.configuration
        found: dict[str, Any] = {
            **configuration.to_dict(),
            "method": study.method,
            "options": dataclasses.asdict(self.plan.methods[study.method]),
            "iterations": study.iterations or configuration.optimization.iterations,
            "work_units": study.work_units,
        }
        same: dict[str, Any] = json.loads(json.dumps(found))
        return same

    def to_dict(self) -> dict[str, Any]:
        """Return what a result says of the point."""
        return {"value": self.value, "seed": self.seed, "configuration": self.configuration}


def points_of(plan: Plan) -> tuple[StudyPoint, ...]:
    """Return the runs of a study, seed by seed within value by value, all checked before any of them is run.

    >>> study = {"parameter": "network.channels", "values": [2, 4], "seeds": [0, 1]}
    >>> [point.name for point in points_of(Plan.from_dict({"study": study}))]
    ['2|0', '2|1', '4|0', '4|1']
    """
    if plan.study is None:
        raise InputError("section [study] is missing; expected at least parameter and values in it.")
    study, points = plan.study, []
    for key in study.parameters:
        if key.startswith("study.") and key not in ("study.method", "study.iterations", "study.work_units"):
            raise InputError(f"[study] parameter is {key!r}; of this section expected study.method.")
    for values in itertools.product(*study.parameters.values()):
        varied = plan
        for key, value in zip(study.parameters, values, strict=True):
            varied = varied.with_value(key, value)
        shown = values[0] if len(values) == 1 else ", ".join(map(str, values))
        for seed in study.seeds:
            seeded = varied
            for key in study.seeded:
                if key in study.parameters:
                    raise InputError(f"[study] {key!r} is both varied and seeded; expected one of them.")
                seeded = seeded.with_value(key, seed)
            points.append(StudyPoint(f"{shown}|{seed}", shown, seed, seeded))
    if len({point.name for point in points}) < len(points):
        raise InputError("[study] names a value or a seed twice; expected each of them once.")
    return tuple(points)


def parameter_name(plan: Plan) -> str:
    """Return what a study varies, in one text."""
    return ", ".join(plan.study.parameters) if plan.study is not None else ""


def done_before(result: Mapping[str, Any], plan: Plan, path: str) -> dict[str, Any]:
    """Return the runs of an earlier result by name; values and seeds of this study may be others.

    Raises FileError with the ``path`` if it is no study, varies something else, or made a run of the same
    name with another configuration.
    """
    parameter = parameter_name(plan)
    if result.get("kind") != "study" or not isinstance(result.get("runs"), dict):
        raise FileError(f"{path!r} holds no study; choose another folder, or --force to begin anew.")
    if result.get("parameter") != parameter:
        raise FileError(
            f"{path!r} is a study of {result.get('parameter')!r}, not of {parameter!r}; choose another "
            "folder, or --force to begin anew."
        )
    runs: dict[str, Any] = result["runs"]
    for name, run in runs.items():
        if not _is_run(run):
            raise FileError(
                f"{path!r} holds {name!r}, which is no run; choose another folder, or --force to begin anew."
            )
    for point in points_of(plan):
        if point.name not in runs:
            continue
        before = Configuration.complete(runs[point.name]["configuration"])
        if before != point.configuration:
            other = ", ".join(_differences(before, point.configuration))
            raise FileError(
                f"{path!r} holds {point.name!r}, made with another configuration ({other}); choose another "
                "folder, or --force to begin anew."
            )
    return runs


def _is_run(run: Any) -> bool:
    """Return whether a run of a file has everything that tables and curves show."""
    try:
        columns = [run["columns"][name] for name in COLUMNS]
        numbers = [value for column in columns for value in column if value is not None]
        numbers += [run[part]["accuracy"] or 0.0 for part in ("train", "validation")]
        return (
            all(isinstance(column, list) and len(column) == len(columns[0]) > 0 for column in columns)
            and all(isinstance(number, int | float) and abs(number) < 2**1023 for number in numbers)
            and isinstance(run["configuration"], Mapping)
            and isinstance(run["outcome"]["status"], str)
            and isinstance(run["value"], str | int | float)
        )
    except (KeyError, TypeError, IndexError):
        return False


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key in sorted({*before, *now}):
        was, asked = before.get(key), now.get(key)
        if isinstance(was, dict) and isinstance(asked, dict):
            found += _differences(was, asked, f"{prefix}{key}.")
        elif was != asked:
            found.append(f"{prefix}{key} = {was!r}, not {asked!r}")
    return found
