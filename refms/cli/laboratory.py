"""What ``refms compare`` and ``refms study`` share: data and start, the folder of results, pictures."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from refms.backend import backend_named
from refms.cli.datasets import read_dataset, split_by
from refms.cli.files import require_target, write_json
from refms.cli.train import columns_of, start_of
from refms.errors import FileError
from refms.io.artifact import Artifact
from refms.io.files import atomic_write
from refms.io.writing import write_artifact
from refms.run.bench import Bench, fitted
from refms.run.config import Configuration
from refms.run.plan import Plan

PICTURES = {"compare": "comparison_figures", "study": "study_figures"}
"""Kind of a result to the function of ``refms.plots`` that draws it."""


def planned(options: argparse.Namespace) -> Plan:
    """Return the plan of the file, with the data set of the command line.

    Parameters
    ----------
    options : argparse.Namespace
        Parsed command line.

    Returns
    -------
    Plan
        Checked.
    """
    plan = Plan.from_toml(options.config)
    return plan.with_value("data.dataset", options.dataset) if options.dataset else plan


def bench_of(configuration: Configuration, options: argparse.Namespace) -> Bench:
    """Return data and start of a configuration, the classifier fitted.

    Parameters
    ----------
    configuration : Configuration
        Data, network, regularisers.
    options : argparse.Namespace
        Where the data lie, and where to compute.

    Returns
    -------
    Bench
        Ready.
    """
    dataset = read_dataset(configuration.data.dataset, options.data_dir)
    start = start_of(configuration, dataset).on(backend_named(options.backend))
    examples, validation = (
        columns_of(start, part, configuration.data.interpolate)
        for part in split_by(configuration.data, dataset)
    )
    return fitted(configuration, start, examples, validation)


def require_folder(folder: Path) -> None:
    """Make the folder of the results, or refuse what is none.

    Parameters
    ----------
    folder : Path
        It may be missing, the folder above may not.

    Raises
    ------
    FileError
        If it cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise FileError(f"{str(folder)!r} is no folder; choose another name for the folder of results.")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(f"the folder {str(folder)!r} cannot be made: {error.strerror}.") from error


def require_results(folder: Path, kind: str, *, force: bool, plot: bool) -> None:
    """Refuse, before any work is done, results that could not be written after it.

    Parameters
    ----------
    folder : Path
        Where to write.
    kind : str
        ``"compare"`` or ``"study"``.
    force : bool
        Whether earlier results may be replaced.
    plot : bool
        Whether pictures are asked for.

    Raises
    ------
    FileError
        If a file exists and may not be replaced, or the folder cannot be written to.
    InputError
        If pictures are asked for and cannot be drawn.
    """
    if plot:
        importlib.import_module("refms.plots")  # says so where matplotlib is missing
    require_folder(folder)
    for suffix in ("json", "h5"):
        require_target(str(folder / f"{kind}.{suffix}"), force=force)
    for picture in folder.glob(f"{kind}-*.svg"):
        require_target(str(picture), force=force)


def write_results(folder: Path, result: Mapping[str, Any], artifact: Artifact) -> None:
    """Write a result as JSON and as HDF5, each in one step.

    Parameters
    ----------
    folder : Path
        Where to.
    result, artifact
        The two forms.
    """
    kind = result["kind"]
    write_artifact(folder / f"{kind}.h5", artifact, overwrite=True)
    write_json(str(folder / f"{kind}.json"), dict(result))


def draw(folder: Path, result: Mapping[str, Any], *, wanted: bool, force: bool) -> list[str]:
    """Draw a result, where matplotlib is installed or was asked for.

    Parameters
    ----------
    folder : Path
        Where to write ``KIND-NAME.svg``.
    result : mapping
        The result.
    wanted : bool
        Whether pictures were asked for, so that a missing matplotlib is an error.
    force : bool
        Whether pictures may be replaced.

    Returns
    -------
    list of str
        Files written.

    Raises
    ------
    InputError
        If pictures were asked for and cannot be drawn.
    """
    if not (wanted or drawable()):
        return []
    plots: Any = importlib.import_module("refms.plots")
    figures = getattr(plots, PICTURES[result["kind"]])(result)
    written = []
    for name, figure in figures.items():
        target = folder / f"{result['kind']}-{name}.svg"
        with atomic_write(target, overwrite=force) as temporary:
            temporary.write_bytes(plots.figure_bytes(figure, "svg"))
        written.append(str(target))
    return written


def drawable() -> bool:
    """Return whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def teller(name: str, *, quiet: bool) -> Callable[[Mapping[str, float]], None] | None:
    """Return what prints a row for each iteration of a run, or None for nothing.

    Parameters
    ----------
    name : str
        Of the run.
    quiet : bool
        Whether to print nothing.

    Returns
    -------
    callable or None
        For :func:`~refms.run.bench.measured_run`.
    """
    if quiet:
        return None

    def tell(numbers: Mapping[str, float]) -> None:
        sys.stderr.write(
            f"run={name} iteration={numbers['iteration']:.0f} objective={numbers['objective']:.6g} "
            f"gradient={numbers['gradient_norm']:.2e} "
            f"validation_accuracy={numbers['validation_accuracy']:.4f} "
            f"work_units={numbers['work_units']:.6g} seconds={numbers['seconds']:.2f}\n"
        )
        sys.stderr.flush()

    return tell
