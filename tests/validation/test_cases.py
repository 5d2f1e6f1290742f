"""Named cases of a training: what the tables ask for, equal work where it is stated, seeds in pairs."""

import json
import statistics
from pathlib import Path

import cases
import pytest
from common.plan import options_of, read_plan
from results import tables_page

from refms.errors import FileError
from refms.run.config.reconstruction import Reconstruction

FOLDER = Path(__file__).parents[2] / "validation" / "multiscale_training"

TINY = """
[data]
dataset = "digits"
size = 8
train = 20
validation = 4
validation_part = "train"
[network.options]
width = 4
blocks = 1
[multiscale]
levels = 2
batch = 2
pilot = 8
[experiment]
seeds = [0, 1]
[experiment.groups.denoise]
[experiment.groups.deblur]
task = { name = "deblur" }
[experiment.cases.single]
multiscale = { estimator = "single", iterations = [4] }
work = 12.0
[experiment.cases.MGE]
multiscale = { estimator = "mge", iterations = [4] }
rival = "single"
[experiment.cases."one batch"]
multiscale = { estimator = "mge", iterations = [4], one_batch = true }
rival = "single"
"""


def plan_of(config, *words):
    return read_plan(options_of("", [str(config), "-o", "x", *words]), cases.Settings, Reconstruction)


def plans(name, *words):
    """Return group, case, its table and the plan of its training."""
    asked = plan_of(FOLDER / f"{name}.toml", *words)
    for group in asked.settings.groups:
        for case, table in asked.settings.cases.items():
            found = cases.configured(asked.configuration, asked.settings, group, case, 0)
            yield group, case, {**asked.settings.groups[group], **table}, found.plan


@pytest.mark.parametrize("words", [(), ("--full",)], ids=["reduced", "full"])
@pytest.mark.parametrize("name", tables_page.SECTIONS)
def test_a_case_that_states_its_work_does_it(name, words):
    for _, case, table, plan in plans(name, *words):
        if "work" in table:
            assert abs(plan.work() / table["work"] - 1) < 0.03, case


def test_the_full_tables_are_the_printed_ones():
    work = {case: plan.work() for _, case, _, plan in plans("table_2_espcn", "--full")}
    assert work["single, equal images"] == 30_000
    assert work["MGE"] == 4_625
    assert {work[f"Full-Multiscale, {kind}"] for kind in ("coarsened", "crops", "both")} == {7_875}
    work = {case: plan.work() for _, case, _, plan in plans("table_6", "--full")}
    assert [work[f"MGE, {levels} meshes"] for levels in (4, 3, 2)] == [74_000, 68_000, 56_000]
    assert [work[f"Full-Multiscale, {levels} meshes"] for levels in (4, 3, 2)] == [28_750, 19_500, 11_000]


def test_rivals_at_equal_work_have_as_many_steps():
    found = {case: plan for _, case, _, plan in plans("table_2_espcn")}
    for rival, own in (
        ("single, work of MGE", "MGE"),
        ("single, work and steps of Full", "Full-Multiscale, coarsened"),
    ):
        assert abs(found[rival].total / found[own].total - 1) < 0.1
        assert abs(found[rival].work() / found[own].work() - 1) < 0.01


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("seeds = [1, 1]", "seeds"),
        ("seeds = [0]", "no cases"),
        ('[experiment.cases.a]\nrival = "b"', "rival"),
    ],
)
def test_settings_that_say_no_experiment_are_refused(tmp_path, words, said):
    (tmp_path / "c.toml").write_text(f"[experiment]\n{words}\n")
    with pytest.raises(FileError, match=said):
        plan_of(tmp_path / "c.toml")


def test_a_finished_training_is_not_done_again_and_the_page_pairs_the_seeds(tmp_path, capsys):
    (tmp_path / "tiny.toml").write_text(TINY)
    words = [str(tmp_path / "tiny.toml"), "-o", str(tmp_path / "out")]
    assert cases.main(words) == 0
    assert capsys.readouterr().out.count("MGE") == 6  # each when it is done, and in the table at the end
    path = tmp_path / "out" / "cases.json"
    result = json.loads(path.read_text())
    assert cases.main([*words, "--force"]) == 0
    assert capsys.readouterr().out.count("MGE") == 2
    assert json.loads(path.read_text()) == result
    single, mge, one_batch = result["rows"][3:]
    assert single["group"] == "deblur"
    assert [unit["eta"] for unit in one_batch["units"]] == pytest.approx([2 / 3, 2 / 3])  # N/W of [2, 2]
    page = tables_page.tables({**result, "name": "tiny"})
    losses = [[unit["validation_loss"] for unit in row["units"]] for row in (single, mge)]
    gains = [own - other for own, other in zip(*losses, strict=True)]
    half = 12.7062 * statistics.stdev(gains) / 2**0.5
    line = page.splitlines()[-2]
    assert line.startswith("| MGE | 4 |")
    assert f"| single | {statistics.fmean(gains):+.4f} ± {half:.4f} |" in line
