"""Table 1 of [MST]: seconds of the loss of many images on each mesh, by single scale and by MGE.

    python validation/multiscale_training/table_1.py CONFIG.toml --data-dir DIR -o OUT [--full]

Seconds are those of the processor, not of the clock, so that other programs do not count; the least of
several measurements. Drawing images and making them coarse is not counted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "learning_across_scales"))  # the package common

from common.plan import Plan
from common.publishing import ended
from trainings import run_trainings

from refms.cli.streams import end_with
from refms.errors import InputError
from refms.multiscale.estimation import Batches, doubled_batches, estimate_objective
from refms.multiscale.work import gradient_work, level_cost, loss_evaluations
from refms.run.image_experiment import image_experiment_of


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    images : int
        How many on each mesh.
    batch : int
        N of the finest mesh of MGE, doubled from mesh to mesh; the coarsest has what is left.
    repeats : int
        Measurements, of which the least counts; more of what takes no time.
    """

    images: int = 32
    batch: int = 1
    repeats: int = 3

    def __post_init__(self) -> None:
        if min(self.images, self.batch, self.repeats) < 1:
            raise InputError("images, batch and repeats must be 1 or more.")


def batches_of(images: int, first: int, levels: int) -> tuple[int, ...]:
    """Return N, 2N, … and what is left for the coarsest mesh.

    >>> batches_of(512, 16, 5)
    (16, 32, 64, 128, 272)
    """
    finer = tuple(doubled_batches(first, levels - 1))
    if sum(finer) >= images:
        raise InputError(f"{images} images for batches {list(finer)} of finer meshes; expected more images.")
    return (*finer, images - sum(finer))


def least_seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the least processor time of so many calls, or of more, until half a second is spent."""
    found: list[float] = []
    while len(found) < repeats or sum(found) < 0.5:
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write the result."""
    return run_trainings("table_1", "Seconds of the loss on each mesh.", Settings, _rows, _line, argv)


def _rows(plan: Plan, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return seconds, loss evaluations and work of each mesh, finest first."""
    settings: Settings = plan.settings
    experiment = image_experiment_of(plan.configuration, options.data_dir)
    problem, levels = experiment.problem, plan.configuration.multiscale.levels
    theta = experiment.model.architecture.arrays.pack(experiment.model.arrays)
    rows = []
    for level in range(levels):
        grid = problem.grid.coarsen(level)
        row: dict[str, Any] = {"cells": grid.shape[0]}
        split = batches_of(settings.images, settings.batch, levels - level)
        for name, sizes in (("single", (settings.images,)), ("mge", split)):
            f = estimate_objective(problem, Batches(sizes), stage=level)
            row[name] = {
                "seconds": least_seconds(lambda f=f: f.value(theta), settings.repeats),  # type: ignore[misc]
                "evaluations": loss_evaluations(sizes),
                "work": gradient_work(sizes, level) / level_cost(0),
            }
        rows.append(row)
    return rows


def _line(row: dict[str, Any]) -> str:
    seconds = [f"{row[name]['seconds']:8.3f} s" for name in ("single", "mge")]
    return f"{row['cells']:5} {' '.join(seconds)}"


if __name__ == "__main__":
    end_with(lambda: ended("table_1", main))
