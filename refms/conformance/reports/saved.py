"""Reports that ``refms conform run --json`` has written, read back from files that anyone may have made."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from refms.conformance.reports.report import VERDICTS
from refms.errors import FileError, presentable
from refms.io.strict_json import read_json

LONGEST_FILE = 2**24
"""Bytes that the file may have."""

MOST_REPORTS, MOST_ROWS, MOST_NOTES, LONGEST_TEXT = 16, 4096, 256, 200


@dataclass(frozen=True)
class SavedRow:
    """The verdict on one property."""

    verdict: str  # one of `VERDICTS`
    rho: float | None  # where there is one; infinite for `"inf"` and `"nan"`
    # what is said of operations, such as their class of determinism
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SavedReport:
    """One implementation in one precision."""

    name: str  # of the profile
    dtype: str
    tier: str  # how much was run
    seed: int  # with which seed
    rows: Mapping[str, SavedRow]  # by id


def read_reports(path: str | os.PathLike[str]) -> tuple[SavedReport, ...]:
    """Return the reports in a JSON file.

    The length of the file is known before it is read, and only names, verdicts, ρ and notes are kept of it.
    """
    given = read_json(path, LONGEST_FILE, "a report")
    try:
        found = tuple(_report(one) for one in _sequence(_entry(given, "reports"), MOST_REPORTS, "`reports`"))
        precisions = [report.dtype for report in found]
        if not found or len(set(precisions)) < len(found):
            _refuse(f"the precisions of the reports are {precisions}; expected each at most once, and one")
    except FileError as error:
        raise FileError(
            f"{os.fspath(path)!r} is no report: {error}; expected what `refms conform run --json` writes."
        ) from None
    return found


def _report(given: Any) -> SavedReport:
    profile = _entry(given, "profile")
    rows: dict[str, SavedRow] = {}
    for row in _sequence(_entry(given, "rows"), MOST_ROWS, "`rows`"):
        id_ = _string(row, "id")
        if id_ in rows:
            _refuse(f"there are two rows {id_!r}")
        rows[id_] = _row(row, id_)
    seed = _entry(given, "seed")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        _refuse("`seed` is no whole number from 0")
    return SavedReport(
        _string(profile, "name"), _string(profile, "dtype"), _string(given, "tier"), seed, rows
    )


def _row(given: Any, id_: str) -> SavedRow:
    verdict, rho = _string(given, "verdict"), _entry(given, "rho")
    if verdict not in VERDICTS:
        _refuse(f"the verdict on {id_!r} is {verdict!r}")
    notes = given.get("notes", {})
    if not isinstance(notes, dict) or len(notes) > MOST_NOTES:
        _refuse(f"`notes` of {id_!r} is no table of at most {MOST_NOTES} entries")
    said = {presentable(subject, LONGEST_TEXT): _string(notes, subject) for subject in notes}
    if rho is None or (isinstance(rho, str) and rho in ("inf", "nan")):
        return SavedRow(verdict, None if rho is None else math.inf, said)
    if isinstance(rho, bool) or not isinstance(rho, int | float) or not 0 <= rho < 1e308:
        _refuse(f"ρ of {id_!r} is no number from 0")
    return SavedRow(verdict, float(rho), said)


def _entry(given: Any, name: str) -> Any:
    if not isinstance(given, dict) or name not in given:
        _refuse(f"`{name}` is missing")
    return given[name]


def _sequence(given: Any, most: int, name: str) -> list[Any]:
    if not isinstance(given, list) or len(given) > most:
        _refuse(f"{name} is no list of at most {most} entries")
    return given


def _string(given: Any, name: str) -> str:
    found = _entry(given, name)
    if not isinstance(found, str):
        _refuse(f"`{name}` is no text")
    return presentable(found, LONGEST_TEXT)


def _refuse(sentence: str) -> NoReturn:
    raise FileError(sentence)
