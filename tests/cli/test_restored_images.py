"""`refms evaluate` and `refms plot` know models that restore images; commands for classifiers refuse them."""

from __future__ import annotations

from pathlib import Path

import pytest

from refms.model_file import load_model

TRAIN = ("reconstruct", "digits.toml", "-o", "run.h5", "--quiet")


def test_the_validation_part_is_the_one_that_the_training_measured(digits, result):
    trained = result(*TRAIN)
    found = result("evaluate", "run.h5")
    assert {key: found[key] for key in trained["validation"]} == trained["validation"]
    assert (found["task"], found["dataset"], found["part"]) == ("denoise", "digits", "validation")
    assert result("evaluate", "run.h5", "--part", "train")["examples"] == 40
    assert result("evaluate", "run.h5", "--part", "all")["examples"] == 1797


def test_holes_are_scored_apart_and_printed(digits):
    assert digits(*TRAIN, "--task", "inpaint").code == 0
    ran = digits("evaluate", "run.h5")
    assert "inpaint on grid (8, 8), validation part of digits, 6 images" in ran.out
    assert "dB in holes" in ran.out


def test_a_model_moves_to_a_finer_mesh_and_is_evaluated_there(digits, result):
    assert digits(*TRAIN, "--size", 4).code == 0
    assert digits("transfer", "run.h5", "--to", 8, "--stencils", "keep", "-o", "fine.h5", "--force").code == 0
    found = result("evaluate", "fine.h5")
    assert found["grid"] == [8, 8]


def test_a_model_of_a_coarse_stage_is_evaluated_on_its_mesh(digits, result, ctrl_c):
    ctrl_c(2)
    trained = result(*TRAIN)
    found = result("evaluate", "run.h5")
    assert found["grid"] == [4, 4]
    assert {key: found[key] for key in trained["validation"]} == trained["validation"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("inspect", "run.h5", "-o", "out"), "restores images, and has no classes"),
        (("evaluate", "run.h5", "--smoothing", 1.0), "are for models that classify"),
        (("plot", "run.h5", "--image", "0", "-o", "out"), "no model here classifies; leave it out"),
        (("evaluate", "run.h5", "--part", "test"), "no separate test part"),
        (("evaluate", "run.h5", "--dataset", "photographs"), "channels"),
    ],
)
def test_what_does_not_fit_is_refused(digits, words, sentence):
    assert digits(*TRAIN).code == 0
    ran = digits(*words)
    assert ran.refused
    assert sentence in ran.err


def test_pictures_of_a_model_that_restores_images(digits, result):
    assert digits(*TRAIN, "--measure", 2).code == 0
    found = result("plot", "run.h5", "--format", "png", "-o", "pictures", "--html", "page.html")
    assert sorted(found["figures"]) == ["restoration-history", "restored", "stencils"]
    assert sorted(path.name for path in Path("pictures").glob("*.png")) == [
        "restoration-history.png", "restored.png", "stencils.png",
    ]  # fmt: skip
    assert "PSNR" in Path("page.html").read_text(encoding="utf-8")


def test_both_kinds_of_model_are_drawn_together(digits, result):
    assert digits(*TRAIN).code == 0
    found = result("plot", "run.h5", "coarse.h5", "-o", "pictures")
    assert {"history", "restoration-history", "restored", "weights", "activations-coarse"} <= set(
        found["figures"]
    )
    assert load_model("run.h5").record["finest_mesh"] == [8, 8]
