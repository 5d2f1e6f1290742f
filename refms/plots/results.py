"""Results of commands as JSON files hold them: checked as far as pictures need it, missing parts left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refms.errors import Array, FileError, InputError, presentable, require_choice
from refms.io.strict_json import read_json
from refms.names import RESULT_KINDS
from refms.run.results import LARGEST_RESULT


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """One run of a comparison or a study.

    ``columns`` have shape (rows,), float64 each, NaN where a number was not measured; ``value`` is that
    of the parameter of a study, None elsewhere.
    """

    status: str
    message: str
    notes: tuple[str, ...]
    columns: Mapping[str, Array]
    value: Any = None
    seed: Any = None

    def column(self, name: str) -> Array:
        """Return a column, all NaN if there is none of this name."""
        rows = len(next(iter(self.columns.values()), ()))
        return self.columns.get(name, np.full(rows, np.nan))

    def last(self, name: str) -> float:
        """Return the last measured number of a column, NaN if there is none."""
        column = self.column(name)
        measured = column[~np.isnan(column)]
        return float(measured[-1]) if measured.size else float("nan")


def read_result(path: str | Path) -> dict[str, Any]:
    """Return the result in a JSON file that a command wrote, of a known ``"kind"``, or raise a FileError."""
    shown = str(path)
    found = read_json(path, LARGEST_RESULT, "a result")
    if not isinstance(found, dict) or not isinstance(found.get("kind"), str):
        raise FileError(
            f"{shown!r} is JSON, but says no 'kind'; expected a result of refms {', '.join(RESULT_KINDS)}."
        )
    try:
        require_choice(found["kind"], RESULT_KINDS, "kind of result")
    except InputError as error:
        raise FileError(f"{shown!r}: {error}") from error
    return found


def require_kind(result: Mapping[str, Any], kind: str) -> None:
    """Refuse a result of another kind."""
    if result.get("kind") != kind:
        raise InputError(f"the result is of kind {result.get('kind')!r}; expected {kind!r}.")


def runs_of(result: Mapping[str, Any]) -> dict[str, RecordedRun]:
    """Return the runs of a comparison or a study by name; InputError where something is no number."""
    runs = {}
    for name, given in part(result, "runs").items():
        where = f"runs.{name}"
        run = _mapping(given, where)
        outcome = part(run, "outcome", where)
        notes = run.get("notes") or ()
        runs[name] = RecordedRun(
            str(outcome.get("status", "")),
            str(outcome.get("message", "")),
            tuple(map(str, notes)) if isinstance(notes, list | tuple) else (str(notes),),
            _columns(run, where),
            run.get("value"),
            run.get("seed"),
        )
    return runs


def part(mapping: Mapping[str, Any], key: str, where: str = "") -> Mapping[str, Any]:
    """Return a mapping within a mapping, an empty one if it is missing."""
    value = mapping.get(key)
    return {} if value is None else _mapping(value, f"{where}.{key}" if where else key)


def numbers(mapping: Mapping[str, Any], key: str, where: str) -> Array:
    """Return a list of numbers within a mapping as float64, null as NaN; an empty one if it is missing."""
    values = mapping.get(key)
    if values is None:
        return np.empty(0)
    plain = isinstance(values, list | tuple) and all(map(_is_number, values))
    if not plain:
        raise InputError(presentable(f"{where}.{key} is {values!r}; expected a list of numbers.", 300))
    return np.array([_as_float(value) for value in values], dtype="float64")


def _columns(run: Mapping[str, Any], where: str) -> dict[str, Array]:
    given = part(run, "columns", where)
    columns = {key: numbers(given, key, f"{where}.columns") for key in given if given[key] is not None}
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(
            presentable(f"the columns of {where} have different lengths {lengths}; expected one length.")
        )
    return columns


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(presentable(f"{where} is {value!r}; expected names and values.", 300))
    return value


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _as_float(value: float | None) -> float:
    try:
        return float("nan") if value is None else float(value)
    except OverflowError:  # a whole number with hundreds of digits
        return float("nan")
