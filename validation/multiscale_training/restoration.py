"""The four tasks of [MST] by single scale, MGE and Full-Multiscale, at equal work, on a reduced protocol.

    python validation/multiscale_training/restoration.py CONFIG.toml --data-dir DIR -o OUT [--full]

Every training is what ``refms reconstruct`` does with the same configuration. Single scale takes twice the
batch of MGE's finest mesh, so that it has about as many steps, and once more so few examples that it has as
many steps as Full-Multiscale; iterations are what the work allows. A finished training leaves its numbers in
OUT, and the same command goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "learning_across_scales"))  # the package common

from common.plan import Plan, require_seeds
from common.publishing import ended
from trainings import run_trainings, unit_of

from refms.cli.streams import end_with
from refms.data.corruption import TASKS
from refms.errors import InputError, require_choice
from refms.objective.workers import Workers
from refms.run.config.reconstruction import Reconstruction
from refms.run.image_experiment import image_experiment_of
from refms.run.reconstruction import reconstruct

MORE_STEPS = "single, more steps"
ESTIMATORS = ("single", MORE_STEPS, "mge", "full-multiscale")
KEPT = ("validation_loss", "psnr", "ssim", "psnr_hidden", "eta", "eta_low", "eta_high")


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    tasks : tuple of str
        What is done to the images.
    work : float
        #WU of each training.
    seeds : tuple of int
        One training each: of the choice of images, the start and all draws.
    """

    tasks: tuple[str, ...] = tuple(TASKS)
    work: float = 3600.0
    seeds: tuple[int, ...] = (0, 1)

    def __post_init__(self) -> None:
        for task in self.tasks:
            require_choice(task, TASKS, "task")
        require_seeds(self.seeds)
        if not 0 < self.work < float("inf"):
            raise InputError(f"work is {self.work}; expected a finite number > 0.")


def configured(base: Reconstruction, task: str, estimator: str, work: float, seed: int) -> Reconstruction:
    """Return the configuration of one training, with the iterations that the work allows."""
    meshes = replace(base.multiscale, estimator=estimator.partition(",")[0], iterations=(1,))
    if estimator == "single":
        meshes = replace(meshes, batch=2 * meshes.batch)
    if estimator == MORE_STEPS:  # as many as Full-Multiscale has
        steps = configured(base, task, "full-multiscale", work, seed).plan.total
        meshes = replace(meshes, batch=max(1, round(work / steps)))
    network, descent = base.network, replace(base.optimization, seed=seed)
    if task == "super-resolve":
        network = replace(network, options={**network.options, "time": False, "add_input": True})
        descent = replace(descent, loss="ssim")
    costs = [stage.batches.work(stage.level) for stage in meshes.stages]
    first = work / sum(2.0**-stage * cost for stage, cost in enumerate(costs))
    iterations = tuple(max(1, round(first * 2.0**-stage)) for stage in range(len(costs)))
    descent = replace(descent, every=sum(iterations), measure=sum(iterations))  # one row, with eta
    return Reconstruction(
        replace(base.task, name=task),
        replace(base.data, split_seed=seed),
        network,
        replace(meshes, iterations=iterations),
        descent,
    )


def trained(configuration: Reconstruction, folder: str | None, threads: int) -> dict[str, Any]:
    """Return what a training reached on the validation images, and at which work."""
    experiment = image_experiment_of(configuration, folder, workers=Workers(threads=threads))
    start = experiment.model.architecture.arrays.pack(experiment.model.arrays)
    before = experiment.score(start, 0)
    last = reconstruct(experiment).model.history.rows[-1].extra
    kept = {name: last[name] for name in KEPT if name in last}
    return {
        **kept,
        "paper_units": last["paper_units"],
        "psnr_before": before.psnr,
        "steps": configuration.plan.total,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing, and write the result."""
    description = "Four tasks by three estimators of the gradient, at equal work."
    return run_trainings("restoration", description, Settings, _rows, _line, argv)


def _rows(plan: Plan, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what every training reached, task by task and estimator by estimator."""
    settings: Settings = plan.settings
    train = partial(trained, folder=options.data_dir, threads=options.threads)
    rows = []
    for task, estimator in product(settings.tasks, ESTIMATORS):
        units = []
        for seed in settings.seeds:
            configuration = configured(plan.configuration, task, estimator, settings.work, seed)
            place = options.out / f"{task}_{estimator.replace(', ', '_')}_{seed}.json"
            units.append(unit_of(place, configuration, train))
        rows.append({"task": task, "estimator": estimator, "units": units})
    return rows


def _line(row: dict[str, Any]) -> str:
    psnr = np.mean([unit["psnr"] for unit in row["units"]])
    return f"{row['task']:14} {row['estimator']:18} {psnr:6.2f} dB"


if __name__ == "__main__":
    end_with(lambda: ended("restoration", main))
