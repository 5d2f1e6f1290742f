"""What an experiment leaves at the end: one JSON file, one HDF5 file with the arrays, one picture."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.plan import words_of
from refms.cli.files import require_json, require_target, write_json
from refms.environment import made
from refms.errors import Array, FileError, InputError
from refms.io import Artifact, write_artifact
from refms.io.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Publisher:
    """Names of an experiment's files, looked at before the work is done.

    Parameters
    ----------
    experiment : str
        Name of the experiment.
    options : argparse.Namespace
        Of :func:`~common.plan.options_of`.

    Raises
    ------
    InputError
        If a picture is asked for and matplotlib is not there.
    FileError
        If a file exists and ``--force`` is not given, or could not be written.
    """

    def __init__(self, experiment: str, options: argparse.Namespace) -> None:
        options.out.mkdir(parents=True, exist_ok=True)
        self.experiment = experiment
        self.force = options.force
        self.config = options.config.name
        self.options = words_of(options)
        self.json = options.result or options.out / f"{experiment}.json"
        self.arrays = options.out / f"{experiment}.h5"
        self.figure = options.figure or options.out / f"{experiment}.png"
        self.draws = can_draw(options.figure)
        for target in (self.json, self.arrays, *([self.figure] if self.draws else [])):
            require_target(str(target), force=self.force)
        require_json(str(self.json))

    def publish(
        self,
        result: Mapping[str, Any],
        arrays: Mapping[str, Array],
        draw: Callable[[Figure], None],
        size: tuple[float, float],
    ) -> None:
        """Write JSON, arrays and picture; without matplotlib the first two. The size is in inches."""
        head = {
            "experiment": self.experiment,
            **made(),
            "config": self.config,
            "options": self.options,
            "figure": self.figure.name if self.draws else None,
        }
        attributes = {"experiment": self.experiment, "configuration": result["configuration"]}
        write_artifact(self.arrays, Artifact("results", attributes, arrays), overwrite=self.force)
        if self.draws:
            drawn(self.figure, draw, size, force=self.force)
        else:
            print("no picture: matplotlib is missing (pip install 'refms[plot]')", file=sys.stderr)
        write_json(str(self.json), {**head, **result})
        print(f"wrote {self.json}", flush=True)


def drawn(target: Path, draw: Callable[[Figure], None], size: tuple[float, float], *, force: bool) -> None:
    """Write a picture in the form that its name ends with; the size is in inches."""
    from matplotlib.figure import Figure

    from refms.plots.saving import figure_bytes
    from refms.plots.style import use_style

    with use_style():
        figure = Figure(figsize=size, layout="constrained", dpi=100)
        draw(figure)
    with atomic_write(target, overwrite=force) as temporary:
        temporary.write_bytes(figure_bytes(figure, target.suffix[1:]))


def can_draw(target: Path | None) -> bool:
    """Return whether pictures can be drawn; refuse one that is asked for and cannot."""
    there = importlib.util.find_spec("matplotlib") is not None
    if target is not None and not there:
        raise InputError("--figure needs matplotlib; install it with pip install 'refms[plot]'.")
    if target is not None and target.suffix not in (".png", ".svg"):
        raise InputError(f"--figure is {str(target)!r}; expected a name that ends in .png or .svg.")
    return there


def ended(experiment: str, main: Callable[[], int]) -> int:
    """Run a program; bad usage ends it with one sentence and exit code 2, Ctrl-C with 130."""
    try:
        return main()
    except (InputError, FileError) as error:
        print(f"{experiment}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{experiment}: interrupted; the same command goes on where it stopped.", file=sys.stderr)
        return 130
