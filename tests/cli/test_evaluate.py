"""`refms evaluate`: accuracy and loss on the images that the model's training set aside, or on others."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from small_nets import HAS_MNIST

from refms.data.dataset import one_hot, split
from refms.data.digits import load_digits
from refms.io import Artifact, write_artifact
from refms.model import score
from refms.model_file import load_model, model_artifact, save_model
from refms.objective.reading import Classes
from refms.stencils.transfer import transfer_pair


def expected(model, part):
    dataset = load_digits()
    if part != "all":
        dataset = split(dataset, 200, 100, 0)[part == "validation"]
    return score(model, model.prepare(dataset), one_hot(dataset.labels, 10, model.dtype))


@pytest.mark.parametrize(("part", "count"), [("validation", 100), ("train", 200), ("all", 1797)])
def test_the_score_of_each_part(result, part, count):
    found = result("evaluate", "coarse.h5", "--part", part)
    model = load_model("coarse.h5")
    assert (found["accuracy"], found["loss"]) == (expected(model, part).accuracy, expected(model, part).loss)
    assert found["examples"] == count
    assert (found["grid"], found["dataset"], found["part"]) == ([4, 4], "digits", part)


def test_the_validation_part_is_the_one_that_the_training_measured(result):
    trained = result("train", "--size", 4, "--train", 50, "--validation", 40, "--iterations", 1, "--quiet")
    for part in ("train", "validation"):
        found = result("evaluate", "model.h5", "--part", part)
        assert {key: found[key] for key in trained[part]} == trained[part]


def test_it_is_printed_for_people(refms):
    ran = refms("evaluate", "coarse.h5", "--dataset", "digits", "--size", 4)
    assert ran.code == 0
    assert re.fullmatch(
        r"coarse\.h5: grid \(4, 4\), validation part of digits, 100 images: accuracy \d\.\d{4}, "
        r"loss \d+\.\d{4}\n",
        ran.out,
    )


def test_at_another_size_it_says_what_to_do_and_that_works(refms):
    ran = refms("evaluate", "coarse.h5", "--size", 8)
    assert ran.refused
    assert "grid (4, 4), not on size 8" in ran.err
    words = re.search(r"refms (transfer \S+ --to 8 -o) OUT", ran.err)[1].split()
    assert refms(*words, "moved.h5").code == 0
    assert refms("evaluate", "moved.h5", "--size", 8).code == 0


def test_images_coarser_than_the_model_say_what_to_do(refms):
    assert refms("transfer", "fine.h5", "--to", 16, "-o", "finer.h5").code == 0
    ran = refms("evaluate", "finer.h5")
    assert ran.refused
    assert "(refms transfer --to)" in ran.err
    assert "refms evaluate --interpolate" in ran.err


def test_images_coarser_than_the_model_are_interpolated_where_that_is_asked_for(refms, result):
    assert refms("transfer", "fine.h5", "--to", 16, "-o", "finer.h5").code == 0
    found = result("evaluate", "finer.h5", "--interpolate")
    assert (found["grid"], found["interpolated"], found["examples"]) == ([16, 16], True, 100)
    assert not result("evaluate", "fine.h5", "--interpolate")["interpolated"]
    model, part = load_model("finer.h5"), split(load_digits(), 200, 100, 0)[1]
    P = transfer_pair(model.preprocessing.pair).prolongation_matrix(model.grid, dtype=model.dtype)
    X = P @ load_model("fine.h5").prepare(part)
    assert score(model, X, one_hot(part.labels, 10, model.dtype)).loss == pytest.approx(found["loss"])


def test_smoothing_replaces_that_of_the_training(result):
    plain, smooth = (result("evaluate", "coarse.h5", "--smoothing", sigma) for sigma in (0, 1.5))
    assert plain["loss"] == result("evaluate", "coarse.h5")["loss"]
    assert smooth["smoothing"] == 1.5
    assert smooth["loss"] != plain["loss"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--part", "test"), "the digits have no separate test part"),
        (("--smoothing", "nan"), "smoothing is nan"),
        (("--smoothing", "-1"), "0 or more cells"),
        (("--dataset", "mnist", "--data-dir", "missing"), "is not a folder"),
    ],
)
def test_what_does_not_fit_is_refused(refms, words, expected):
    ran = refms("evaluate", "coarse.h5", *words)
    assert ran.refused
    assert expected in ran.err


def test_another_number_of_classes_is_told(refms):
    model = load_model("coarse.h5")
    fewer = {"W": model.arrays["W"][:, :3].copy(), "mu": model.arrays["mu"][:3].copy()}
    save_model("three.h5", replace(model, arrays={**model.arrays, **fewer}, reading=Classes(3)))
    ran = refms("evaluate", "three.h5")
    assert ran.refused
    assert "'digits' has 10 classes, the model 3" in ran.err


def test_a_model_that_was_not_trained_here_is_evaluated_on_the_default_split(result):
    save_model("plain.h5", replace(load_model("coarse.h5"), record={}))
    assert result("evaluate", "plain.h5")["examples"] == 300


@pytest.mark.parametrize(
    "record", [[1], "x", {"configuration": 3}, {"configuration": {"data": {"sise": 4}}}], ids=repr
)
def test_a_record_that_makes_no_sense_is_a_sentence(refms, record):
    stored = model_artifact(load_model("coarse.h5"))
    write_artifact("odd.h5", Artifact("model", {**stored.attributes, "record": record}, stored.arrays))
    assert refms("evaluate", "odd.h5").refused


def test_logits_that_overflow_give_no_nan_in_json_and_no_warning(result):
    model = load_model("coarse.h5")
    save_model("hot.h5", replace(model, architecture=replace(model.architecture, final_time=1e38)))
    assert result("evaluate", "hot.h5")["loss"] is None


@pytest.mark.skipif(not HAS_MNIST, reason="REFMS_DATA names no mnist/")
def test_the_test_part_of_mnist(result):
    few = ("--train", 100, "--validation", 50, "--channels", 1, "--iterations", 1, "--quiet")
    result("train", "--dataset", "mnist", "--size", 7, *few)
    found = result("evaluate", "model.h5", "--part", "test")
    assert (found["dataset"], found["examples"]) == ("mnist test", 10_000)
