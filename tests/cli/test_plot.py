"""`refms plot`: pictures and a page as files that replace nothing unasked, sentences for what is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import plot_samples
import pytest
import scipy.sparse
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
        (("even.npy",), "refms plot matrix even.npy"),
        (("coarse.h5", "complex.npz"), "refms plot matrix complex.npz"),
        (("coarse.h5", "--grid", "4"), "--grid belongs to matrix, symbol, pair, hierarchy"),
        (("symbol", "--grid", "4"), "--grid says nothing about symbol"),
        (("matrix", "--levels", "4"), "--levels says nothing about matrix"),
        (("matrix", "complex.npz", "--pair", "nearest"), "--pair says nothing about the matrix in a file"),
        (("hierarchy", "coarse.h5", "--levels", "2"), "--levels says nothing about models"),
        (("symbol", "complex.npz"), "holds no symbol; expected the .h5 file"),
        (("pair", "--grid", "3x4"), "expected one number"),
        (("pair", "--grid", "1000000"), "256 rows and columns at most"),
        (("matrix", "--grid", "5"), "cannot be coarsened"),
        (("matrix", "--grid", "100000"), "256 rows and columns at most"),
        (("matrix", "coarse.h5"), "unknown kind 'model'"),
        (("matrix", "text.txt"), "no .npy file"),
        (("matrix", "text.mtx"), "'text.mtx' starts with b'hello'"),
        (("matrix", "complex.npz"), "complex entries"),
        (("matrix", "even.npy"), "expected finite stencils of odd sizes"),
        (("symbol", "nan.npy"), "expected finite stencils of odd sizes"),
        (("symbol", "coarse.h5"), "unknown kind 'model'"),
        (("symbol", "nan.npy", "even.npy"), "2 files were given"),
        (("pair", "nearst"), "Did you mean 'nearest'"),
        (("pair", "nearest", "--pair", "nearest"), "named twice"),
        (("hierarchy", "--levels", "0"), "--levels is 0"),
        (("hierarchy", "coarse.h5", "coarse.h5"), "given twice"),
        (("hierarchy", "coarse.h5", "again.h5"), "two models are on the mesh (4, 4)"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_nothing_is_written(refms, compared, words, sentence):
    Path("other.json").write_text('{"kind": "comprae"}', encoding="utf-8")
    Path("wrong.json").write_text('{"kind": "compare", "runs": 3}', encoding="utf-8")
    Path("text.txt").write_text("hello", encoding="utf-8")
    Path("text.mtx").write_text("hello", encoding="utf-8")
    scipy.sparse.save_npz("complex.npz", scipy.sparse.csr_array(1j * np.eye(2)))
    np.save("even.npy", np.ones((2, 3)))
    np.save("nan.npy", np.full((3, 3), np.nan))
    shutil.copy("coarse.h5", "again.h5")
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


@pytest.mark.parametrize("what", ["matrix", "symbol", "pair", "hierarchy"])
def test_an_operator_is_drawn_with_a_caption_and_a_page(refms, what):
    np.save("s.npy", np.random.default_rng(0).standard_normal((3, 3)))
    file = [] if what == "pair" else ["s.npy"]
    ran = refms("plot", what, *file, "-o", "pictures", "--html", "page.html")
    assert ran.code == 0, ran.err
    assert names("pictures") == [f"{what}.svg"]
    assert ran.out.splitlines()[-2:] == [f"pictures/{what}.svg", "page.html"]
    read = Read(Path("page.html").read_text(encoding="utf-8"))
    assert read.tags.count("img") == 1
    if what != "hierarchy":
        assert ran.out.splitlines()[0] in " ".join(" ".join(read.text).split())


def test_without_a_file_the_stencil_is_example_1_and_options_reach_the_picture(refms):
    pictures = {}
    np.save("s.npy", np.array([[-0.89, -2.03, 4.30], [-2.07, 0.00, -2.07], [4.39, -2.03, 1.28]]))
    for key, words in {
        "": (),
        "file": ("s.npy",),
        "pair": ("--pair", "nearest"),
        "grid": ("--grid", "2"),
    }.items():
        assert refms("plot", "matrix", *words, "-o", f"of{key}").code == 0
        pictures[key] = Path(f"of{key}", "matrix.svg").read_bytes()
    assert pictures[""] == pictures["file"]
    assert len(set(pictures.values())) == 3


def test_a_hierarchy_of_models_is_printed_level_by_level(refms):
    ran = refms("plot", "hierarchy", "coarse.h5", "fine.h5")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "2 levels, operator complexity 1.25, grid complexity 1.25"
    assert [line.split()[1] for line in lines[2:4]] == ["8×8", "4×4"]
    assert lines[-1] == "hierarchy-plots/hierarchy.svg"


@pytest.mark.parametrize("file", ["K.h5", "K.npz", "K.mtx"])
def test_the_matrix_of_a_file_is_drawn(refms, file):
    assert refms("matrix", "conv", "--grid", 3, "-o", file).code == 0
    ran = refms("plot", "matrix", file)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("K has 1 rows, 9 columns and 9 entries")


def test_the_symbol_of_a_file_is_drawn_where_there_is_one(refms):
    words = ("--grid", "4x6", "--padding", "same", "-o")
    assert refms("matrix", "conv", *words, "C.h5", "--padding-mode", "circular").code == 0
    assert refms("matrix", "conv", *words, "Z.h5").code == 0
    ran = refms("plot", "symbol", "C.h5")
    assert ran.code == 0, ran.err
    assert "at its 24 frequencies" in ran.out
    ran = refms("plot", "symbol", "Z.h5")
    assert ran.refused
    assert "holds no symbol" in ran.err
