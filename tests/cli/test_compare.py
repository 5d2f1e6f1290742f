"""`refms compare`: optimisers from one start, a table, and two files."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from refms.io.reading import read_artifact
from refms.model import initial_model
from refms.names import METHODS
from refms.run.plan import Plan
from refms.run.study import points_of

TOML = """
[data]
train = 60
validation = 30
size = 4
[network]
channels = 2
[optimization]
iterations = 2
[compare]
methods = ["bcd", "l-bfgs", "adam"]
[compare.adam]
learning_rate = 0.05
batch = 20
"""


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """Let matplotlib seem to be missing, so that pictures are drawn where they are asked for alone."""
    monkeypatch.setattr("refms.cli.result_folder.can_draw", lambda: False)


@pytest.fixture
def compare(refms):
    """Run a comparison of the small configuration."""
    Path("few.toml").write_text(TOML, encoding="utf-8")
    return lambda *words: refms("compare", "few.toml", "-o", "out", "--quiet", *words)


def result():
    return json.loads(Path("out/compare.json").read_text(encoding="utf-8"))


def test_curves_of_all_methods_are_written_and_a_table_printed(compare):
    ran = compare()
    assert ran.code == 0, ran.err
    found = result()
    assert found["kind"] == "compare"
    assert {"configuration", "versions", "machine", "date"} <= set(found)
    assert list(found["runs"]) == ["bcd", "l-bfgs", "adam"]
    assert found["configuration"]["compare"]["adam"]["batch"] == 20
    for run in found["runs"].values():
        assert set(run["outcome"]) == {"status", "message"}
        columns = run["columns"]
        assert columns["iteration"] == [0, 1, 2]
        assert {len(column) for column in columns.values()} == {3}
        assert columns["objective"][2] < columns["objective"][0]
        assert columns["gain_ratio"][0] is None
    assert found["runs"]["adam"]["columns"]["gain_ratio"] == [None] * 3
    starts = {
        tuple(run["columns"][name][0] for name in ("objective", "work_units"))
        for run in found["runs"].values()
    }
    assert len(starts) == 1
    head, *lines = ran.out.splitlines()[:4]
    assert head.split()[:3] == ["method", "iterations", "work"]
    assert [line.split()[0] for line in lines] == ["bcd", "l-bfgs", "adam"]
    assert "SciPy holds its vectors in float64 on the host; the objective was evaluated in float32" in ran.out


def test_the_arrays_are_in_an_artefact(compare):
    assert compare().code == 0
    artifact = read_artifact("out/compare.h5")
    assert artifact.kind == "compare"
    columns = result()["runs"]["adam"]["columns"]
    assert artifact.arrays["adam/columns/objective"].tolist() == columns["objective"]
    assert np.isnan(artifact.arrays["adam/columns/gain_ratio"]).all()
    assert artifact.arrays["bcd/propagation"].dtype == np.float32
    assert "bcd/steps/extra/gain_ratio" in artifact.arrays
    assert artifact.attributes["outcomes"]["adam"]["status"] == "iteration_limit"


def test_options_go_over_the_file(compare):
    assert compare("--methods", "sgd", "--iterations", 1, "--json", "other.json").code == 0
    found = result()
    assert list(found["runs"]) == ["sgd"]
    assert found["runs"]["sgd"]["columns"]["iteration"] == [0, 1]
    assert json.loads(Path("other.json").read_text(encoding="utf-8"))["runs"] == found["runs"]
    assert compare("--methods", "sgd", "--methods", "adam", "--iterations", 1, "--force").code == 0
    assert list(result()["runs"]) == ["sgd", "adam"]


def test_a_work_budget_ends_runs(compare):
    assert compare("--methods", "l-bfgs", "--iterations", 50, "--work-units", 4000).code == 0
    run = result()["runs"]["l-bfgs"]
    assert run["outcome"]["status"] == "stopped"
    work = run["columns"]["work_units"]
    assert work[-2] < 4000 <= work[-1]


def test_nothing_is_overwritten_without_force(compare):
    assert compare("--methods", "sgd").code == 0
    before = Path("out/compare.json").read_bytes()
    ran = compare("--methods", "adam")
    assert ran.refused
    assert "--force" in ran.err
    assert Path("out/compare.json").read_bytes() == before
    assert compare("--methods", "adam", "--force").code == 0
    assert list(result()["runs"]) == ["adam"]


def test_pictures_are_drawn_where_they_are_asked_for(compare):
    assert compare("--methods", "sgd").code == 0
    assert list(Path("out").glob("*.svg")) == []
    ran = compare("--methods", "sgd", "--plot", "--force")
    assert ran.code == 0, ran.err
    drawn = sorted(path.name for path in Path("out").glob("*.svg"))
    assert "compare-objective.svg" in drawn
    assert "out/compare-objective.svg" in ran.out


def test_progress_is_a_row_an_iteration(refms):
    Path("few.toml").write_text(TOML, encoding="utf-8")
    ran = refms("compare", "few.toml", "-o", "out", "--methods", "adam")
    rows = ran.err.splitlines()
    assert [re.match(r"run=adam iteration=(\d) objective=", row)[1] for row in rows] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (TOML + "learning_rte = 1\n", "unknown key in section [compare.adam] 'learning_rte'"),
        (TOML + "seed = -1\n", "[compare.adam] seed is -1; expected 0 or more"),
        (
            TOML.replace("0.05", '"fast"'),
            "[compare.adam] learning_rate is 'fast'; expected a value of type float",
        ),
        (TOML.replace("adam", "adm"), "'adm'"),
        (TOML.replace("channels = 2", "channels = 0"), "channels is 0"),
    ],
)
def test_bad_configurations_are_refused_with_key_value_and_what_was_expected(refms, toml, words):
    Path("few.toml").write_text(toml, encoding="utf-8")
    ran = refms("compare", "few.toml", "-o", "out")
    assert ran.refused
    assert words in ran.err
    assert not Path("out").exists()


def test_bad_words_are_refused(compare, refms):
    ran = compare("--methods", "adm")
    assert ran.refused
    assert "Did you mean 'adam'" in ran.err
    assert compare("--work-units", -1).refused
    Path("out").write_text("a file", encoding="utf-8")
    assert compare().refused
    assert refms("compare", "none.toml", "-o", "other").refused


def test_a_full_disk_leaves_nothing_behind(compare, full_disk):
    ran = compare("--methods", "sgd")
    assert ran.refused
    assert "the disk is full" in ran.err
    assert not Path("out").exists()


def test_nan_is_an_outcome_and_the_exit_code_one(compare, monkeypatch):
    def overflowing(*arguments, **scales):
        model = initial_model(*arguments, **scales)
        return model.with_arrays(W=model.arrays["W"] + np.float32(1e38))

    monkeypatch.setattr("refms.run.experiment.initial_model", overflowing)
    ran = compare()
    assert ran.code == 1, ran.err
    found = result()["runs"]
    assert {run["outcome"]["status"] for run in found.values()} == {"non_finite"}
    assert found["bcd"]["columns"]["objective"][0] is None


def test_ctrl_c_ends_after_an_iteration_and_writes_what_there_is(compare, monkeypatch):
    @contextmanager
    def pressed(*, quiet):
        yield lambda: True

    monkeypatch.setattr("refms.cli.compare.interruption", pressed)
    for iterations, status in ((2, "stopped"), (1, "iteration_limit")):  # nothing to stop in the last one
        assert compare("--iterations", iterations, "--force").code == 0
        found = result()["runs"]
        assert list(found) == ["bcd"]
        assert found["bcd"]["outcome"]["status"] == status
        assert found["bcd"]["columns"]["iteration"] == [0, 1]


def test_the_example_configurations_are_what_they_say():
    folder = Path(__file__).parents[2] / "validation/learning_across_scales"
    plan = Plan.from_toml(folder / "compare_digits.toml")
    assert plan.compare.methods == METHODS
    assert plan.configuration.data.dataset == "digits"
    assert len(points_of(Plan.from_toml(folder / "study_digits.toml"))) == 15
