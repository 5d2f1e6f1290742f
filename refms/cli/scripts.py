"""Scripts that show what fails: as files in a folder, and the first one on the terminal."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from refms.conformance.reports.report import Report, Row
from refms.conformance.reproduction import MARK, naming
from refms.errors import FileError
from refms.io.files import atomic_write

MOST_LINES = 60
"""A script that is longer is not printed, but named."""


def require_folder(path: str, *, force: bool = True) -> None:
    """Refuse, before any work is done, a folder that holds other things or may not be written to.

    Parameters
    ----------
    path : str
        The folder; it may be missing or empty, or hold the scripts of an earlier run.
    force : bool
        Whether these may be replaced.

    Raises
    ------
    FileError
        As said.
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
    """Write one script a failing property and precision, such as ``C5-float64.py``.

    Parameters
    ----------
    path : str
        The folder, see :func:`require_folder`; what earlier runs have left there goes.
    reports : iterable of Report
        Whose scripts name their adapter.

    Returns
    -------
    tuple of str
        Names of the files.

    Raises
    ------
    FileError
        If something cannot be written.
    """
    require_folder(path)
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
        with atomic_write(folder / name, overwrite=True) as temporary:
            temporary.write_text(script, encoding="utf-8")
    for entry in folder.iterdir():
        if entry.name not in scripts and _is_script(entry):
            with contextlib.suppress(OSError):
                entry.unlink()
    return tuple(scripts)


def with_adapter(report: Report, spec: str) -> Report:
    """Return a report whose scripts make the adapter by name.

    Parameters
    ----------
    report : Report
        Its scripts have a placeholder.
    spec : str
        As given on the command line.

    Returns
    -------
    Report
        Otherwise the same.
    """
    dtype = report.profile.dtype
    rows = (
        dataclasses.replace(row, reproduction=naming(row.reproduction, spec, dtype)) for row in report.rows
    )
    return dataclasses.replace(report, rows=tuple(rows))


def shown(reports: Iterable[Report], excused: Sequence[tuple[str, str]] = ()) -> str:
    """Return the first script as text for the terminal.

    Parameters
    ----------
    reports : iterable of Report
        In their order.
    excused : sequence of (str, str)
        Id and precision of what was expected to fail.

    Returns
    -------
    str
        A sentence and the script; the sentence alone if it is long, nothing if nothing failed.
    """
    failed = (
        (report.profile.dtype, row)
        for report in reports
        for row in report.rows
        if row.reproduction and (row.id, report.profile.dtype) not in excused
    )
    first: tuple[str, Row] | None = next(failed, None)
    if first is None:
        return ""
    dtype, row = first
    count = len(row.reproduction.splitlines())
    if count > MOST_LINES:
        return f"A script of {count} lines shows that {row.id} fails in {dtype}; --scripts DIR writes it."
    return f"This shows that {row.id} fails in {dtype}:\n\n{row.reproduction}"


def _is_script(entry: Path) -> bool:
    """Return whether a file is a script that an earlier run has written."""
    if entry.is_symlink() or not entry.is_file() or entry.suffix != ".py":
        return False
    mark = MARK.encode()
    with contextlib.suppress(OSError), open(entry, "rb") as file:
        return file.read(len(mark)) == mark
    return False
