"""The experiment on the classifiers of eq. (5): every loss and pooling, resumed, and its section."""

import importlib
import json
from pathlib import Path

import pytest
import results

from refms.errors import InputError
from refms.io import read_artifact
from refms.names import LOSSES

FOLDER = Path(__file__).resolve().parents[2] / results.FOLDER
TINY = """
[data]
train = 100
validation = 50
size = 4
[network]
channels = 2
[optimization]
iterations = 1
[experiment]
poolings = [1, 0]
seeds = [0, 3]
"""


@pytest.fixture
def experiment(monkeypatch, tmp_path):
    """Run the experiment in a folder that holds a small configuration."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    Path("classifiers.toml").write_text(TINY, encoding="utf-8")
    module = importlib.import_module("classifiers")
    return lambda *words: module.main(["classifiers.toml", "-o", "out", *words])


def test_every_classifier_is_trained_and_told_and_nothing_twice(experiment, capsys):
    assert experiment() == 0
    result = json.loads(Path("out/classifiers.json").read_text(encoding="utf-8"))
    assert [(row["loss"], row["pooling"]) for row in result["rows"]] == [
        (loss, pooling) for loss in LOSSES for pooling in (1, 0)
    ]
    for row in result["rows"]:
        assert row["parameters"] == 10 * (2 * (1 if row["pooling"] == 0 else 16) + 1)
        assert len(row["accuracy"]["values"]) == 2
        assert 0.05 < row["accuracy"]["mean"] <= row["best accuracy"]["mean"] <= 1
    by = {(row["loss"], row["pooling"]): row["accuracy"]["mean"] for row in result["rows"]}
    assert all(by[loss, 1] > 0.5 for loss in LOSSES)
    curves = read_artifact(Path("out/classifiers.h5")).arrays
    assert len(curves["seed3/logistic/0/validation_accuracy"]) == 2
    capsys.readouterr()
    assert experiment("--force") == 0
    assert capsys.readouterr().out.count(": found in out") == 16


def test_the_section_has_a_row_for_each(experiment):
    experiment("--seeds", "1")
    result = {**json.loads(Path("out/classifiers.json").read_text(encoding="utf-8")), "name": "tiny"}
    section = results.section(result)
    assert section.startswith("## Classifiers of eq. (5): `tiny.json`")
    assert "classifiers.toml --seeds 1 -o OUT" in section
    assert "100 / 50 images for training / validation on 4×4 cells" in section
    assert section.count("\n| ") == 1 + 2 * len(LOSSES)
    for loss in LOSSES:
        assert f"| {loss} | none | 330 |" in section
        assert f"| {loss} | whole mesh | 30 |" in section


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("poolings = [1, 0]", "poolings = [-1]", "poolings is"),
        ("poolings = [1, 0]", "poolings = [3]", "does not divide the mesh"),
        ("poolings = [1, 0]", 'losses = ["hinge"]', "Did you mean 'smooth-hinge'"),
        ("seeds = [0, 3]", "seeds = [1, 1]", "different numbers"),
    ],
)
def test_what_cannot_be_is_refused(experiment, old, new, words):
    Path("classifiers.toml").write_text(TINY.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        experiment()
