"""Where data files lie: a folder the user names, the current one, or the one the environment names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from refms.errors import FileError

VARIABLE = "REFMS_DATA"
"""Environment variable that names the folder which holds one subfolder for each data set."""


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` replaced by the home folder."""
    return Path(os.path.expanduser(path))


def environment_folder() -> Path | None:
    """Return the folder that ``REFMS_DATA`` names, None where it names none."""
    named = os.environ.get(VARIABLE)
    return expanded(named) if named else None


def roots_of(folder: str | os.PathLike[str] | None) -> list[Path]:
    """Return where own data are looked for: a named folder, or the current one and ``REFMS_DATA``."""
    roots = [expanded(folder)] if folder is not None else [Path(), environment_folder()]
    return [root for root in roots if root is not None]


def find_own(
    place: str, folder: str | os.PathLike[str] | None, there: Callable[[Path], bool], what: str
) -> Path:
    """Return the first of the places where something is, or refuse it by all of their names."""
    places = [root / expanded(place) for root in roots_of(folder)]
    for path in places:
        if there(path):
            return path
    raise FileError(f"there is no {what} {' or '.join(repr(str(path)) for path in places)}.")


def dataset_folder(name: str, folder: str | os.PathLike[str] | None = None, *, help_text: str = "") -> Path:
    """Return ``folder/name`` if that exists, otherwise ``folder``; None takes what ``REFMS_DATA`` names.

    If there is no such folder, the :class:`FileError` ends with ``help_text``: how to get the files.
    """
    root = environment_folder() if folder is None else expanded(folder)
    if root is None:
        raise FileError(
            f"the {name} data need a folder: name it (--data-dir on the command line), or set {VARIABLE} "
            f"to the folder that holds {name}/. {help_text}".rstrip()
        )
    if not root.is_dir():
        source = (
            f"the environment variable {VARIABLE}" if folder is None else "the option for the data folder"
        )
        raise FileError(f"{str(root)!r}, named by {source}, is not a folder. {help_text}".rstrip())
    return root / name if (root / name).is_dir() else root
