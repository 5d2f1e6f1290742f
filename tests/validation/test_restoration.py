"""The script of the four tasks: equal work, whatever the estimator, and a page that its result gives."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "validation" / "multiscale_training"
SCRIPT = FOLDER / "restoration.py"


def script():
    specification = importlib.util.spec_from_file_location("restoration", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("task", ["denoise", "super-resolve"])
def test_every_estimator_does_about_the_same_work(task):
    table = tomllib.loads((FOLDER / "restoration.toml").read_text("utf-8"))
    settings = table.pop("experiment")
    table.pop("full")
    plans = [
        script().configured(table, task, estimator, settings["work"], 0).plan
        for estimator in script().ESTIMATORS
    ]
    assert all(abs(plan.work() / settings["work"] - 1) < 0.01 for plan in plans)
    assert [len(plan.stages) for plan in plans] == [1, 1, 1, 3]
    assert abs(plans[1].total / plans[3].total - 1) < 0.1


def test_a_finished_training_is_not_done_again(tmp_path):
    config = tmp_path / "tiny.toml"
    config.write_text(
        '[data]\ndataset = "digits"\ntrain = 20\nvalidation = 4\nvalidation_part = "train"\n'
        '[network]\narchitecture = "residual-image"\n[network.options]\nwidth = 4\nblocks = 1\n'
        "[multiscale]\nlevels = 2\nbatch = 2\n"
        '[experiment]\ntasks = ["denoise"]\nwork = 8.0\nseeds = [0]\n',
        "utf-8",
    )
    command = [sys.executable, str(SCRIPT), str(config), "-o", str(tmp_path / "out")]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=1800).stdout
        for _ in range(2)
    )
    assert first.count("denoise") == 8  # each when it is done, and in the table at the end
    assert second.count("denoise") == 4
    result = json.loads((tmp_path / "out" / "restoration.json").read_text("utf-8"))
    works = [row["units"][0]["paper_units"] for row in result["rows"]]
    assert all(abs(work - 8) <= 2 for work in works)
