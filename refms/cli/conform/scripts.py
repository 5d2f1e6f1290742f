"""Scripts that show what fails: as files in a folder, and the first one on the terminal."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from refms.cli.files import LOCK, claim_folder, write_text
from refms.errors import FileError

if TYPE_CHECKING:
    from refms.conformance.reports.report import Report

MOST_LINES = 100
"""A script that is longer is not printed, but named."""


def claim_script_folder(options: argparse.Namespace) -> None:
    """Claim the folder of ``--scripts``, which may hold nothing but scripts of an earlier run."""
    path = options.scripts
    folder = claim_folder(options, path, "scripts")
    for entry in sorted(folder.iterdir()):
        if entry.name == LOCK:
            continue
        if not _is_script(entry):
            raise FileError(
                f"{path!r} holds {entry.name!r}, which is no script of an earlier run; choose a new or "
                "an empty folder."
            )
        if not options.force:
            raise FileError(
                f"{path!r} holds {entry.name!r} of an earlier run; choose another folder, or --force to "
                "replace all scripts in it."
            )


def write_scripts(path: str, reports: Iterable[Report]) -> tuple[str, ...]:
    """Write one script a failing property and precision, such as ``C5-float64.py``; return their names.

    What earlier runs have left in the folder goes.
    """
    folder = Path(path)
    scripts = {
        f"{row.id}-{report.profile.dtype}.py": row.reproduction
        for report in reports
        for row in report.rows
        if row.reproduction
    }
    for name, script in scripts.items():
        write_text(folder / name, script, force=True)
    for entry in folder.iterdir():
        if entry.name not in scripts and _is_script(entry):
            with contextlib.suppress(OSError):
                entry.unlink()
    return tuple(scripts)


def with_adapter(report: Report, spec: str) -> Report:
    """Return a report whose scripts make the adapter that the command line names."""
    import dataclasses

    from refms.conformance.reproduction import name_adapter

    dtype = report.profile.dtype
    rows = (
        dataclasses.replace(row, reproduction=name_adapter(row.reproduction, spec, dtype))
        for row in report.rows
    )
    return dataclasses.replace(report, rows=tuple(rows))


def first_script(reports: Iterable[Report]) -> str:
    """Return a sentence and the script of the first failure that was not expected; a long one is named."""
    for report in reports:
        dtype = report.profile.dtype
        for row in report.rows:
            if not row.reproduction or row.expected:
                continue
            count = len(row.reproduction.splitlines())
            if count > MOST_LINES:
                shows = f"A script of {count} lines shows that {row.id} fails in {dtype}"
                return f"{shows}; --scripts DIR writes it."
            return f"This shows that {row.id} fails in {dtype}:\n\n{row.reproduction}"
    return ""


def _is_script(entry: Path) -> bool:
    """Return whether a file is a script that an earlier run has written."""
    from refms.conformance.reproduction import MARK

    if entry.is_symlink() or not entry.is_file() or entry.suffix != ".py":
        return False
    mark = MARK.encode()
    with contextlib.suppress(OSError), open(entry, "rb") as file:
        return file.read(len(mark)) == mark
    return False
