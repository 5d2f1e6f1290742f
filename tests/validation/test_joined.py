"""Both papers joined: rivals of equal work, and a page that compares them seed by seed."""

import json
from pathlib import Path

import joined
import pytest
from common.plan import options_of, read_plan
from results import joined_page
from small_reconstructions import TRAINING

from refms.errors import FileError
from refms.run.config.reconstruction import Reconstruction
from refms.run.plan_work import plan_work

FOLDER = Path(__file__).parents[2] / "validation" / "multiscale_training"

TINY = (
    TRAINING
    + """[experiment]
work = 60.0
rows = 2
seeds = [0, 1]
"""
)


def plan_of(config, *words):
    return read_plan(options_of("", [str(config), "-o", "x", *words]), joined.Settings, Reconstruction)


@pytest.mark.parametrize("words", [(), ("--full",)])
@pytest.mark.parametrize("name", ["joined", "joined_96"])
@pytest.mark.parametrize("rival", joined.RIVALS)
def test_every_rival_does_the_same_work_with_its_pilots(rival, name, words):
    asked = plan_of(FOLDER / f"{name}.toml", *words)
    settings = asked.settings
    found = joined.configured(asked.configuration, rival, settings, 1)
    every = found.optimization.every
    assert found.optimization.measure == every
    assert found.plan.total == settings.rows * every
    work = plan_work(found)
    measured = settings.rows * 32 * sum(4.0**-level for level in range(found.multiscale.meshes))
    spent = work["paper_units"] + work["pilot_paper_units"] - measured
    assert abs(spent / settings.work - 1) < 0.03  # pilots and rows come in whole numbers


def test_single_scale_with_the_work_of_a_step_has_as_many_steps_as_the_paper():
    asked = plan_of(FOLDER / "joined.toml")
    steps = [
        joined.configured(asked.configuration, rival, asked.settings, 0).plan.total
        for rival in ("single, W", "MGE of the paper", "MGE, Galerkin")
    ]
    assert max(steps) / min(steps) < 1.1
    assert steps[1] == steps[2]


@pytest.mark.parametrize("words", ['rivals = ["jioned"]', "work = 0.0", "rows = 0", "seeds = [1, 1]"])
def test_settings_that_say_no_experiment_are_refused(tmp_path, words):
    (tmp_path / "c.toml").write_text(f"[experiment]\n{words}\n")
    with pytest.raises(FileError, match=words.split()[0]):
        plan_of(tmp_path / "c.toml")


def test_the_page_pairs_the_seeds_and_tells_the_efficiency_at_like_losses(tmp_path, capsys):
    rivals = 'rivals = ["single, W", "MGE of the paper", "joined"]\n'
    (tmp_path / "tiny.toml").write_text(TINY + rivals)
    assert joined.main([str(tmp_path / "tiny.toml"), "-o", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.count("joined") == 3  # two trainings and a line of the table
    result = json.loads((tmp_path / "out" / "joined.json").read_text())
    losses = {
        row["rival"]: [u["rows"][-1]["validation_loss"] for u in row["units"]] for row in result["rows"]
    }
    gains = [a - b for a, b in zip(losses["single, W"], losses["joined"], strict=True)]
    page = joined_page.estimates({**result, "name": "tiny"})
    (line,) = (line for line in page.splitlines() if line.startswith("| joined | ") and "of 2" in line)
    assert f"{sum(gain > 0 for gain in gains)} of 2" in line
    assert f"{sum(gains) / 2:.4f}" in line
