"""Failures that an implementation knows of: a TOML file of case ids with a reason each."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping

from refms.errors import FileError, InputError
from refms.io.strict_toml import read_toml


def read_xfails(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the expected failures of a TOML file, id or pattern -> reason, from its one section.

    [xfails]
    "G4-*-float32" = "the condition is too large for single precision"
    """
    given = read_toml(path)
    section = given.get("xfails")
    if set(given) != {"xfails"} or not isinstance(section, dict):
        raise FileError(f"{os.fspath(path)!r}: expected one section [xfails] and nothing else.")
    for key, reason in section.items():
        if not isinstance(reason, str) or not reason.strip():
            raise FileError(f"{os.fspath(path)!r}: {key!r} has no reason; expected a sentence in quotes.")
    return section


def broken_expectation(id_: str, verdict: str, reason: str) -> str:
    """Return a sentence on a case that was tested and should have failed; empty if it has."""
    if verdict not in ("PASS", "MARGINAL"):
        return ""
    return f"{id_} is {verdict}, but was expected to fail ({reason}); remove it from the file."


def expected_failures(xfails: Mapping[str, str], ids: Iterable[str]) -> dict[str, str]:
    """Return which cases are expected to fail, and why; an entry that matches nothing is refused."""
    known = list(ids)
    found: dict[str, str] = {}
    for pattern, reason in xfails.items():
        matches = [one for one in known if fnmatch.fnmatchcase(one, pattern)]
        if not matches:
            example = f"; ids look like {known[0]}" if known else ""
            raise InputError(f"the expected failure {pattern!r} matches no case{example}.")
        for one in matches:
            found.setdefault(one, reason)
    return found
