"""The script of the four tasks: equal work, whatever the estimator, and a result that its page reads."""

import json
from pathlib import Path

import pytest
import restoration
from common.plan import options_of, read_plan
from results import restoration_page
from small_reconstructions import TRAINING

from refms.errors import FileError
from refms.run.config.reconstruction import Reconstruction

FOLDER = Path(__file__).parents[2] / "validation" / "multiscale_training"

TINY = (
    TRAINING
    + """[experiment]
tasks = ["denoise"]
work = 8.0
seeds = [0]
"""
)


def plan_of(config, *words):
    return read_plan(options_of("", [str(config), "-o", "x", *words]), restoration.Settings, Reconstruction)


@pytest.mark.parametrize("words", [(), ("--full",)])
@pytest.mark.parametrize("task", ["denoise", "super-resolve"])
def test_every_estimator_does_about_the_same_work(task, words):
    asked = plan_of(FOLDER / "restoration.toml", *words)
    work = asked.settings.work
    plans = [
        restoration.configured(asked.configuration, task, estimator, work, 0).plan
        for estimator in restoration.ESTIMATORS
    ]
    assert all(abs(plan.work() / work - 1) < 0.01 for plan in plans)
    assert [len(plan.stages) for plan in plans] == [1, 1, 1, 3]
    assert abs(plans[1].total / plans[3].total - 1) < 0.1


@pytest.mark.parametrize("words", ['tasks = ["denose"]', "work = 0.0", "work = inf", "seeds = [1, 1]"])
def test_settings_that_say_no_experiment_are_refused(tmp_path, words):
    (tmp_path / "c.toml").write_text(f"[experiment]\n{words}\n")
    with pytest.raises(FileError, match=words.split()[0].removesuffix("s")):
        plan_of(tmp_path / "c.toml")


def test_a_finished_training_is_not_done_again_and_the_page_reads_the_result(tmp_path, capsys, monkeypatch):
    (tmp_path / "tiny.toml").write_text(TINY)
    words = [str(tmp_path / "tiny.toml"), "-o", str(tmp_path / "out")]
    assert restoration.main(words) == 0
    assert capsys.readouterr().out.count("denoise") == 8  # each when it is done, and in the table at the end
    path = tmp_path / "out" / "restoration.json"
    result = json.loads(path.read_text())
    works = [row["units"][0]["paper_units"] for row in result["rows"]]
    assert all(abs(work - 8) <= 2 for work in works)
    efficiencies = [row["units"][0]["eta"] for row in result["rows"]]
    assert efficiencies[:2] == pytest.approx([1, 1])  # a single scale is what others are compared with
    assert efficiencies[2] != pytest.approx(1)
    with pytest.raises(FileError, match="--force"):
        restoration.main(words)
    assert restoration.main([*words, "--force"]) == 0
    assert capsys.readouterr().out.count("denoise") == 4
    assert json.loads(path.read_text()) == result
    monkeypatch.setattr(restoration_page, "RESULT", path)
    assert "| denoise | single, more steps |" in restoration_page.text()
