"""`refms train`: from a configuration or options to one model file, with a row for every iteration."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from small_nets import HAS_MNIST

from refms.data.digits import load_digits
from refms.model_file import load_model
from refms.run.checkpoint_files import CheckpointFiles
from refms.run.config import Configuration
from refms.run.experiment import split_by
from refms.run.training import problem_of, train

QUICK = ("--size", 4, "--train", 100, "--validation", 50, "--channels", 2, "--iterations", 2)

TOML = """
[data]
size = 4
train = 100
validation = 50
smoothing = 0.5
[network]
channels = 2
layers = 3
[optimization]
iterations = 2
dtype = "float64"
"""


def test_the_result_says_what_was_asked_for_and_what_came_out(result):
    found = result("train", *QUICK, "-o", "new.h5")
    model = load_model("new.h5")
    assert found["model"] == "new.h5"
    assert found["grid"] == [4, 4] == list(model.grid.shape)
    assert found["configuration"] == model.record["configuration"]
    assert found["configuration"]["network"]["channels"] == 2
    assert (found["train"]["examples"], found["validation"]["examples"]) == (100, 50)
    assert found["train"]["accuracy"] > 0.5
    assert found["outcome"]["status"] == "iteration_limit"
    assert [row["iteration"] for row in found["history"]] == [1, 2]
    for row in found["history"]:
        assert {"objective", "validation_accuracy", "validation_loss"} <= set(row)
    assert found["history"][-1]["validation_accuracy"] == found["validation"]["accuracy"]
    assert found["seconds"] > 0
    assert found["work_units"] > 0


def test_the_digits_are_learned_in_a_few_seconds_with_the_defaults(result):
    found = result("train", "--size", 4, "--iterations", 3, "--quiet", "-o", "new.h5")
    assert found["train"]["examples"] + found["validation"]["examples"] == 1797
    assert found["validation"]["accuracy"] > 0.85


def test_a_row_is_printed_for_every_iteration_unless_quiet(refms):
    ran = refms("train", *QUICK, "-o", "new.h5")
    rows = ran.err.splitlines()
    assert [
        re.match(r"iteration=(\d)/2 objective=\S+ gradient=\S+ cg=\d+ step=\S+ ", row)[1] for row in rows
    ] == [
        "1",
        "2",
    ]
    assert re.search(r"new\.h5: grid \(4, 4\), training accuracy 0\.\d{4}, validation accuracy", ran.out)
    quiet = refms("train", *QUICK, "-o", "new.h5", "--force", "--quiet")
    assert quiet.err == ""
    assert quiet.out == ran.out


def test_a_configuration_file_is_followed_and_options_win_over_it(result):
    Path("run.toml").write_text(TOML, encoding="utf-8")
    found = result("train", "run.toml", "--layers", 1, "--dtype", "float32", "-o", "new.h5", "--quiet")
    expected = Configuration.from_toml("run.toml").to_dict()
    expected["network"]["layers"] = 1
    expected["optimization"]["dtype"] = "float32"
    assert found["configuration"] == expected
    model = load_model("new.h5")
    assert model.architecture.layers == 1
    assert model.arrays["W"].dtype == "float32"
    assert model.preprocessing.smoothing == 0.5
    assert model.preprocessing.levels == 1


@pytest.mark.parametrize(
    ("option", "value", "section", "key"),
    [
        ("--size", 2, "data", "size"),
        ("--train", 90, "data", "train"),
        ("--validation", 40, "data", "validation"),
        ("--split-seed", 3, "data", "split_seed"),
        ("--smoothing", 0.25, "data", "smoothing"),
        ("--pair", "injection-linear", "data", "pair"),
        ("--channels", 3, "network", "channels"),
        ("--layers", 1, "network", "layers"),
        ("--final-time", 0.5, "network", "final_time"),
        ("--integrator", "rk4", "network", "integrator"),
        ("--layer", "antisymmetric", "network", "layer"),
        ("--seed", 5, "network", "seed"),
        ("--transfer-to", "coarser", "regularization", "transfer_to"),
        ("--iterations", 1, "optimization", "iterations"),
        ("--hessian-fraction", 0.5, "optimization", "hessian_fraction"),
        ("--dtype", "float64", "optimization", "dtype"),
        ("--loss", "logistic", "classifier", "loss"),
        ("--pooling", 2, "classifier", "pooling"),
        ("--dataset", "digits", "data", "dataset"),
    ],
)
def test_every_option_reaches_its_key(result, option, value, section, key):
    few = ("--size", 4, "--train", 30, "--validation", 20, "--channels", 1, "--iterations", 1)
    found = result("train", *few, option, value, "--quiet", "-o", "new.h5")
    assert found["configuration"][section][key] == value


def test_equal_runs_give_equal_models_and_diff_says_so(refms):
    for name in ("a.h5", "b.h5"):
        assert refms("train", *QUICK, "--quiet", "-o", name).code == 0
    assert refms("diff", "a.h5", "b.h5").code == 0
    assert refms("train", *QUICK, "--quiet", "--seed", 1, "-o", "c.h5").code == 0
    assert refms("diff", "a.h5", "c.h5").code == 1


def test_nothing_is_overwritten_without_force(refms):
    before = Path("coarse.h5").read_bytes()
    ran = refms("train", *QUICK, "-o", "coarse.h5")
    assert ran.refused
    assert "'coarse.h5' exists" in ran.err
    assert "--force" in ran.err
    assert Path("coarse.h5").read_bytes() == before
    assert refms("train", *QUICK, "-o", "coarse.h5", "--force", "--quiet").code == 0
    assert Path("coarse.h5").read_bytes() != before


def test_a_file_that_appears_during_the_training_is_not_overwritten(refms, monkeypatch):
    def interrupted(*arguments):
        Path("new.h5").write_text("of somebody else", encoding="utf-8")
        return train(*arguments)

    monkeypatch.setattr("refms.run.training.train", interrupted)
    ran = refms("train", *QUICK, "--quiet", "-o", "new.h5")
    assert ran.refused
    assert Path("new.h5").read_text(encoding="utf-8") == "of somebody else"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-o", "missing/new.h5"), "create it first"),
        (("-o", "."), "is a folder"),
        (("-o", ".", "--force"), "is a folder"),
        (("--size", 3), "[data] size is 3: grids (3, 3) and (8, 8) are not related by doubling"),
        (("--size", 16), "[data] size is 16, larger than the images (8, 8)"),
        (("--size", -4), "[data] size is -4"),
        (("--train", 1797), "[data] train is 1797, validation is 0: cannot split 1797 examples"),
        (("--train", 1000, "--validation", 1000), "at most 1797 together"),
        (("--iterations", 0), "[optimization] iterations is 0"),
        (("--channels", 0), "[network] channels is 0"),
        (("--channels", 10**10), "memory budget"),
        (("--layers", 10**12), "expected at most 100000"),
        (("--final-time", "nan"), "[network] final_time is nan"),
        (("--smoothing", "inf"), "[data] smoothing is inf"),
        (("--pair", "averaging-bilinaer"), "Did you mean 'averaging-bilinear'"),
        (("--dtype", "float16"), "unknown dtype 'float16'"),
        (("--seed", -1), "[network] seed is -1"),
        (("--loss", "hinge"), "Did you mean 'smooth-hinge'"),
        (("--pooling", -1), "[classifier] pooling is -1"),
        (("--pooling", 3), "pooling is 3, which does not divide the mesh (8, 8)"),
        (("--dataset", "fashion"), "unknown dataset 'fashion'; expected one of"),
        (("--dataset", "idx:fashion", "--data-dir", "."), "holds no"),
        (("--hessian-fraction", 2), "expected a number in (0, 1]"),
        (("--integrator", "rk3"), "[network] unknown integrator 'rk3'"),
        (("--layer", "antisymetric"), "Did you mean 'antisymmetric'"),
        (("--integrator", "verlet", "--channels", 3), "[network] channels is 3; expected an even number"),
        (("--integrator", "verlet", "--layer", "antisymmetric"), "do not go together"),
        (("--dataset", "mnist", "--data-dir", "missing"), "is not a folder"),
        (("--dataset", "mnist", "--data-dir", "."), "holds no train-images-idx3-ubyte,"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(refms, words, expected):
    ran = refms("train", *words)
    assert ran.refused
    assert expected in ran.err
    assert not Path("model.h5").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[netwrok]\n", "Did you mean 'network'?"),
        ("[network]\nchanels = 3\n", "Did you mean 'channels'?"),
        ('[network]\nchannels = "3"\n', "expected a value of type int"),
        (
            "[network]\nlayer_damping = 0.1\n",
            "[network] layer_damping is 0.1; expected 0 for layer 'convolution'",
        ),
        ("[network\n", "is not valid TOML"),
    ],
)
def test_a_bad_configuration_is_told_with_its_name(refms, text, expected):
    Path("run.toml").write_text(text, encoding="utf-8")
    ran = refms("train", "run.toml")
    assert ran.refused
    assert "run.toml" in ran.err
    assert expected in ran.err


def test_mnist_without_a_folder_says_where_to_get_it(refms, monkeypatch):
    monkeypatch.delenv("REFMS_DATA", raising=False)
    ran = refms("train", "--dataset", "mnist")
    assert ran.refused
    for words in ("REFMS_DATA", "train-images-idx3-ubyte.gz"):
        assert words in ran.err


def test_an_overflow_ends_with_one_a_sentence_a_finite_model_and_json_without_nan(refms):
    ran = refms("train", *QUICK, "--final-time", 1e300, "--quiet", "-o", "new.h5", "--json", "result.json")
    assert ran.code == 1
    assert "Iteration 0, block 'classifier': The objective is nan" in ran.out
    assert ran.err == ""
    found = json.loads(Path("result.json").read_text(encoding="utf-8"))
    assert found["outcome"]["status"] == "non_finite"
    assert found["train"]["loss"] is None
    assert all(np.isfinite(array).all() for array in load_model("new.h5").arrays.values())


def test_any_idx_files_are_trained_and_evaluated_on_a_mesh_that_is_not_square(result):
    rng = np.random.default_rng(0)
    for stem, count in (("train", 60), ("t10k", 30)):
        labels = rng.integers(0, 3, count).astype("uint8")
        images = rng.integers(0, 60, (count, 4, 6)).astype("uint8")
        images[np.arange(count), labels, :] += 190  # the row tells the class
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
            Path("rows").mkdir(exist_ok=True)
            Path("rows", f"{stem}-{name}-ubyte").write_bytes(head + array.tobytes())
    few = ("--data-dir", ".", "--channels", 2, "--iterations", 3, "--quiet", "-o", "new.h5")
    found = result("train", "--dataset", "idx:rows", *few)
    assert found["grid"] == [4, 6]
    assert (found["train"]["examples"], found["validation"]["examples"]) == (50, 10)
    assert load_model("new.h5").arrays["W"].shape == (2 * 24, 3)
    tested = result("evaluate", "new.h5", "--data-dir", ".", "--part", "test")
    assert (tested["dataset"], tested["examples"]) == ("idx:rows test", 30)
    assert tested["accuracy"] > 0.9


@pytest.mark.skipif(not HAS_MNIST, reason="REFMS_DATA names no mnist/")
def test_mnist_by_the_names_of_its_files_is_mnist(result):
    few = ("--size", 7, "--train", 100, "--validation", 50, "--channels", 1, "--iterations", 1, "--quiet")
    named = result("train", "--dataset", "mnist", *few, "-o", "named.h5")
    files = result("train", "--dataset", "idx:mnist", *few, "-o", "files.h5")
    assert files["validation"] == named["validation"]


@pytest.mark.skipif(not HAS_MNIST, reason="REFMS_DATA names no mnist/")
def test_mnist_is_trained_on_a_coarse_mesh(result):
    few = ("--train", 200, "--validation", 100, "--channels", 2, "--iterations", 1, "--quiet")
    found = result("train", "--dataset", "mnist", "--size", 7, *few, "-o", "new.h5")
    assert found["grid"] == [7, 7]
    assert found["train"]["accuracy"] > 0.5
    assert load_model("new.h5").record["dataset"] == "mnist train"


def test_on_a_device_the_model_is_the_same_and_can_be_resumed_there(refms, fake_gpu, monkeypatch):
    assert refms("train", *QUICK, "-o", "host.h5", "--dtype", "float64", "--quiet").code == 0
    words = ("train", *QUICK, "-o", "device.h5", "--dtype", "float64", "--quiet", "--backend", "cupy")
    with monkeypatch.context() as patch:
        patch.setattr(CheckpointFiles, "remove", lambda self: None)
        assert refms(*words).code == 0
    assert_close("device.h5", "host.h5")
    assert refms(*words, "--resume", "--force").code == 0
    assert_close("device.h5", "host.h5")


def assert_close(a, b):
    first, second = load_model(a), load_model(b)
    for name, array in first.arrays.items():
        scale = np.abs(array).max()
        np.testing.assert_allclose(second.arrays[name], array, rtol=0, atol=1e-6 * scale)


def test_without_a_gpu_cupy_is_refused(refms, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    ran = refms("train", *QUICK, "-o", "new.h5", "--backend", "cupy")
    assert ran.refused
    assert "the cupy backend cannot be imported" in ran.err
    assert not Path("new.h5").exists()


def test_notes_on_the_data_are_sentences_on_standard_error(refms):
    """Images of 0 and 1, labels of 1 and 2: both are taken, and said."""
    arrays = {
        "images-idx3": np.random.default_rng(0).integers(0, 2, (30, 4, 4)),
        "labels-idx1": 1 + np.arange(30) % 2,
    }
    for name, array in arrays.items():
        head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
        Path(f"train-{name}-ubyte").write_bytes(head + array.astype("uint8").tobytes())
    ran = refms("train", "--dataset", "idx:.", "--channels", 1, "--iterations", 1, "--quiet", "-o", "new.h5")
    assert ran.code == 0
    notes = [line for line in ran.err.splitlines() if line.startswith("refms: note: ")]
    assert ["class 0 stays empty" in notes[0], "divided by 255" in notes[1]] == [True, True]
    assert len(notes) == 2


@pytest.mark.parametrize(("way", "other"), [("pad", (8, 8)), ("crop", (4, 4))])
def test_images_that_do_not_halve_are_trained_and_evaluated_as_if_they_had_been_fitted_before(
    result, way, other
):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (12, 7, 6), dtype="uint8"), np.arange(12) % 3
    np.savez("own.npz", images=images, labels=labels)
    by_hand = images[:, 1:5, 1:5]
    if way == "pad":
        by_hand = np.pad(images, [(0, 0), (0, 1), (1, 1)], mode="edge")
    assert by_hand.shape[1:] == other
    np.savez("fitted.npz", images=by_hand, labels=labels)
    few = ("--size", 4, "--channels", 2, "--layers", 1, "--iterations", 1, "--quiet")
    own, fitted = "npz:own.npz?channels=none", "npz:fitted.npz?channels=none"
    found = result("train", "--dataset", own, f"--{way}", *few, "-o", "own.h5")
    expected = result("train", "--dataset", fitted, *few, "-o", "fitted.h5")
    assert found["validation"] == expected["validation"]
    assert found["configuration"]["data"][way] is True
    again = result("evaluate", "own.h5")
    assert {key: again[key] for key in found["validation"]} == found["validation"]
    both = [result("evaluate", "own.h5", "--part", "all", "--dataset", one)["loss"] for one in (own, fitted)]
    assert both[0] == both[1]


def test_images_that_do_not_halve_are_refused_with_both_ways_out(refms):
    np.savez("own.npz", images=np.ones((4, 6, 6)), labels=np.arange(4))
    ran = refms("train", "--dataset", "npz:own.npz?channels=none", "--size", 4)
    assert ran.refused
    assert "6x6, 3x3" in ran.err
    assert "--pad (in [data]: pad = true), to 8x8 or --crop (in [data]: crop = true), to 4x4" in ran.err


def test_algorithm_1_goes_on_from_a_transferred_model_with_its_own_configuration(refms, result):
    refms("train", *QUICK, "-o", "small.h5")
    refms("transfer", "small.h5", "--to", 8, "-o", "large.h5")
    there = load_model("large.h5")
    found = result("train", "--start", "large.h5", "--iterations", 1, "-o", "trained.h5")
    trained = load_model("trained.h5")
    assert found["grid"] == [8, 8]
    assert found["train"]["examples"] == 100
    assert trained.record["transfers"] == there.record["transfers"]
    configuration = Configuration.from_dict(found["configuration"])
    images = split_by(configuration.data, load_digits())[0]
    problem = problem_of(there, there.examples(images), configuration.regularization)
    joint = problem.block("joint", there.blocks)
    before = joint.value(problem.join(there.blocks))
    assert trained.history.rows[0].objective_before == pytest.approx(before, rel=1e-5)
    assert trained.history.rows[-1].objective < before


def test_more_layers_and_smoother_images_are_the_start_of_a_training(refms, result):
    refms("train", *QUICK, "-o", "small.h5")
    refms("transfer", "small.h5", "--to", 8, "--smoothing", "agreeing", "-o", "large.h5")
    refms("transfer", "large.h5", "--depth", 4, "-o", "deep.h5")
    found = result("train", "--start", "deep.h5", "--iterations", 1, "-o", "trained.h5")
    there, trained = load_model("deep.h5"), load_model("trained.h5")
    assert trained.architecture == there.architecture
    assert trained.preprocessing.smoothing == there.preprocessing.smoothing > 0
    assert found["configuration"]["network"]["layers"] == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", 4), "shape=(8, 8)), not Grid(shape=(4, 4))"),
        (("--channels", 3), "channels = 2, not 3"),
        (("--loss", "logistic"), "loss = 'softmax', not 'logistic'"),
        (("--dtype", "float64"), "dtype = 'float32', not 'float64'"),
    ],
)
def test_a_start_that_is_another_network_is_refused(refms, words, said):
    refms("train", *QUICK, "-o", "small.h5")
    refms("transfer", "small.h5", "--to", 8, "-o", "large.h5")
    ran = refms("train", "--start", "large.h5", *words, "-o", "new.h5")
    assert ran.code == 2
    assert said in ran.err
    assert not Path("new.h5").exists()
