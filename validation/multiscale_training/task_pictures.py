"""Pictures of the four tasks of [MST]: what a small net gets, makes and should find; and mesh-free filters.

    python validation/multiscale_training/task_pictures.py CONFIG.toml --data-dir DIR -o OUT

Each net is trained by Full-Multiscale for a minute or less, and leaves OUT/TASK.png. One with mesh-free
convolutions denoises besides, and leaves its filters on three meshes, OUT/mesh_free_filters.png: the same
parameters, the answer to a single bright cell, each mesh on the unit square.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "learning_across_scales"))  # the package common

from cases import merged
from common.plan import options_of, read_plan
from common.publishing import ended

from refms.cli.files import require_target
from refms.cli.streams import end_with
from refms.data.corruption import TASKS
from refms.errors import Array, InputError, require_choice
from refms.grid import Grid
from refms.io.files import atomic_write
from refms.model import Model
from refms.plots import Restored, restored_figure
from refms.plots.saving import figure_bytes
from refms.plots.style import use_style
from refms.run.config.reconstruction import Reconstruction
from refms.run.image_experiment import image_experiment_of
from refms.run.image_score import restore
from refms.run.reconstruction import reconstruct
from refms.stencils.mesh_free import mesh_free_symbol

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENLARGING = {
    "network": {"options": {"time": False, "add_input": True}},
    "optimization": {"loss": "ssim"},
}
"""What super-resolution changes."""


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    tasks : tuple of str
        What is done to the images.
    shown : int
        Validation images in a picture.
    filters : int
        Mesh-free filters that are drawn.
    """

    tasks: tuple[str, ...] = tuple(TASKS)
    shown: int = 5
    filters: int = 6

    def __post_init__(self) -> None:
        for task in self.tasks:
            require_choice(task, TASKS, "task")
        if min(self.shown, self.filters) < 1:
            raise InputError(f"shown is {self.shown}, filters {self.filters}; expected 1 or more.")


def restored(base: Reconstruction, task: str, shown: int, folder: str | None) -> Restored:
    """Return validation images before and after a net that was trained for a task."""
    tables = merged(
        base.to_dict(), {"task": {"name": task}, **(ENLARGING if task == "super-resolve" else {})}
    )
    experiment = image_experiment_of(Reconstruction.from_dict(tables), folder)
    model = reconstruct(experiment).model
    theta = model.architecture.arrays.pack(model.arrays)
    draw = experiment.validation_draw
    chosen = np.linspace(0, experiment.validation.shape[1] - 1, shown).round().astype(int)
    return Restored(model.grid, *restore(experiment.problem, theta, draw.part(chosen)))


def mesh_free_model(base: Reconstruction, folder: str | None) -> Model:
    """Return a net with mesh-free convolutions that was trained to denoise."""
    options = {**base.network.options, "convolution": "mesh-free"}
    asked = replace(base, network=replace(base.network, options=options))
    return reconstruct(image_experiment_of(asked, folder)).model


def impulse(xi: Array, grid: Grid) -> Array:
    """Return the answer of each channel to a single bright cell in the middle, weighted by 1/h^d.

    >>> xi = np.array([[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, -50.0]])  # the identity
    >>> impulse(xi, Grid((2, 2)))[0].tolist()
    [[0.0, 0.0], [0.0, 4.0]]
    """
    even, odd = mesh_free_symbol(xi, grid)[0]
    middle = tuple(n // 2 for n in grid.shape)
    bright = np.zeros(grid.shape)
    bright[middle] = grid.cells
    return np.round(np.fft.ifft2((even + 1j * odd) * np.fft.fft2(bright)).real, 12) + 0.0


@use_style()
def filters_figure(xi: Array, edges: Sequence[int]) -> Figure:
    """Return the filters of some channels, a row a mesh."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.3 * len(xi), 1.4 * len(edges)), layout="constrained", dpi=150)
    axes = figure.subplots(len(edges), len(xi), squeeze=False)
    for row, n in zip(axes, edges, strict=True):
        for axis, values in zip(row, impulse(xi, Grid((n, n))), strict=True):
            most = abs(values).max()
            axis.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most, extent=(0, 1, 1, 0))
            axis.set(xticks=(), yticks=())
        row[0].set_ylabel(f"{n}×{n}")
    return figure


def main(argv: Sequence[str] | None = None) -> int:
    """Train and draw what is missing."""
    options = options_of("Pictures of the four tasks of [MST].", argv, trains=False, draws=False)
    plan = read_plan(options, Settings, Reconstruction)
    settings: Settings = plan.settings
    options.out.mkdir(parents=True, exist_ok=True)
    for task in settings.tasks:
        _save(options, task, lambda t=task: _of_task(plan.configuration, t, settings, options))  # type: ignore[misc]
    _save(options, "mesh_free_filters", lambda: _of_filters(plan.configuration, settings, options))
    return 0


def _of_task(base: Reconstruction, task: str, settings: Settings, options: argparse.Namespace) -> Figure:
    return restored_figure(restored(base, task, settings.shown, options.data_dir), task)


def _of_filters(base: Reconstruction, settings: Settings, options: argparse.Namespace) -> Figure:
    model = mesh_free_model(base, options.data_dir)
    xi = next(array for name, array in model.arrays.items() if name.endswith("xi"))
    edges = [model.grid.coarsen(level).shape[0] for level in range(base.multiscale.levels)]
    return filters_figure(np.asarray(xi[: settings.filters], dtype="float64"), edges)


def _save(options: argparse.Namespace, name: str, make: Any) -> None:
    """Write a picture that is not there, or any with --force."""
    target = options.out / f"{name}.png"
    if target.is_file() and not options.force:
        return
    require_target(target, force=options.force)
    picture = figure_bytes(make(), "png")
    with atomic_write(target, overwrite=options.force) as temporary:
        temporary.write_bytes(picture)
    print(f"wrote {target}", flush=True)


if __name__ == "__main__":
    end_with(lambda: ended("task_pictures", main))
