"""A folder of results: ``KIND.json``, ``KIND.h5`` and pictures ``KIND-NAME.svg``."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refms.cli.files import claim_folder, require_target, write_json, write_text

if TYPE_CHECKING:
    from refms.io.artifact import Artifact


def claim_results(options: argparse.Namespace, kind: str, *, force: bool, plot: bool = False) -> Path:
    """Claim ``--output``, and refuse results or pictures in it that could not be written after the work."""
    if plot:
        import refms.plots  # noqa: F401  says so where matplotlib is missing
    folder = claim_folder(options, options.output, "results")
    for target in (folder / f"{kind}.json", folder / f"{kind}.h5", *folder.glob(f"{kind}-*.svg")):
        require_target(target, force=force)
    return folder


def write_results(folder: Path, result: Mapping[str, Any], artifact: Artifact, *, force: bool) -> None:
    """Write a result as HDF5 and as JSON, each in one step."""
    from refms.io.writing import write_artifact

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
