"""Files that commands write: looked at before the work, and results as JSON after it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from refms.environment import versions
from refms.errors import FileError


def require_target(path: str | Path, *, force: bool) -> None:
    """Refuse, before any work is done, an output file that could not be written after it.

    Raises FileError if it exists and ``force`` is not set, is no file, or its folder cannot be written to.
    """
    target, name = Path(path), repr(str(path))
    folder = Path(os.path.realpath(path)).parent
    if target.is_dir():
        raise FileError(f"{name} is a folder; expected the name of a file.")
    if target.exists() and not force:
        raise FileError(f"{name} exists; choose another name, or --force to replace it.")
    if not folder.is_dir():
        raise FileError(f"the folder of {name} does not exist; create it first.")
    if not os.access(folder, os.W_OK):
        raise FileError(f"the folder of {name} may not be written to; choose another one.")


def require_json_target(path: str | Path, *, force: bool = True) -> None:
    """Refuse a file for JSON that cannot be written, or that holds anything but an earlier result."""
    require_target(path, force=force)
    target, name = Path(path), repr(str(path))
    if not target.exists():
        return
    if not target.is_file():
        raise FileError(f"{name} exists and is not a regular file; choose another name for the JSON.")
    with open(target, "rb") as file:
        start = file.read(1)
    if start not in (b"", b"{"):
        raise FileError(f"{name} exists and holds no JSON result; choose another name for the JSON.")


def write_json(target: str | Path | TextIO | None, result: Mapping[str, Any]) -> None:
    """Write a result with the versions it depends on; numbers that are not finite become null.

    ``target`` is a file's name (an earlier JSON result there is replaced in one step), an open text file, or
    None for nothing. Raises FileError if the file cannot be written, or holds something else.
    """
    if target is None:
        return
    text = json.dumps(_finite({**result, "versions": versions()}), indent=2, allow_nan=False) + "\n"
    if isinstance(target, str | Path):
        require_json_target(target)
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
