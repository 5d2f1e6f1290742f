"""Files that subcommands write: looked at before the work, and results as JSON after it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from refms.environment import versions
from refms.errors import FileError
from refms.io.files import atomic_write


def require_target(path: str, *, force: bool) -> None:
    """Refuse, before any work is done, an output file that could not be written after it.

    Parameters
    ----------
    path : str
        The file.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileError
        If the file exists and may not be replaced, is no file, or its folder cannot be written to.
    """
    target = Path(path)
    folder = Path(os.path.realpath(path)).parent
    if target.is_dir():
        raise FileError(f"{path!r} is a folder; expected the name of a file.")
    if target.exists() and not force:
        raise FileError(f"{path!r} exists; choose another name, or --force to replace it.")
    if not folder.is_dir():
        raise FileError(f"the folder of {path!r} does not exist; create it first.")
    if not os.access(folder, os.W_OK):
        raise FileError(f"the folder of {path!r} may not be written to; choose another one.")


def require_json_target(path: str, *, force: bool = True) -> None:
    """Refuse a file for JSON that cannot be written, or that holds anything but an earlier result.

    Parameters
    ----------
    path : str
        The file.
    force : bool
        Whether an earlier JSON result in it may be replaced; anything else, such as a model, never may.

    Raises
    ------
    FileError
        As said.
    """
    require_target(path, force=force)
    target = Path(path)
    if not target.exists():
        return
    if not target.is_file():
        raise FileError(f"{path!r} exists and is not a regular file; choose another name for the JSON.")
    with open(target, "rb") as file:
        start = file.read(1)
    if start not in (b"", b"{"):
        raise FileError(f"{path!r} exists and holds no JSON result; choose another name for the JSON.")


def write_json(target: str | TextIO | None, result: dict[str, Any]) -> None:
    """Write a machine-readable result, if one was asked for.

    Parameters
    ----------
    target : str, file or None
        A file's name (an earlier JSON result there is replaced atomically), an open text file, or None for
        nothing.
    result : dict
        JSON-able, but for numbers that are not finite: they become null, for JSON has none.

    Raises
    ------
    FileError
        If the file cannot be written, or holds something else.
    """
    if target is None:
        return
    text = json.dumps(_finite({**result, "versions": versions()}), indent=2, allow_nan=False) + "\n"
    if not isinstance(target, str):
        target.write(text)
        return
    require_json_target(target)
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _finite(value: Any) -> Any:
    """Return nested lists and mappings with None in the place of NaN and infinity."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
