"""Both papers joined: multiscale estimates with stencils of [LAS], best batches and regressed coefficients.

    python validation/multiscale_training/joined.py CONFIG.toml --data-dir DIR -o OUT [--full]

Every rival has the same work, pilots counted; those with W do as many steps, too, but for the pilots. Single
scale has that batch, a third of it, and one image a step: [MST] compares with neither of these. A finished
training leaves its numbers in OUT, and the same command goes on.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "learning_across_scales"))  # the package common

from common.plan import Plan, require_seeds
from common.publishing import ended
from trainings import run_trainings, unit_of

from refms.cli.streams import end_with
from refms.errors import InputError
from refms.objective.workers import Workers
from refms.run.config.reconstruction import Reconstruction
from refms.run.image_experiment import image_experiment_of
from refms.run.plan_work import plan_work
from refms.run.reconstruction import reconstruct

REGRESSED = {"estimator": "mge", "allocation": "regressed"}
GALERKIN = {"kernel_rule": "galerkin"}
RIVALS: dict[str, dict[str, Any]] = {
    "single, W": {"estimator": "single", "share": 1.0},
    "single, W/3": {"estimator": "single", "share": 1 / 3},
    "single, 1 image": {"estimator": "single", "batch": 1},
    "MGE of the paper": {"estimator": "mge"},
    "MGE, best batches": {"estimator": "mge", "allocation": "optimal"},
    "MGE, Galerkin": {"estimator": "mge", **GALERKIN},
    "MGE, regressed": REGRESSED,
    "joined": {**REGRESSED, **GALERKIN},
    "joined, layers": {**REGRESSED, **GALERKIN, "coefficients": "layers"},
    "joined, adaptive": {"estimator": "mge", "allocation": "adaptive", **GALERKIN},
}
"""What each changes in [multiscale]; ``share``: a batch of that part of W, the work of a step of MGE."""

KEPT = (
    "paper_units",
    "pilot_units",
    "validation_loss",
    "psnr",
    "ssim",
    "eta",
    "eta_low",
    "eta_high",
    "v",
    "V0",
)


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    work : float
        #WU of each training, pilots counted.
    rows : int
        Measurements of a training, of η and of the validation images.
    rivals : tuple of str
        Names of ``RIVALS``.
    seeds : tuple of int
        One training each: of the choice of images, the start and all draws.
    """

    work: float = 3600.0
    rows: int = 8
    rivals: tuple[str, ...] = tuple(RIVALS)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)

    def __post_init__(self) -> None:
        require_seeds(self.seeds)
        if unknown := set(self.rivals) - set(RIVALS):
            raise InputError(f"rivals has {sorted(unknown)}; expected some of {list(RIVALS)}.")
        if not (0 < self.work < float("inf") and self.rows > 0):
            raise InputError(f"work is {self.work}, rows {self.rows}; expected numbers > 0.")


def configured(base: Reconstruction, rival: str, settings: Settings, seed: int) -> Reconstruction:
    """Return the configuration of one training, with the iterations that the work allows."""
    changes = dict(RIVALS[rival])
    step = replace(base.multiscale, estimator="mge", iterations=(1,)).stages[0].batches.work()
    if share := changes.pop("share", None):
        changes["batch"] = max(1, round(share * step))

    def lasting(iterations: int) -> Reconstruction:
        meshes = replace(base.multiscale, **changes, iterations=(iterations,))
        return replace(base, multiscale=meshes, data=replace(base.data, split_seed=seed))

    def cost(iterations: int) -> float:
        found = plan_work(lasting(iterations))
        return found["paper_units"] + found["pilot_paper_units"]

    count = round(settings.work / cost(1))
    count = max(settings.rows, round(count * settings.work / cost(count)) if count else 1)
    every = count // settings.rows
    found = lasting(every * settings.rows)
    return replace(found, optimization=replace(found.optimization, seed=seed, every=every, measure=every))


def trained(configuration: Reconstruction, folder: str | None, threads: int) -> dict[str, Any]:
    """Return the rows of a training's history."""
    experiment = image_experiment_of(configuration, folder, workers=Workers(threads=threads))
    rows = reconstruct(experiment).model.history.rows
    kept = [{name: row.extra[name] for name in KEPT if name in row.extra} for row in rows]
    return {"steps": configuration.plan.total, "rows": kept, "psnr": kept[-1]["psnr"]}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing, and write the result."""
    description = "Both papers joined: multiscale estimates at equal work."
    return run_trainings("joined", description, Settings, _rows, _line, argv)


def _rows(plan: Plan, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the histories of every rival, seed by seed."""
    settings: Settings = plan.settings
    train = partial(trained, folder=options.data_dir, threads=options.threads)
    rows = []
    for rival in settings.rivals:
        asked = {seed: configured(plan.configuration, rival, settings, seed) for seed in settings.seeds}
        name = re.sub(r"\W+", "_", rival)
        units = [unit_of(options.out / f"{name}_{seed}.json", asked[seed], train) for seed in asked]
        rows.append({"rival": rival, "batch": asked[settings.seeds[0]].multiscale.batch, "units": units})
    return rows


def _line(row: dict[str, Any]) -> str:
    losses = [unit["rows"][-1]["validation_loss"] for unit in row["units"]]
    return f"{row['rival']:18} {np.mean(losses):.5f} ± {np.std(losses):.5f}"


if __name__ == "__main__":
    end_with(lambda: ended("joined", main))
