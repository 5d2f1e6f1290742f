"""`refms plot`: pictures and a page as files that replace nothing unasked, sentences for what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import plot_samples
import pytest
from web_pages import Read


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.fixture
def compared():
    """Write a small comparison into the folder of the test."""
    runs = {"bcd": plot_samples.run(0.5)}
    Path("runs.json").write_text(json.dumps({**plot_samples.comparison(), "runs": runs}), encoding="utf-8")


def test_a_model_becomes_a_folder_of_pictures(refms):
    ran = refms("plot", "coarse.h5")
    assert ran.code == 0, ran.err
    expected = ["activations.svg", "history.svg", "stencils.svg", "weights.svg"]
    assert names("coarse-plots") == expected
    assert sorted(ran.out.split()) == [f"coarse-plots/{name}" for name in expected]
    assert Path("coarse-plots/history.svg").read_bytes().startswith(b"<?xml")


def test_two_models_are_drawn_together_on_one_page(refms):
    words = ("--image", "disk", "--only", "weights,coarse-against-fine", "--html", "page.html")
    ran = refms("plot", "coarse.h5", "fine.h5", *words)
    assert ran.code == 0, ran.err
    assert names(".") == ["coarse.h5", "fine.h5", "page.html"]
    read = Read(Path("page.html").read_text(encoding="utf-8"))
    assert read.tags.count("img") == 2
    text = " ".join(read.text)
    for words in ("coarse", "4×4", "8×8", "configuration.network.channels", "versions.numpy"):
        assert words in text


def test_a_result_is_drawn_and_told_as_json(refms, compared):
    words = ("-o", "pictures", "--format", "png", "--html", "page.html", "--json", "said.json")
    assert refms("plot", "runs.json", *words).code == 0
    assert names("pictures") == ["accuracy.png", "gradient.png", "loss.png", "objective.png"]
    said = json.loads(Path("said.json").read_text(encoding="utf-8"))
    assert said["figures"] == ["objective", "accuracy", "gradient", "loss"]
    assert said["files"] == [f"pictures/{name}.png" for name in said["figures"]] + ["page.html"]


def test_the_image_is_the_one_asked_for(refms):
    pictures = {}
    for image in ("0", "1", "disk", "delta"):
        ran = refms("plot", "fine.h5", "--only", "activations", "--image", image, "-o", image)
        assert ran.code == 0, ran.err
        pictures[image] = Path(image, "activations.svg").read_bytes()
    assert len(set(pictures.values())) == 4
    assert refms("plot", "fine.h5", "--only", "activations", "-o", "default").code == 0
    assert Path("default/activations.svg").read_bytes() == pictures["0"]


def test_without_the_data_the_activations_are_left_out_and_that_is_said(refms, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    ran = refms("plot", "coarse.h5", "--only", "stencils")
    assert ran.code == 0
    assert "no activations of coarse" in ran.err
    assert "--image disk needs no data" in ran.err
    assert refms("plot", "coarse.h5", "--image", "0", "--force").refused
    assert refms("plot", "coarse.h5", "--image", "disk", "--only", "activations").code == 0


def test_nothing_is_replaced_without_force(refms, compared):
    only = ("--only", "objective")
    assert refms("plot", "runs.json", *only).code == 0
    target = Path("runs-plots/objective.svg")
    target.write_text("of somebody else", encoding="utf-8")
    ran = refms("plot", "runs.json", "--only", "objective,accuracy")
    assert ran.refused
    assert "--force" in ran.err
    assert target.read_text(encoding="utf-8") == "of somebody else"
    assert names("runs-plots") == ["objective.svg"]  # not even the other one
    Path("page.html").write_text("of somebody else", encoding="utf-8")
    assert refms("plot", "runs.json", "--html", "page.html").refused
    assert Path("page.html").read_text(encoding="utf-8") == "of somebody else"
    assert refms("plot", "runs.json", *only, "--force").code == 0
    assert target.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("missing.h5",), "cannot be read"),
        (("coarse.h5", "runs.json"), "models are drawn together, each result alone"),
        (("runs.json", "runs.json"), "each result alone"),
        (("coarse.h5", "coarse.h5"), "given twice"),
        (("coarse.h5", "--only", "histroy"), "Did you mean 'history'"),
        (("coarse.h5", "--image", "-1"), "expected a number 0, 1, … or delta or disk"),
        (("coarse.h5", "--image", "9" * 5000), "expected a number 0, 1, … or delta or disk"),
        (("coarse.h5", "--channels", "9" * 5000), "expected numbers such as 0,2"),
        (("coarse.h5", "--image", "100"), "expected 0 to 99"),
        (("coarse.h5", "--channels", "a"), "expected numbers such as 0,2"),
        (("coarse.h5", "--channels", "3"), "channel is 3; expected 0 to 2"),
        (("coarse.h5", "-o", "fine.h5"), "is no folder"),
        (("coarse.h5", "-o", "no/where"), "create it first"),
        (("coarse.h5", "--html", "no/where.html"), "create it first"),
        (("other.json",), "Did you mean 'compare'"),
        (("wrong.json",), "'wrong.json': runs is 3"),
        (("text.txt",), "not valid JSON"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_nothing_is_written(refms, compared, words, sentence):
    Path("other.json").write_text('{"kind": "comprae"}', encoding="utf-8")
    Path("wrong.json").write_text('{"kind": "compare", "runs": 3}', encoding="utf-8")
    Path("text.txt").write_text("hello", encoding="utf-8")
    before = names(".")
    ran = refms("plot", *words)
    assert ran.refused, ran.err
    assert sentence in ran.err
    assert names(".") == before


def test_without_matplotlib_it_says_what_to_install(refms):
    program = "import sys; sys.modules['matplotlib'] = None; from refms.cli.main import run; run()"
    ran = subprocess.run(
        [sys.executable, "-c", program, "plot", "coarse.h5"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("refms: pictures are drawn by matplotlib, which cannot be imported")
    assert ran.stderr.count("\n") == 1
    assert "pip install 'refms[plot]'" in ran.stderr


def test_a_full_disk_leaves_no_half_picture_and_no_folder(refms, compared, full_disk):
    ran = refms("plot", "runs.json", "--only", "objective", "-o", "pictures")
    assert ran.refused
    assert "the disk is full" in ran.err
    assert not Path("pictures").exists()
