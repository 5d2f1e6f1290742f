"""A folder of results: ``KIND.json``, ``KIND.h5`` and pictures ``KIND-NAME.svg``."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refms.cli.files import require_target, write_json, write_text
from refms.errors import FileError

if TYPE_CHECKING:
    from refms.io.artifact import Artifact


def require_folder(folder: Path, what: str) -> None:
    """Refuse what is no folder, or could not be made one; ``what`` it is for is told."""
    name = repr(str(folder))
    if folder.exists() and not folder.is_dir():
        raise FileError(f"{name} is no folder; choose another name for the folder of {what}.")
    if folder.exists():
        return
    above = folder.absolute().parent
    if not above.is_dir():
        raise FileError(f"the folder of {name} does not exist; create it first.")
    if not os.access(above, os.W_OK):
        raise FileError(f"the folder of {name} may not be written to; choose another one.")


def require_results(folder: Path, kind: str, *, force: bool, plot: bool = False) -> None:
    """Refuse, before any work is done, results or pictures that could not be written after it."""
    if plot:
        import refms.plots  # noqa: F401  says so where matplotlib is missing
    require_folder(folder, "results")
    if folder.exists():
        for target in (folder / f"{kind}.json", folder / f"{kind}.h5", *folder.glob(f"{kind}-*.svg")):
            require_target(target, force=force)


def write_results(folder: Path, result: Mapping[str, Any], artifact: Artifact, *, force: bool) -> None:
    """Write a result as HDF5 and as JSON, each in one step, into a folder that is made if it is missing."""
    from refms.io.writing import write_artifact

    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(f"the folder {str(folder)!r} cannot be made: {error.strerror}.") from error
    write_artifact(folder / f"{result['kind']}.h5", artifact, overwrite=force)
    write_json(folder / f"{result['kind']}.json", result)


def draw(folder: Path, result: Mapping[str, Any], *, wanted: bool, force: bool) -> list[str]:
    """Draw a result where matplotlib is installed or the pictures are wanted; return the files written."""
    if not (wanted or can_draw()):
        return []
    from refms.plots import RESULT_FIGURES, figure_bytes

    written = []
    for name, figure in RESULT_FIGURES[result["kind"]](result).items():
        target = folder / f"{result['kind']}-{name}.svg"
        write_text(target, figure_bytes(figure, "svg"), force=force)
        written.append(str(target))
    return written


def can_draw() -> bool:
    """Return whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None
