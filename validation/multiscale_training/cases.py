"""The tables of [MST], and what it leaves out, as named cases of a training, seed by seed.

    python validation/multiscale_training/cases.py CONFIG.toml --data-dir DIR -o OUT [--full] [--cases NAME …]

A case puts keys over the configuration, which a group of cases (a task, a network, a budget) does before.
Each training is what ``refms reconstruct`` does with the configuration that comes out. A finished one leaves
its numbers in OUT, and the same command goes on.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from refms.errors import InputError
from refms.objective.workers import Workers
from refms.run.config.reading import table_of
from refms.run.config.reconstruction import Reconstruction
from refms.run.image_experiment import image_experiment_of
from refms.run.reconstruction import reconstruct

MEASURES = ("validation_loss", "psnr", "ssim", "psnr_hidden")
KEPT = (*MEASURES, "paper_units", "eta", "eta_low", "eta_high")


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    cases : mapping
        Name to tables of keys. Besides the sections of a configuration: ``work``, the #WU to which iterations
        are stretched, and ``rival``, the case with which this one is compared seed by seed.
    groups : mapping
        The same, put over the configuration before the cases; each case is trained in each group.
    seeds : tuple of int
        One training each: of the choice of images, the start and all draws.
    measured : bool
        Whether η is measured at the end, where there are several meshes.
    """

    cases: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, Any] = field(default_factory=lambda: {"": {}})
    seeds: tuple[int, ...] = (0, 1, 2)
    measured: bool = True

    def __post_init__(self) -> None:
        require_seeds(self.seeds)
        if not self.cases:
            raise InputError("there are no cases; expected tables [experiment.cases.NAME].")
        for name, case in self.cases.items():
            rival = table_of(case, name).get("rival", name)
            if rival not in self.cases:
                raise InputError(f"the rival of {name!r} is {rival!r}; expected one of {list(self.cases)}.")


def configured(base: Reconstruction, settings: Settings, group: str, case: str, seed: int) -> Reconstruction:
    """Return the configuration of one training."""
    tables = merged(merged(base.to_dict(), settings.groups[group]), settings.cases[case])
    tables.pop("rival", None)
    work = tables.pop("work", 0.0)
    found = Reconstruction.from_dict(tables)
    counts = [stage.iterations for stage in found.multiscale.stages]
    if work:
        counts = [max(1, round(count * work / found.plan.work())) for count in counts]
    known = settings.measured and not found.multiscale.window  # at which step the training ends
    total, measures = sum(counts), known and found.multiscale.meshes > 1
    descent = replace(found.optimization, seed=seed, every=total, measure=total * measures)
    return replace(
        found,
        data=replace(found.data, split_seed=seed),
        multiscale=replace(found.multiscale, iterations=tuple(counts)),
        optimization=descent,
    )


def merged(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return tables with others put over them, key by key.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    """
    found = dict(tables)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = merged(found[key], value) if both else value
    return found


def trained(configuration: Reconstruction, folder: str | None, threads: int) -> dict[str, Any]:
    """Return what a training reached on the validation images, at which work and in which time."""
    experiment = image_experiment_of(configuration, folder, workers=Workers(threads=threads))
    start = experiment.model.architecture.arrays.pack(experiment.model.arrays)
    before = experiment.score(start, 0).measured()
    rows = reconstruct(experiment).model.history.rows
    last = rows[-1].extra
    return {
        **{name: last[name] for name in KEPT if name in last},
        "before": {name: before[name] for name in MEASURES if name in before},
        "steps": rows[-1].iteration,
        "seconds": sum(row.seconds for row in rows),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing, and write the result."""
    description = "Cases of a training on images, side by side."
    return run_trainings("cases", description, Settings, _rows, _line, argv, cases=True)


def _rows(plan: Plan, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what every training reached; seed by seed, so that a stopped run has all cases of some seeds."""
    settings: Settings = plan.settings
    train = partial(trained, folder=options.data_dir, threads=options.threads)
    chosen = options.cases or list(settings.cases)
    if unknown := set(chosen) - set(settings.cases):
        raise InputError(f"--cases has {sorted(unknown)}; expected some of {list(settings.cases)}.")
    places = list(product(settings.groups, chosen))
    asked = {
        (seed, *place): configured(plan.configuration, settings, *place, seed)
        for seed in settings.seeds
        for place in places
    }
    units = {}
    for (seed, *place), configuration in asked.items():
        name = re.sub(r"\W+", "_", " ".join([*place, str(seed)])).strip("_")
        units[seed, *place] = unit_of(options.out / f"{name}.json", configuration, train)
    return [
        {
            "group": group,
            "case": case,
            "rival": settings.cases[case].get("rival"),
            "units": [units[seed, group, case] for seed in settings.seeds],
        }
        for group, case in places
    ]


def _line(row: dict[str, Any]) -> str:
    psnr = np.mean([unit["psnr"] for unit in row["units"]])
    return f"{row['group']:24} {row['case']:32} {psnr:6.2f} dB"


if __name__ == "__main__":
    end_with(lambda: ended("cases", main))
