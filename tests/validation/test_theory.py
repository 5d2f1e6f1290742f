"""The theory of [MST] as an experiment: a small run, its numbers on the page, and what is refused."""

import json

import numpy as np
import pytest
import theory
from mathematics.efficiency import largest_share
from results import theory_page

TOML = """[experiment]
line = 256
square = 64
draws = 1
datasets = ["photographs", "imagenette96"]
images = 2
sigmas = [0.5]
width = 4
edge = 16
levels = 2
steps = 4
batch = 2
examples = 8
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("theory")
    (folder / "c.toml").write_text(TOML)
    assert theory.main([str(folder / "c.toml"), "--data-dir", str(folder), "-o", str(folder)]) == 0
    return json.loads((folder / "theory.json").read_text()), folder


def test_data_sets_without_files_are_left_out(run):
    assert [*run[0]["datasets"]] == ["photographs"]


def test_every_bound_holds_and_every_telescope_is_the_small_batch(run):
    result = run[0]
    assert all(row["difference"] <= row["bound"] for row in result["bounds"])
    assert len(result["bounds"]) == 2 * 2 * 6
    rows = result["datasets"]["photographs"]["efficiency"]
    assert len(rows) == 8
    assert all(row["telescope"] < 30 for row in rows)
    assert {row["paying"] for row in rows} <= {1, 2}


def test_what_one_example_adds_to_a_variance():
    gradients = np.random.default_rng(0).standard_normal((5, 3)) * [[1], [1], [9], [1], [1]]
    squares = ((gradients - gradients.mean(axis=0)) ** 2).sum(axis=1)
    assert largest_share(gradients @ gradients.T) == pytest.approx(squares.max() / squares.sum(), abs=1e-6)


def test_orders_are_those_of_the_lemma(run):
    orders = {row["title"]: row["order"] for row in run[0]["lemma_1"]["line"]}
    assert orders["one convolution, kept"] == pytest.approx(1.0, abs=0.4)
    assert orders["one convolution, averaging-bilinear"] == pytest.approx(2.0, abs=0.1)


def test_the_page_has_the_numbers_and_the_picture_is_there(run, monkeypatch):
    result, folder = run
    (folder / "results").mkdir()
    (folder / "results" / "theory.json").write_text(json.dumps(result))
    monkeypatch.setattr(theory_page, "FOLDER", folder)
    page = theory_page.text()
    row = result["datasets"]["photographs"]["efficiency"][-1]
    assert f"| {row['case']} | {' '.join(f'{V:.3f}' for V in row['terms'])} |" in page
    assert (folder / "theory.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("line = 300", "line is 300; expected a power of two"),
        ('datasets = ["nothing"]', "dataset"),
        ("images = 0", "images must be 1 or more"),
        ("examples = 3", "expected 8 or more"),
        ("sigmas = [-1.0]", "sigmas 0 or more"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_written(tmp_path, line, told):
    (tmp_path / "c.toml").write_text(f"[experiment]\n{line}\n")
    with pytest.raises(theory.InputError, match=told):
        theory.main([str(tmp_path / "c.toml"), "-o", str(tmp_path / "out")])
    assert not [*(tmp_path / "out").glob("*")]
