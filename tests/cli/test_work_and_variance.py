"""`refms work` and `refms variance`: what a training costs, and whether several meshes pay."""

from __future__ import annotations

import pytest

from refms.model_file import load_model

PRINTED = [
    (("--estimator", "single", "--batches", "240", "--iterations", "2000"), 480_000),
    (("--estimator", "mge", "--levels", 4, "--batch", 16, "--iterations", "2000"), 74_000),
    (("--levels", 4, "--batch", 16, "--iterations", "2000"), 28_750),
    (("--levels", 4, "--batch", 16, "--iterations", "2000,2000,2000,2000"), 126_000),
    (("--estimator", "single", "--batches", "120", "--iterations", "250"), 30_000),
    (("--estimator", "mge", "--levels", 4, "--batch", 8, "--iterations", "250"), 4_625),
    (("--levels", 4, "--batch", 8, "--iterations", "250,250,250,250"), 7_875),
    (("--estimator", "mge", "--levels", 3, "--batch", 16, "--iterations", "2000"), 68_000),
    (("--levels", 3, "--batch", 16, "--iterations", "1000,500,250"), 19_500),
    (("--estimator", "mge", "--levels", 2, "--batch", 16, "--iterations", "2000"), 56_000),
    (("--levels", 2, "--batch", 16, "--iterations", "500"), 11_000),
]


@pytest.mark.parametrize(("words", "printed"), PRINTED)
def test_every_figure_of_work_that_the_paper_prints_comes_out(result, words, printed):
    found = result("work", *words)
    assert found["paper_units"] == printed
    assert found["work_units"] == 3 * printed


@pytest.mark.parametrize(
    ("batches", "evaluations"),
    [
        ("16,32,64,128,272", 752), ("16,32,64,400", 624), ("16,32,464", 560), ("16,496", 528), ("512", 512),
    ],
)  # fmt: skip
def test_evaluations_of_table_1(result, batches, evaluations):
    levels = batches.count(",") + 1
    found = result("work", "--estimator", "mge", "--levels", levels, "--batches", batches, "--iterations", 1)
    assert found["stages"][0]["loss_evaluations"] == evaluations


def test_batches_times_four_cost_nine_sixteenths(result):
    words = ("--estimator", "mge", "--levels", 2, "--iterations", 1)
    assert result("work", *words, "--batches", "16,64")["paper_units"] == 9 * 64 / 16


def test_pilots_are_counted_apart(result):
    words = ("--estimator", "mge", "--levels", 2, "--batch", 4, "--iterations", 250)
    found = result("work", *words, "--allocation", "optimal", "--renew", 100, "--pilot", 20)
    assert found["paper_units"] == 250 * (4 * 1.25 + 8 / 4)
    assert found["pilot_paper_units"] == 3 * 20 * 1.25


def test_pilots_cost_what_a_training_counts_for_allocations_and_measurements(digits, result):
    words = ("digits.toml", "--levels", 3, "--iterations", "5,7,4", "--measure", 4)
    words += ("--allocation", "optimal", "--renew", 3, "--pilot", 10)
    rows = result("reconstruct", *words, "-o", "run.h5")["history"]
    counted = rows[-1]["pilot_units"] + sum(row.get("measured_units", 0.0) for row in rows)
    assert result("work", *words)["pilot_paper_units"] == pytest.approx(counted / 3)


def test_a_plan_is_printed_for_people_and_a_bad_one_refused(refms):
    ran = refms("work", "--levels", 2, "--batch", 16, "--iterations", "500")
    assert ran.out.splitlines()[0].split() == [
        "level", "iterations", "batches", "#WU", "each", "#WU", "evaluations",
    ]  # fmt: skip
    assert ran.out.splitlines()[3].split() == ["all", "750", "11000", "33000"]
    assert refms("work", "--levels", 2, "--iterations", "1,2,3").refused


# Variance


def test_the_figures_of_a_model_and_their_sentence(digits, result):
    assert digits("reconstruct", "digits.toml", "-o", "run.h5", "--quiet").code == 0
    found = result("variance", "run.h5", "--pilot", 20)
    assert found["configuration"]["multiscale"]["levels"] == 2
    for row in found["levels"]:
        assert all(row[name][1] <= row[name][2] for name in ("V", "rho", "beta") if name in row)
    (fine, coarse), eta = found["levels"], found["efficiency"]
    assert "beta" not in coarse
    given = 2 * (1 + 1 / 4) + 4 / 4
    assert eta["given"][0] == pytest.approx(1 / given / (fine["V"][0] / 2 + coarse["V"][0] / 4))
    root = (fine["V"][0] * 1.25) ** 0.5 + (coarse["V"][0] / 4) ** 0.5
    assert eta["optimal"][0] == pytest.approx(1 / root**2)
    assert eta["given"][0] <= eta["optimal"][0] <= eta["regressed"][0]
    assert found["work_units"] == pytest.approx(3 * 20 * 1.25)
    pays = "2 levels pay" if eta["optimal"][0] > 1 else "no coarser mesh pays"
    assert pays in found["sentence"].lower()


def test_a_configuration_is_measured_at_its_start_whatever_its_estimator(digits, result):
    words = ("variance", "digits.toml", "--levels", 3)
    full, single = (result(*words, "--estimator", name) for name in ("full-multiscale", "single"))
    assert len(full["levels"]) == 3
    assert full["efficiency"] == single["efficiency"]


def test_a_model_of_a_coarse_stage_is_measured_from_its_mesh_on(digits, result, ctrl_c):
    ctrl_c(2)
    words = ("-o", "run.h5", "--quiet", "--levels", 3, "--iterations", 4)
    assert digits("reconstruct", "digits.toml", *words).code == 0
    assert load_model("run.h5").grid.shape == (2, 2)
    found = result("variance", "run.h5", "--levels", 3)
    assert [row["level"] for row in found["levels"]] == [2]
    assert found["efficiency"]["optimal"][0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("run.h5", "--task", "deblur"), "was trained for the task 'denoise'"),
        (("run.h5", "--option", "width=8"), "holds another network"),
        (("coarse.h5",), "was not trained to restore images"),
        (("run.h5", "--pilot", 3), "a pilot of 3 example(s)"),
        (("run.h5", "--pilot", 41), "more than the 40 training images"),
        (("run.h5", "--levels", 5, "--batch", 1), "multiples of 16"),
        (("missing.toml",), "missing.toml"),
    ],
)
def test_what_cannot_be_measured_is_refused(digits, words, sentence):
    assert digits("reconstruct", "digits.toml", "-o", "run.h5", "--quiet").code == 0
    ran = digits("variance", *words)
    assert ran.refused
    assert sentence in ran.err
