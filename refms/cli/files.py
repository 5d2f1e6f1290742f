"""Files that commands write: looked at before the work, and results as JSON after it."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from refms.environment import versions
from refms.errors import FileError
from refms.io.locking import exclusive

LOCK = ".refms.lock"
"""In a folder that a command holds."""


def claim(options: argparse.Namespace, path: str | Path) -> None:
    """Refuse, before any work is done, an output that could not be written after it; else hold it alone.

    The command holds it until it ends: FileError names another process that does.
    """
    require_target(path, force=options.force)
    target = Path(os.path.realpath(path))
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]
    lock = target.with_name(f".{target.name[:32]}.{digest}.refms.lock")
    options.held.enter_context(exclusive(lock, str(path)))


def claim_json(options: argparse.Namespace) -> None:
    """Claim the file of ``--json``, which may hold nothing but an earlier result."""
    claim(options, options.json)
    require_json(options.json)


def claim_folder(options: argparse.Namespace, path: str | Path, what: str) -> Path:
    """Claim a folder for ``what``: it is made where it is missing, and goes again if nothing is written."""
    folder, name = Path(path), repr(str(path))
    if _status(folder) is None:
        _require_folder_above(path)
        try:
            folder.mkdir()
        except OSError as error:
            raise FileError(f"the folder {name} cannot be made: {error.strerror}.") from error
        options.held.callback(_remove_if_empty, folder)
    elif not folder.is_dir():
        raise FileError(f"{name} is no folder; choose another name for the folder of {what}.")
    options.held.enter_context(exclusive(folder / LOCK, str(path)))
    return folder


def require_target(path: str | Path, *, force: bool) -> None:
    """Refuse an output that is no file, exists without ``force``, or whose folder cannot be written to."""
    status, name = _status(path), repr(str(path))
    if str(path).endswith(("/", os.sep)) or (status is not None and stat.S_ISDIR(status.st_mode)):
        raise FileError(f"{name} is a folder; expected the name of a file.")
    if status is not None and not stat.S_ISREG(status.st_mode):
        raise FileError(f"{name} exists and is not a regular file; choose another name.")
    if status is not None and not force:
        raise FileError(f"{name} exists; choose another name, or --force to replace it.")
    _require_folder_above(path)


def _status(path: str | Path) -> os.stat_result | None:
    """Return what is at a place, through links; None for nothing, and FileError where nothing can be."""
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a NUL character
        raise FileError(
            f"{str(path)!r} cannot be written: {getattr(error, 'strerror', None) or error}. "
            "Choose another name."
        ) from error


def _require_folder_above(path: str | Path) -> None:
    folder, name = Path(os.path.realpath(path)).parent, repr(str(path))
    if not folder.is_dir():
        raise FileError(f"the folder of {name} does not exist; create it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"the folder of {name} may not be written to; choose another one.")


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def require_json(path: str | Path) -> None:
    """Refuse a file that is there and holds anything but an earlier result."""
    if not os.path.exists(path):
        return
    try:
        with open(path, "rb") as file:
            start = file.read(1)
    except OSError as error:
        raise FileError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    if start not in (b"", b"{"):
        raise FileError(f"{str(path)!r} exists and holds no JSON result; choose another name for the JSON.")


def write_json(target: str | Path | TextIO | None, result: Mapping[str, Any]) -> None:
    """Write a result with the versions it depends on; numbers that are not finite become null.

    ``target`` is a file's name (an earlier JSON result there is replaced in one step), an open text file, or
    None for nothing. Raises FileError if the file cannot be written, or holds something else.
    """
    if target is None:
        return
    text = json.dumps(_finite({**result, "versions": versions()}), indent=2, allow_nan=False) + "\n"
    if isinstance(target, str | Path):
        require_json(target)
        write_text(target, text, force=True)
    else:
        target.write(text)


def write_text(target: str | Path, text: str | bytes, *, force: bool) -> None:
    """Write a whole file in one step, as UTF-8 where it is text."""
    from refms.io.files import atomic_write

    with atomic_write(target, overwrite=force) as temporary:
        temporary.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)


def _finite(value: Any) -> Any:
    """Return nested lists and mappings with None in the place of NaN and infinity."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
