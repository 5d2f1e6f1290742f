"""Where data files lie: a folder the user names, or the one the environment names."""

from __future__ import annotations

import os
from pathlib import Path

from refms.errors import FileError

VARIABLE = "REFMS_DATA"
"""Environment variable that names the folder which holds one subfolder for each data set."""


def dataset_folder(name: str, folder: str | os.PathLike[str] | None = None, *, help_text: str = "") -> Path:
    """Return ``folder/name`` if that exists, otherwise ``folder``; None takes what ``REFMS_DATA`` names.

    If there is no such folder, the :class:`FileError` ends with ``help_text``: how to get the files.
    """
    named = folder if folder is not None else os.environ.get(VARIABLE)
    if not named:
        raise FileError(
            f"the {name} data need a folder: name it (--data-dir on the command line), or set {VARIABLE} "
            f"to the folder that holds {name}/. {help_text}".rstrip()
        )
    root = Path(named)
    if not root.is_dir():
        source = (
            f"the environment variable {VARIABLE}" if folder is None else "the option for the data folder"
        )
        raise FileError(f"{str(root)!r}, named by {source}, is not a folder. {help_text}".rstrip())
    return root / name if (root / name).is_dir() else root
