"""Scripts that show what fails: as files in a folder, and the first one on the terminal."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from refms.cli.files import write_text
from refms.errors import FileError

if TYPE_CHECKING:
    from refms.conformance.reports.report import Report

MOST_LINES = 100
"""A script that is longer is not printed, but named."""


def require_script_folder(path: str, *, force: bool = True) -> None:
    """Refuse a folder that holds anything but scripts of an earlier run, or may not be written to.

    It may be missing or empty; ``force`` says whether earlier scripts may be replaced.
    """
    folder = Path(os.path.realpath(path))
    if not os.path.lexists(path):
        folder = folder.parent
        if not folder.is_dir():
            raise FileError(f"the folder of {path!r} does not exist; create it first.")
    elif not folder.is_dir():
        raise FileError(f"{path!r} is no folder; choose another name for the folder of scripts.")
    else:
        for entry in sorted(folder.iterdir()):
            if not _is_script(entry):
                raise FileError(
                    f"{path!r} holds {entry.name!r}, which is no script of an earlier run; choose a new or "
                    "an empty folder."
                )
            if not force:
                raise FileError(
                    f"{path!r} holds {entry.name!r} of an earlier run; choose another folder, or --force to "
                    "replace all scripts in it."
                )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"{str(folder)!r} may not be written to; choose another folder.")


def write_scripts(path: str, reports: Iterable[Report]) -> tuple[str, ...]:
    """Write one script a failing property and precision, such as ``C5-float64.py``; return their names.

    What earlier runs have left in the folder goes.
    """
    require_script_folder(path)
    folder = Path(path)
    scripts = {
        f"{row.id}-{report.profile.dtype}.py": row.reproduction
        for report in reports
        for row in report.rows
        if row.reproduction
    }
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(f"{path!r} cannot be made: {error.strerror}.") from error
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
