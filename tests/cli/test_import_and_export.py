"""`refms import` and `refms export`: arrays of .npz files, without PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from refms.data import read_dataset
from refms.data.dataset import subset
from refms.model_file import load_model

RESIDUAL = ("--architecture", "residual", "--option", "channels=3", "--option", "final_time=1.0", "--size", 8)
MAP = """
[names]
"layers.{k}.weight" = "stencils"
"layers.{k}.bias" = "biases"
"head.weight" = "W"
"head.bias" = "mu"
"""


def weights(dtype="float32"):
    rng = np.random.default_rng(0)
    layers = {f"layers.{k}.weight": rng.standard_normal((3, 3, 3, 3)) for k in (0, 1)}
    layers |= {f"layers.{k}.bias": rng.standard_normal(3) for k in (0, 1)}
    ends = {
        "opening.weight": rng.standard_normal((3, 1, 1, 1)),
        "head.weight": rng.standard_normal((10, 192)),
    }
    everything = {**ends, **layers, "head.bias": rng.standard_normal(10)}
    return {name: array.astype(dtype) for name, array in everything.items()}


@pytest.fixture
def imported(result):
    """Import a net on 8×8 cells under other names from w.npz into m.h5."""
    np.savez("w.npz", **weights())
    Path("names.toml").write_text(MAP, encoding="utf-8")
    return result("import", "w.npz", *RESIDUAL, "--map", "names.toml", "-o", "m.h5")


def test_weights_come_in_and_go_out_under_their_names_bit_for_bit(imported, result):
    assert (imported["grid"], imported["dtype"]) == ([8, 8], "float32")
    model = load_model("m.h5")
    np.testing.assert_array_equal(model.arrays["W"], weights()["head.weight"].T * 64)
    found = result("export", "m.h5", "-o", "again.npz")
    assert found["orientation"] == "correlation"
    with np.load("again.npz", allow_pickle=False) as again:
        assert set(again) == set(weights())
        for name, array in weights().items():
            np.testing.assert_array_equal(again[name], array, strict=True)


def test_names_may_be_any_texts_and_obey_nobody(refms):
    strange = {"file": "mu", "a\x1b[31m/../b": "W"}
    table = "".join(f"{json.dumps(theirs)} = {json.dumps(ours)}\n" for theirs, ours in strange.items())
    Path("names.toml").write_text(f"[names]\n{table}", encoding="utf-8")
    ran = refms("export", "coarse.h5", "--map", "names.toml", "-o", "w.npz")
    assert "\n  a\\x1b[31m/../b (10, 48)" in ran.out
    options = ("--architecture", "residual", "--option", "channels=3", "--size", 4, "--map", "names.toml")
    assert refms("import", "w.npz", *options, "-o", "m.h5").code == 0
    assert refms("export", "m.h5", "-o", "again.npz").out == ran.out.replace("w.npz", "again.npz")


def test_they_cross_resolutions_and_keep_their_names(imported, refms):
    assert refms("transfer", "m.h5", "--to", 16, "-o", "moved.h5").code == 0
    ran = refms("export", "moved.h5", "-o", "moved.npz")
    assert "(c_out, c_in, *stencil) as correlations" in ran.out
    assert "head.weight (10, 768) float32" in ran.out
    with np.load("moved.npz", allow_pickle=False) as fine:
        assert fine["layers.1.weight"].shape == (3, 3, 3, 3)
    assert refms("export", "moved.h5", "-o", "moved.npz").refused
    more = ("--size", 16, "--map", "names.toml", "-o", "back.h5")
    assert refms("import", "moved.npz", *RESIDUAL[:-2], *more).code == 0
    for name, array in load_model("moved.h5").arrays.items():
        np.testing.assert_array_equal(load_model("back.h5").arrays[name], array)


def test_images_are_normalised_as_elsewhere(imported, refms):
    mean, std = 0.3, 0.2
    told = ("--scale", 1 / std, "--shift", mean / std, "--map", "names.toml")
    assert refms("import", "w.npz", *RESIDUAL, *told, "-o", "n.h5").code == 0
    digits = read_dataset("digits")
    pixels = digits.images[:5].reshape(5, 64).T / digits.max_value
    found = load_model("n.h5").prepare(subset(digits, np.arange(5)))
    np.testing.assert_allclose(found, (pixels - mean) / std, rtol=0, atol=1e-5)
    assert refms("evaluate", "n.h5", "--dataset", "digits").code == 0


def test_a_trained_net_goes_out_under_names_of_the_user(refms, result):
    Path("names.toml").write_text(MAP, encoding="utf-8")
    result("export", "coarse.h5", "--map", "names.toml", "-o", "w.npz")
    model = load_model("coarse.h5")
    with np.load("w.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["layers.1.weight"], model.arrays["stencils"][1])
        np.testing.assert_array_equal(found["head.weight"], model.arrays["W"].T / 16)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--option", "chanels=3"), "Did you mean 'channels'"),
        (("--architecture", "residul"), "Did you mean 'residual'"),
        (("--size", "8x8x8"), "one for each axis"),
        (("--map", "names.toml", "--loss", "softmx"), "Did you mean 'softmax'"),
        ((), "left over: 'head.weight' (10, 192)"),
        (("--option", "channels=4"), "'opening.weight' (3, 1, 1, 1), expected (4, 1, 1, 1)"),
        (("--map", "coarse.h5"), "not valid TOML"),
        (("--map", "wrong.toml"), "has no table [names]"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(refms, words, expected):
    np.savez("w.npz", **weights())
    Path("names.toml").write_text(MAP, encoding="utf-8")
    Path("wrong.toml").write_text("[names]\nhead.weight = 'W'\n", encoding="utf-8")
    ran = refms("import", "w.npz", *RESIDUAL, *words, "-o", "m.h5")
    assert ran.refused
    assert expected in ran.err
    assert not Path("m.h5").exists()


@pytest.mark.parametrize("dtype", ["float16", "object"])
def test_other_precisions_and_pickles_in_npz_are_refused(refms, dtype):
    np.savez("w.npz", **weights(dtype))
    ran = refms("import", "w.npz", *RESIDUAL, "-o", "m.h5")
    assert ran.refused
    assert "expected <f4 or <f8" in ran.err


def test_a_file_of_another_ending_is_refused_before_anything_is_read(refms):
    assert "'.npz', '.pt'" in refms("import", "w.onnx", *RESIDUAL, "-o", "m.h5").err
    assert refms("export", "missing.h5", "-o", "w.h5").refused


def test_without_pytorch_one_sentence_says_what_to_install(refms):
    Path("w.pt").write_bytes(b"")
    code = "import sys; sys.modules['torch'] = None; from refms.cli.main import main; sys.exit(main())"
    for words in (
        ("import", "w.pt", *map(str, RESIDUAL), "-o", "m.h5"),
        ("export", "coarse.h5", "-o", "c.pt"),
    ):
        ran = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        assert ran.returncode == 2
        assert ran.stderr.count("\n") == 1
        assert "pip install torch" in ran.stderr
