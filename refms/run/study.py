"""The runs of a study: every value of a parameter with every seed, each named, so that none is run twice."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from refms.errors import FileError, InputError
from refms.run.plan import Plan
from refms.run.sections import StudySection


@dataclass(frozen=True, eq=False)
class StudyPoint:
    """One run of a study.

    Parameters
    ----------
    name : str
        ``"value|seed"``.
    value : object
        Of the parameter; with several of them, all in one text.
    seed : int
        The seed.
    plan : Plan
        With value and seed in their places.
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


def points_of(plan: Plan) -> tuple[StudyPoint, ...]:
    """Return the runs of a study, seed by seed within value by value.

    Parameters
    ----------
    plan : Plan
        With a study.

    Returns
    -------
    tuple of StudyPoint
        All checked, before any of them is run.

    Raises
    ------
    InputError
        If there is no study, or a key or value of it is none.

    Examples
    --------
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
    names = [point.name for point in points]
    if len(set(names)) < len(names):
        raise InputError("[study] names a value or a seed twice; expected each of them once.")
    return tuple(points)


def parameter_name(plan: Plan) -> str:
    """Return what a study varies, in one text."""
    return ", ".join(plan.study.parameters) if plan.study is not None else ""


def done_before(result: Mapping[str, Any], plan: Plan, path: str) -> dict[str, Any]:
    """Return the runs of an earlier result, if it belongs to this study.

    Parameters
    ----------
    result : mapping
        What an earlier study wrote.
    plan : Plan
        What is asked for now; it may have other values and seeds.
    path : str
        Where the result lies, for the message.

    Returns
    -------
    dict
        Its runs by name.

    Raises
    ------
    FileError
        If it is no study, varies something else, or made a run of this name with another configuration.
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
    for point in points_of(plan):
        before = runs.get(point.name)
        if before is not None and before.get("configuration") != point.configuration:
            other = ", ".join(_differences(before.get("configuration") or {}, point.configuration))
            raise FileError(
                f"{path!r} holds {point.name!r}, made with another configuration ({other}); choose another "
                "folder, or --force to begin anew."
            )
    return runs


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key in sorted({*before, *now}):
        was, asked = before.get(key), now.get(key)
        if isinstance(was, dict) and isinstance(asked, dict):
            found += _differences(was, asked, f"{prefix}{key}.")
        elif was != asked:
            found.append(f"{prefix}{key} = {was!r}, not {asked!r}")
    return found
