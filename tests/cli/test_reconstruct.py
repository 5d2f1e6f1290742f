"""`refms reconstruct`: from options to a model file; what stops it loses nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from saved_trainings import assert_same, checkpoints

from refms.model_file import load_model
from refms.run.checkpoint_files import CheckpointFiles


def test_the_result_says_what_came_out_and_what_it_cost(digits, result):
    found = result("reconstruct", "digits.toml", "-o", "run.h5")
    model = load_model("run.h5")
    assert found["configuration"]["multiscale"]["levels"] == 2
    assert found["paper_units"] == pytest.approx(4 * 4 / 4 + 3 * (2 * 5 / 4 + 1))
    assert found["work_units"] == pytest.approx(3 * found["paper_units"])
    assert [row["iteration"] for row in found["history"]] == [2, 4, 6, 7]
    assert found["validation"]["examples"] == 6
    assert found["outcome"]["status"] == "iteration_limit"
    assert found["grid"] == [8, 8] == list(model.grid.shape)
    assert not checkpoints()


def test_rows_are_printed_and_quiet_prints_none(digits):
    ran = digits("reconstruct", "digits.toml", "-o", "run.h5")
    rows = [line for line in ran.err.splitlines() if line.startswith("iteration=")]
    assert [row.split()[0] for row in rows] == [f"iteration={k}/7" for k in (2, 4, 6, 7)]
    assert all("psnr=" in row and "work=" in row for row in rows)
    assert "work units of the paper" in ran.out
    assert digits("reconstruct", "digits.toml", "-o", "run.h5", "--quiet", "--force").err == ""


@pytest.mark.parametrize("task", ["denoise", "deblur", "inpaint", "super-resolve"])
def test_options_override_the_file(digits, result, task):
    found = result(
        *("reconstruct", "digits.toml", "-o", "run.h5", "--task", task, "--estimator", "mge"),
        *("--iterations", 2, "--batches", "3,4", "--option", "width=8", "--seed", 5),
    )
    asked = found["configuration"]
    assert asked["task"]["name"] == task
    assert asked["multiscale"]["batches"] == [3, 4]
    assert asked["network"]["options"] == {"width": 8, "blocks": 1, "closing_scale": 1.0}
    assert asked["optimization"]["seed"] == 5
    assert ("psnr_hidden" in found["history"][-1]) == (task == "inpaint")


def test_where_the_disk_is_full_the_training_can_go_on_with_the_same_bits(digits, monkeypatch):
    assert digits("reconstruct", "digits.toml", "-o", "whole.h5").code == 0
    write = CheckpointFiles.write

    def full(self, checkpoint):
        if checkpoint.iteration == 6:
            raise OSError(28, "No space left on device")
        write(self, checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointFiles, "write", full)
        assert digits("reconstruct", "digits.toml", "-o", "run.h5", "--quiet").refused
    assert checkpoints() == ["run.checkpoint-2.h5", "run.checkpoint-4.h5"]
    assert digits("reconstruct", "digits.toml", "-o", "run.h5").refused  # not without a word
    other = digits("reconstruct", "digits.toml", "-o", "run.h5", "--resume", "--levels", 3, "--iterations", 4)
    assert other.refused
    assert "multiscale.levels = 2, not 3" in other.err
    assert checkpoints() == ["run.checkpoint-2.h5", "run.checkpoint-4.h5"]
    assert digits("reconstruct", "digits.toml", "-o", "run.h5", "--resume").code == 0
    assert_same("run.h5", "whole.h5")
    assert not checkpoints()


def test_ctrl_c_ends_after_the_iteration_and_the_training_can_go_on(digits, ctrl_c):
    assert digits("reconstruct", "digits.toml", "-o", "whole.h5").code == 0
    ctrl_c(3)
    ran = digits("reconstruct", "digits.toml", "-o", "run.h5", "--quiet")
    assert ran.code == 0
    assert "refms reconstruct --resume --force goes on" in ran.out
    assert checkpoints()[-1] == "run.checkpoint-3.h5"
    assert load_model("run.h5").grid.shape == (4, 4)  # the mesh of its stage
    assert digits("reconstruct", "digits.toml", "-o", "run.h5", "--resume", "--force").code == 0
    assert_same("run.h5", "whole.h5")


def test_numbers_that_overflow_are_exit_code_1(digits):
    Path("wild.toml").write_text(
        Path("digits.toml").read_text().replace("learning_rate = 0.02", 'learning_rate = 1e200\nmethod="sgd"')
    )
    ran = digits("reconstruct", "wild.toml", "-o", "run.h5", "--quiet")
    assert ran.code == 1
    assert "learning_rate" in ran.out


@pytest.mark.parametrize(
    ("words", "sentences"),
    [
        (("--levels", 5, "--batch", 1, "--iterations", 1), ["multiples of 16", "such as 16"]),
        (
            ("--network", "unet", "--levels", 3, "--iterations", 1),
            ["'unet'", "multiples of 16", "such as 16"],
        ),
        (("--task", "super-resolve", "--levels", 4, "--iterations", 1), ["multiples of 16"]),
        (("--loss", "ssim"), ["smaller than the window of SSIM"]),
        (("--size", 16), ["larger than the images (8, 8)"]),
        (("--batch", 30), ["a batch of 60 examples of 40 training images"]),
        (("--allocation", "optimal", "--pilot", 3), ["a pilot of 3 example(s)"]),
        (("--allocation", "optimal", "--coefficients", "layers"), ["'layers'", "'regressed' or 'adaptive'"]),
        (("--measure", 2, "--pilot", 41), ["more than the 40 training images"]),
        (("--batches", "1,2,3"), ["expected as many as meshes"]),
        (("--task", "denose"), ["denoise"]),
        (("--option", "wdth=3"), ["width"]),
        (("--option", "width"), ["KEY=VALUE"]),
        (("--option", f"width={'[' * 5000}"), ["expected a value of type int"]),
        (("--option", "width=8\nx=2"), ["expected a value of type int"]),
        (("--option", "width=8", "--option", "width=4"), ["'width' is given twice"]),
        (("--levels", 10**6), ["levels is 1000000; expected 1 to 62"]),
        (("--task-option", "sigma=3"), ["task.options", "expected none"]),
        (("--option", "closing_scale=x"), ["expected a value of type float"]),
        (("--option", "closing_scale=nan"), ["expected a finite number"]),
        (("--network", "residual"), ["needs channels"]),
        (("--task", "deblur", "--task-option", "sigma=x"), ["expected a value of type float"]),
        (("--task", "deblur", "--task-option", "largest_time=2"), ["largest_time is 2", "expected 0 to 1"]),
        (("--kernel-rule", "galerkin", "--kernel-pair", "nearest"), ["is singular", "'keep'"]),
        (("--kernel-rule", "galerkin", "--option", "stencil=5"), ["takes stencils of 5 cells to 3"]),
        (("--estimator", "single", "--iterations", "2,3"), ["one stage"]),
        (("--iterations", "0,3"), ["iterations"]),
        (("--subsampling", "both", "--batches", "3,4"), ["even"]),
        (("--dataset", "photographs", "--size", 48), ["size is 48"]),
    ],
)
def test_bad_input_is_a_sentence_before_any_work(digits, words, sentences):
    ran = digits("reconstruct", "digits.toml", *words, "-o", "run.h5")
    assert ran.refused
    for sentence in sentences:
        assert sentence in ran.err
    assert not Path("run.h5").exists()


def test_a_data_set_without_a_test_part_is_told_how_to_be_split(digits):
    Path("test.toml").write_text(Path("digits.toml").read_text().replace('validation_part = "train"', ""))
    ran = digits("reconstruct", "test.toml", "-o", "run.h5")
    assert ran.refused
    assert 'validation_part = "train"' in ran.err
    way = ran.err.partition("part: ")[2].split()[:2]
    assert digits("reconstruct", "test.toml", *way, "--quiet", "-o", "run.h5").code == 0


def test_a_range_that_is_not_stated_is_refused(digits):
    Path("range.toml").write_text(
        Path("digits.toml").read_text().replace("[data]", "[data]\nmax_value = 8.0")
    )
    ran = digits("reconstruct", "range.toml", "-o", "run.h5")
    assert ran.refused
    assert "State the largest value that an image may have" in ran.err


@pytest.mark.parametrize("way", ["pad", "crop"])
def test_images_that_cannot_be_halved_so_often_are_fitted_where_that_is_asked_for(digits, way):
    """With three levels 9×10 cells become 12×12 or 8×8, in training and evaluation."""
    images = np.random.default_rng(0).integers(0, 256, (46, 9, 10), dtype="uint8")
    np.savez("own.npz", images=images)
    by_hand = images[:, :8, 1:9]
    if way == "pad":
        by_hand = np.pad(images, [(0, 0), (1, 2), (1, 1)], mode="edge")
    np.savez("fitted.npz", images=by_hand)
    own, fitted = "npz:own.npz?channels=none", "npz:fitted.npz?channels=none"
    words = ("reconstruct", "digits.toml", "--quiet", "--levels", 3, "--batch", 1, "--iterations", 1)
    refused = digits(*words, "--dataset", own)
    assert refused.refused
    assert "--pad (in [data]: pad = true), to 12x12 or --crop (in [data]: crop = true), to 8x8" in refused.err
    assert digits(*words, "--dataset", own, f"--{way}", "-o", "own.h5").code == 0
    assert digits(*words, "--dataset", fitted, "-o", "fitted.h5").code == 0
    arrays, expected = (load_model(name).arrays for name in ("own.h5", "fitted.h5"))
    assert all(np.array_equal(arrays[name], expected[name]) for name in expected)
    ran = [digits("evaluate", name).out.partition("images: ")[2] for name in ("own.h5", "fitted.h5")]
    assert ran[0] == ran[1] != ""
    larger = np.random.default_rng(1).integers(0, 256, (5, 22, 20), dtype="uint8")
    twice = np.pad(larger, [(0, 0), (1, 1), (2, 2)], mode="edge") if way == "pad" else larger[:, 3:19, 2:18]
    np.savez("larger.npz", images=larger)
    np.savez("twice.npz", images=twice)  # twice as fine as the model's finest mesh: 24×24 or 16×16
    ran = [
        digits("evaluate", "own.h5", "--part", "all", "--dataset", f"npz:{name}.npz?channels=none").out
        for name in ("own", "fitted", "larger", "twice")
    ]
    scores = [one.partition("images: ")[2] for one in ran]
    assert scores[0] == scores[1] != scores[2] == scores[3] != ""
