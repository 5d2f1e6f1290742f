"""The four tasks of [MST] by single scale, MGE and Full-Multiscale, at equal work, on a reduced protocol.

    python validation/multiscale_training/restoration.py CONFIG.toml --data-dir DIR -o OUT [--full]

Every training is what ``refms reconstruct`` does with the same configuration. Single scale takes twice the
batch of MGE's finest mesh, so that it has about as many steps, and once more so few examples that it has as
many steps as Full-Multiscale; iterations are what the work allows. A finished training leaves its numbers in
OUT, and the same command goes on.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from refms.cli.files import write_json
from refms.environment import machine, versions
from refms.errors import FileError, InputError
from refms.run.config import Reconstruction
from refms.run.image_experiment import image_experiment_of
from refms.run.reconstruction import reconstruct

MORE_STEPS = "single, more steps"
ESTIMATORS = ("single", MORE_STEPS, "mge", "full-multiscale")


def merged(table: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return a table with another one put over it."""
    found = dict(table)
    for key, value in more.items():
        found[key] = merged(found.get(key, {}), value) if isinstance(value, dict) else value
    return found


def configured(table: dict[str, Any], task: str, estimator: str, work: float, seed: int) -> Reconstruction:
    """Return the configuration of one training, with the iterations that the work allows."""
    single = estimator in ("single", MORE_STEPS)
    more: dict[str, Any] = {
        "task": {"name": task},
        "multiscale": {"estimator": "single" if single else estimator, "iterations": [1]},
        "optimization": {"seed": seed},
        "data": {"split_seed": seed},
    }
    if single:
        more["multiscale"] |= {"batch": 2 * table["multiscale"]["batch"]}
    if estimator == MORE_STEPS:  # as many as Full-Multiscale has
        steps = configured(table, task, "full-multiscale", work, seed).plan.total
        more["multiscale"] |= {"batch": max(1, round(work / steps))}
    if task == "super-resolve":
        more["network"] = {"options": {"time": False, "add_input": True}}
        more["optimization"]["loss"] = "ssim"
    asked = merged(table, more)
    shares = [2.0**-stage for stage in range(table["multiscale"]["levels"])]
    if estimator != "full-multiscale":
        shares = [1.0]
    asked["multiscale"]["iterations"] = [1] * len(shares)
    costs = [stage.batches.work(stage.level) for stage in Reconstruction.from_dict(asked).plan.stages]
    first = work / sum(share * cost for share, cost in zip(shares, costs, strict=True))
    asked["multiscale"]["iterations"] = [max(1, round(first * share)) for share in shares]
    return Reconstruction.from_dict(asked)


def trained(configuration: Reconstruction, folder: str | None) -> dict[str, Any]:
    """Return what a training reached on the validation images, and at which work."""
    experiment = image_experiment_of(configuration, folder)
    start = experiment.model.architecture.arrays.pack(experiment.model.arrays)
    before = experiment.score(start, 0)
    last = reconstruct(experiment).model.history.rows[-1].extra
    kept = {name: last[name] for name in ("validation_loss", "psnr", "ssim", "psnr_hidden") if name in last}
    return {
        **kept,
        "paper_units": last["paper_units"],
        "psnr_before": before.psnr,
        "steps": configuration.plan.total,
    }


def main() -> int:
    """Run what is missing, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--data-dir", help="folder with the data files")
    parser.add_argument("--full", action="store_true", help="run what the tables [full.*] of CONFIG say")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of finished trainings")
    parser.add_argument("--result", type=Path, help="JSON result (default: in OUT)")
    options = parser.parse_args()
    table = tomllib.loads(options.config.read_text("utf-8"))
    full = table.pop("full", {})
    table = merged(table, full) if options.full else table
    settings = table.pop("experiment")
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for task in settings["tasks"]:
        for estimator in ESTIMATORS:
            units = []
            for seed in settings["seeds"]:
                configuration = configured(table, task, estimator, settings["work"], seed)
                asked = configuration.to_dict()
                place = options.out / f"{task}_{estimator.replace(', ', '_')}_{seed}.json"
                unit = json.loads(place.read_text("utf-8")) if place.is_file() else {}
                if unit.get("configuration") != json.loads(json.dumps(asked)):
                    unit = {"configuration": asked, **trained(configuration, options.data_dir)}
                    write_json(str(place), unit)
                    print(task, estimator, seed, unit["psnr"], flush=True)
                units.append({key: value for key, value in unit.items() if key != "configuration"})
            rows.append({"task": task, "estimator": estimator, "units": units})
    result = {
        "experiment": "restoration",
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "config": options.config.name,
        "full": options.full,
        "configuration": {**table, "experiment": settings},
        "rows": rows,
    }
    write_json(str(options.result or options.out / "restoration.json"), result)
    psnr = {(row["task"], row["estimator"]): np.mean([unit["psnr"] for unit in row["units"]]) for row in rows}
    print("\n".join(f"{task:14} {estimator:18} {value:6.2f} dB" for (task, estimator), value in psnr.items()))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (InputError, FileError) as error:
        print(f"restoration: {error}", file=sys.stderr)
        sys.exit(2)
