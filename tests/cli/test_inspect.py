"""`refms inspect`: two files and a table, in the format that pictures are drawn from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from refms.io import read_artifact
from refms.model_file import load_model

FEW = ("--examples", 30, "--steps", 5, "--probes", 2, "--eigenvalues", 1)


def read(folder="out"):
    return json.loads(Path(folder, "inspect.json").read_text(encoding="utf-8"))


def test_files_hold_what_was_promised(refms):
    ran = refms("inspect", "coarse.h5", *FEW, "-o", "out", "--json", "copy.json")
    assert ran.code == 0, ran.err
    found = read()
    assert json.loads(Path("copy.json").read_text(encoding="utf-8")) == found
    assert {"kind": "inspect", "model": "coarse.h5", "examples": 30}.items() <= found.items()
    assert {"versions", "machine", "date", "layers", "blocks"} <= set(found)
    assert set(found["spectra"]) == {"propagation", "classifier", "joint"}
    for kinds in found["spectra"].values():
        for one in kinds.values():
            lengths = {len(one["density"][key]) for key in ("at", "lanczos", "kpm")}
            assert len(lengths) == 1
            assert len(one["smallest"]) == len(one["largest"]) == 1
    assert set(found["cg"]["propagation"]) == {"none", "time", "diagonal", "fine-coordinates"}
    assert found["cg"]["joint"]["none"]["residuals"][0] == 1.0
    quality = found["model_quality"]
    assert quality["block"] == "joint"
    assert len(quality["step_lengths"]) == len(quality["newton"]["actual"])
    held = read_artifact("out/inspect.h5")
    assert held.kind == "inspect"
    assert (
        held.arrays["spectra/joint/hessian/density/kpm"].tolist()
        == (found["spectra"]["joint"]["hessian"]["density"]["kpm"])
    )
    assert held.arrays["layers/time"].tolist() == [row["time"] for row in found["layers"]]
    for word in ("propagation", "difference", "below 0", "CG iterations", "|K(S_k)|_2"):
        assert word in ran.out


def test_the_objective_is_that_of_the_training_at_the_model(refms):
    """On all its images and with its weights, f is the last objective of the training's history."""
    few = ("--examples", 200, *FEW[2:])
    assert refms("inspect", "coarse.h5", *few, "--block", "classifier", "-o", "out").code == 0
    last = load_model("coarse.h5").history.rows[-1].objective
    assert read()["blocks"]["classifier"]["objective"] == pytest.approx(last, rel=1e-5)  # float32 there
    assert set(read()["spectra"]) == {"classifier"}


def test_the_same_seed_gives_the_same_numbers(refms):
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        words = ("--block", "propagation", "--seed", seed, "-o", folder)
        assert refms("inspect", "coarse.h5", *FEW, *words).code == 0
    one, same, other = (read(folder)["spectra"]["propagation"]["hessian"]["density"] for folder in "abc")
    assert one == same
    assert one["lanczos"] != other["lanczos"]
    assert Path("a/inspect.h5").read_bytes() == Path("b/inspect.h5").read_bytes()


def test_nothing_is_overwritten_without_force(refms):
    words = ("inspect", "coarse.h5", *FEW, "--block", "propagation", "-o", "out")
    assert refms(*words).code == 0
    before = Path("out/inspect.h5").read_bytes()
    ran = refms(*words)
    assert ran.refused
    assert "--force" in ran.err
    assert Path("out/inspect.h5").read_bytes() == before
    assert refms(*words, "--force", "--seed", 3).code == 0
    assert Path("out/inspect.h5").read_bytes() != before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--examples", 0), "--examples is 0"),
        (("--examples", 201), "training part has 200 images"),
        (("--probes", 0), "--probes is 0"),
        (("--seed", -1), "--seed is -1"),
        (("--size", 8), "refms transfer coarse.h5 --to 8"),
        (("-o", "coarse.h5"), "is no folder"),
        (("-o", "nowhere/out"), "create it first"),
    ],
)
def test_bad_words_end_with_a_sentence(refms, words, expected):
    ran = refms("inspect", "coarse.h5", "-o", "out", *words)
    assert ran.refused
    assert expected in ran.err
    assert not Path("out").exists()


def test_every_number_of_the_file_is_finite(refms):
    assert refms("inspect", "fine.h5", *FEW, "--block", "joint", "-o", "out").code == 0
    arrays = read_artifact("out/inspect.h5").arrays
    assert all(np.isfinite(array).all() for array in arrays.values())


def test_a_small_training_part_is_looked_at_whole(refms):
    few = ("--size", 4, "--train", 30, "--validation", 10, "--channels", 2, "--iterations", 1, "--quiet")
    assert refms("train", *few, "-o", "few.h5").code == 0
    ran = refms("inspect", "few.h5", "-o", "out", "--block", "classifier", "--steps", 4, "--probes", 1)
    assert ran.code == 0, ran.err
    assert json.loads(Path("out/inspect.json").read_text(encoding="utf-8"))["examples"] == 30
