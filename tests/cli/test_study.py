"""`refms study`: every value with every seed, and none of them twice."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import pytest

from refms.io.reading import read_artifact
from refms.run import compare as command
from refms.run.compare import run_method

TOML = """
[data]
train = 60
validation = 30
size = 4
[network]
channels = 2
[optimization]
iterations = 1
[study]
parameter = "optimization.hessian_fraction"
values = [0.1, 1.0]
seeds = [0, 1]
"""


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """Let matplotlib seem to be missing, so that pictures are drawn where they are asked for alone."""
    monkeypatch.setattr("refms.cli.result_folder.can_draw", lambda: False)


@pytest.fixture
def runs(monkeypatch):
    """Names of the runs that were made."""
    made = []

    def counted(bench, name, plan, *rest):
        made.append((name, plan.configuration.optimization.hessian_fraction, plan.configuration.network.seed))
        return run_method(bench, name, plan, *rest)

    monkeypatch.setattr(command, "run_method", counted)
    return made


@pytest.fixture
def study(refms):
    """Run a study of a configuration."""

    def run(*words, toml=TOML):
        Path("few.toml").write_text(toml, encoding="utf-8")
        return refms("study", "few.toml", "-o", "out", "--quiet", *words)

    return run


def result():
    return json.loads(Path("out/study.json").read_text(encoding="utf-8"))


def test_a_row_is_written_for_each_value_and_seed(study, runs):
    ran = study()
    assert ran.code == 0, ran.err
    found = result()
    assert (found["kind"], found["parameter"]) == ("study", "optimization.hessian_fraction")
    assert list(found["runs"]) == ["0.1|0", "0.1|1", "1.0|0", "1.0|1"]
    assert runs == [("bcd", 0.1, 0), ("bcd", 0.1, 1), ("bcd", 1.0, 0), ("bcd", 1.0, 1)]
    for name, run in found["runs"].items():
        assert f"{run['value']}|{run['seed']}" == name
        assert run["columns"]["iteration"] == [0, 1]
    # seeds change the start, values do not
    starts = [run["columns"]["objective"][0] for run in found["runs"].values()]
    assert starts[0] == starts[2] != starts[1] == starts[3]
    lines = ran.out.splitlines()
    assert lines[1].split()[:2] == ["0.1", "2"]
    assert lines[1].count("±") == 6


def test_pictures_are_drawn_where_they_are_asked_for(study):
    ran = study("--plot", toml=TOML.replace("[0, 1]", "[0]"))
    assert ran.code == 0, ran.err
    assert {path.name for path in Path("out").glob("*.svg")} == {"study-final.svg", "study-curves.svg"}


def test_json_on_standard_output_is_one_text(study):
    ran = study("--json", "-")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["runs"] == result()["runs"]


def test_the_table_has_mean_and_standard_deviation(study):
    ran = study()
    ends = [
        run["columns"]["objective"][-1] for name, run in result()["runs"].items() if name.startswith("0.1|")
    ]
    mean, half = sum(ends) / 2, abs(ends[0] - ends[1]) / 2**0.5
    assert f"{mean:.5f} ± {half:.5f}" in ran.out


def test_the_arrays_are_in_an_artefact(study):
    assert study().code == 0
    artifact = read_artifact("out/study.h5")
    names = artifact.attributes["index"]
    for i, name in enumerate(names):
        assert (
            artifact.arrays[f"{i:04d}/objective"].tolist() == result()["runs"][name]["columns"]["objective"]
        )


def test_what_is_there_is_not_run_again(study, runs):
    assert study().code == 0
    first = result()["runs"]
    runs.clear()
    assert study().code == 0
    assert runs == []
    assert study(toml=TOML.replace("[0.1, 1.0]", "[0.5, 0.1]")).code == 0
    assert runs == [("bcd", 0.5, 0), ("bcd", 0.5, 1)]
    assert {name: result()["runs"][name] for name in first} == first


def test_an_interrupted_study_goes_on_where_it_stopped(study, runs, monkeypatch):
    def dies(bench, name, plan, *rest):
        if len(runs) == 2:
            raise KeyboardInterrupt
        runs.append(plan.configuration.optimization.hessian_fraction)
        return run_method(bench, name, plan, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(command, "run_method", dies)
        assert study().code == 130
    assert len(result()["runs"]) == 2
    runs.clear()
    assert study().code == 0
    assert len(runs) == 2
    whole = result()["runs"]
    assert study("--force").code == 0
    again = result()["runs"]
    for name, run in whole.items():
        assert run["columns"]["objective"] == again[name]["columns"]["objective"]


def test_another_configuration_is_refused_unless_force_says_so(study, runs):
    assert study().code == 0
    ran = study(toml=TOML.replace("channels = 2", "channels = 3"))
    assert ran.refused
    assert "network.channels = 2, not 3" in ran.err
    assert study(toml=TOML.replace("hessian_fraction", "cg_tolerance").replace("1.0", "0.5")).refused
    assert study("--force", toml=TOML.replace("channels = 2", "channels = 3")).code == 0
    assert len(runs) == 8


@pytest.mark.parametrize(("iterations", "kept"), [(1, ["0.1|0"]), (2, [])])
def test_ctrl_c_loses_no_run_that_was_in_its_last_iteration(study, monkeypatch, iterations, kept):
    @contextmanager
    def pressed(*, quiet):
        yield lambda: True

    monkeypatch.setattr("refms.cli.study.interruption", pressed)
    assert study(toml=TOML.replace("iterations = 1", f"iterations = {iterations}")).code == 0
    assert list(result()["runs"]) == kept


def _spoilt(run):
    return json.dumps({"kind": "study", "parameter": "optimization.hessian_fraction", "runs": {"0.1|0": run}})


COLUMNS_ALONE = {"columns": {name: [0.0] for name in command.COLUMNS}}


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"kind": "compare"}',
        '{"kind": "study", "runs": 3}',
        _spoilt(3),
        _spoilt({}),
        _spoilt(COLUMNS_ALONE),
        _spoilt(
            {**COLUMNS_ALONE, "train": 3, "validation": 3, "configuration": {}, "outcome": {}, "value": 0}
        ),
    ],
)
def test_files_that_are_no_study_are_refused(study, content):
    Path("out").mkdir()
    Path("out/study.json").write_text(content, encoding="utf-8")
    ran = study()
    assert ran.refused
    assert Path("out/study.json").read_text(encoding="utf-8") == content


def test_a_value_is_shown_in_one_line_without_what_a_terminal_would_obey(study):
    toml = TOML.replace('"optimization.hessian_fraction"', '"data.dataset"')
    ran = study(toml=toml.replace("[0.1, 1.0]", r'["digits", "a\u001b[2J\nPASS"]'))
    assert ran.refused
    assert r"\x1b[2J\nPASS" in ran.err


def test_methods_and_their_options_may_be_varied(study):
    block_split = TOML.replace('"optimization.hessian_fraction"', '"study.method"').replace(
        "[0.1, 1.0]", '["joint", "varpro"]'
    )
    assert study(toml=block_split).code == 0
    assert list(result()["runs"]) == ["joint|0", "joint|1", "varpro|0", "varpro|1"]
    rates = TOML.replace("optimization.hessian_fraction", "compare.adam.learning_rate") + 'method = "adam"\n'
    assert study("--force", toml=rates).code == 0
    ends = [run["columns"]["objective"][-1] for run in result()["runs"].values()]
    assert ends[0] != ends[2]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (TOML.replace("[0.1, 1.0]", "[0.1, 2.0]"), "hessian_fraction is 2.0; expected a number in (0, 1]"),
        (TOML.replace("hessian_fraction", "hessian_fractions"), "Did you mean 'hessian_fraction'"),
        (TOML.partition("[study]")[0], "section [study] is missing"),
        (TOML.replace("values", "value"), "Did you mean 'values'"),
    ],
)
def test_bad_studies_are_refused_before_anything_is_run(study, runs, toml, words):
    ran = study(toml=toml)
    assert ran.refused
    assert words in ran.err
    assert runs == []
    assert not Path("out").exists()
