"""Training on images: rows, work, and the same bits wherever it was stopped."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_reconstructions import experiment, small

from refms.errors import InputError
from refms.linear.outcome import Status
from refms.model_file import load_model, save_model
from refms.objective.workers import Workers
from refms.run.checkpoint_files import CheckpointFiles
from refms.run.image_experiment import image_experiment_of
from refms.run.image_score import psnr, restore, score_images
from refms.run.reconstruction import reconstruct, state_of
from refms.run.training import Checkpoint

FULL = {
    "plain": {},
    "galerkin": {"multiscale": {"kernel_rule": "galerkin"}},
    "mge": {"multiscale": {"estimator": "mge", "iterations": [5]}},
    "single": {"multiscale": {"estimator": "single", "iterations": [5], "batch": 3}},
    "adaptive": {"multiscale": {"allocation": "adaptive", "renew": 2}},
    "regressed": {"multiscale": {"allocation": "regressed", "renew": 2}},
    "layers": {"multiscale": {"allocation": "regressed", "coefficients": "layers", "renew": 2}},
    "both": {"multiscale": {"subsampling": "both", "allocation": "optimal"}},
    "switched": {"multiscale": {"window": 1, "gain": 0.9, "iterations": [5, 4, 2]}},
    "momentum": {"optimization": {"method": "sgd", "restart": True, "order": "epochs"}},
}


def assert_same(one, other):
    assert one.model.grid == other.model.grid
    for name, array in one.model.arrays.items():
        assert array.tobytes() == other.model.arrays[name].tobytes(), name
    mine, theirs = (done.model.history.columns() for done in (one, other))
    assert mine.keys() == theirs.keys()
    for name in set(mine) - {"seconds"}:
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)


@pytest.mark.parametrize("sections", FULL.values(), ids=FULL)
def test_a_stop_after_any_iteration_of_any_stage_changes_no_bit(tmp_path: Path, sections):
    whole = reconstruct(experiment(**sections))
    total = whole.model.history.rows[-1].iteration
    assert whole.outcome.status is Status.ITERATION_LIMIT
    for stop in range(1, total):
        files, asked = CheckpointFiles(tmp_path / f"{stop}.h5"), iter(range(1, total + 1))
        first = reconstruct(
            experiment(**sections),
            on_checkpoint=files.write,
            stopping=lambda asked=asked, stop=stop: next(asked) == stop,
        )
        assert first.outcome.status is Status.STOPPED
        begin = files.newest()
        assert begin.iteration == stop
        assert_same(reconstruct(experiment(**sections), begin), whole)


def test_threads_change_no_bit():
    with_threads = image_experiment_of(small(), workers=Workers(threads=2))
    assert_same(reconstruct(with_threads), reconstruct(experiment()))


def test_rows_say_what_was_done():
    rows = reconstruct(experiment(optimization={"measure": 2})).model.history.rows
    assert [row.iteration for row in rows] == [2, 3, 4, 5, 6, 7]
    assert [row.extra["level"] for row in rows] == [2, 2, 1, 1, 0, 0]
    plan = small().plan
    assert rows[-1].work_units == pytest.approx(3 * plan.work())
    assert rows[-1].extra["paper_units"] == pytest.approx(plan.work())
    rates = [plan.schedule(row.iteration - 1, plan.total) for row in rows]
    assert [row.extra["learning_rate"] for row in rows] == rates
    assert all({"validation_loss", "psnr"} <= set(row.extra) for row in rows)
    assert all("ssim" not in row.extra for row in rows)  # 8 cells are fewer than its window
    measured = [row for row in rows if "eta" in row.extra]
    assert [row.iteration for row in measured] == [2, 4, 6]
    last = measured[-1].extra
    assert {"V0", "V1", "V2", "v", "rho0", "rho1", "beta0", "beta1"} <= set(last)
    assert last["eta_low"] <= last["eta_high"]
    W, v = 2 * (1 + 1 / 4) + 4 * (1 / 4 + 1 / 16) + 8 / 16, last["v"]
    assert last["eta"] == pytest.approx(v / (W * (last["V0"] / 2 + last["V1"] / 4 + last["V2"] / 8)))
    assert measured[-1].extra["measured_units"] == pytest.approx(3 * 8 * (1 + 1 / 4 + 1 / 16))


def test_measuring_changes_no_bit_of_the_parameters():
    one, other = reconstruct(experiment(optimization={"measure": 2})), reconstruct(experiment())
    for name, array in one.model.arrays.items():
        assert array.tobytes() == other.model.arrays[name].tobytes()


def test_training_pays():
    posed = experiment(
        multiscale={"iterations": [40, 20, 20], "batch": 4}, optimization={"learning_rate": 0.01, "every": 40}
    )
    start = posed.score(posed.model.architecture.arrays.pack(posed.model.arrays), 0)
    rows = reconstruct(posed).model.history.rows
    assert rows[-1].extra["validation_loss"] < 0.7 * start.loss


def test_a_model_comes_back_from_its_file_and_restores_the_same(tmp_path: Path):
    posed = experiment()
    done = reconstruct(posed)
    save_model(tmp_path / "m.h5", done.model)
    model = load_model(tmp_path / "m.h5")
    assert model.reading == posed.model.reading
    assert model.record["configuration"]["task"]["name"] == "denoise"
    theta = model.architecture.arrays.pack(model.arrays)
    X, Z, _ = restore(posed.problem, theta, posed.validation_draw)
    inputs = posed.problem.examples(0, posed.validation_draw).inputs
    np.testing.assert_array_equal(model.outputs(inputs), Z)
    np.testing.assert_array_equal(inputs[:-1], X)


def test_a_training_that_overflows_says_so_and_keeps_the_last_finite_parameters():
    done = reconstruct(experiment(optimization={"method": "sgd", "learning_rate": 1e200}))
    assert done.outcome.status is Status.NON_FINITE
    assert "learning_rate" in done.outcome.message
    assert all(np.isfinite(array).all() for array in done.model.arrays.values())


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"stage": 9, "iteration": 0, "units": 0, "pilot_units": 0, "batches": None},
        {"stage": 0, "iteration": 9, "units": 0, "pilot_units": 0, "batches": None},
        {"stage": "x"},
        {"stage": 0, "iteration": 1, "units": 0, "pilot_units": 0, "batches": 3},
    ],
)
def test_a_state_that_is_none_is_refused(state):
    with pytest.raises(InputError, match="checkpoint"):
        state_of(Checkpoint(experiment().model, 1, state=state), small().plan)


def test_memory_of_another_shape_is_refused():
    state = {"stage": 0, "iteration": 1, "units": 0.0, "pilot_units": 0.0}
    begin = Checkpoint(experiment().model, 1, state={**state, "batches": None}, memory=(np.zeros(3),) * 2)
    with pytest.raises(InputError, match="another shape"):
        state_of(begin, small().plan)


# Scores


def test_psnr_of_images_that_are_zero():
    """The mean square of x itself: 10 log10(4 / mean x²)."""
    posed = experiment(network={"options": {"width": 4, "blocks": 1, "closing_scale": 0.0}})
    theta = posed.model.architecture.arrays.pack(posed.model.arrays)
    score = posed.score(theta, 0)
    squares = (posed.validation**2).mean(axis=0)
    assert score.loss == pytest.approx(squares.mean())
    assert score.psnr == pytest.approx((10 * np.log10(4 / squares)).mean())
    assert math.isnan(score.ssim)
    assert math.isnan(score.psnr_hidden)


def test_what_is_hidden_is_scored_apart():
    posed = experiment(
        task={"name": "inpaint", "options": {"largest_time": 0.0, "smallest": 0.5, "largest": 0.5}},
        network={"options": {"width": 4, "blocks": 1, "closing_scale": 0.0}},
    )
    theta = posed.model.architecture.arrays.pack(posed.model.arrays)
    draw = posed.validation_draw
    score = score_images(posed.problem, theta, draw)
    hidden = draw.corruption.seen == 0
    assert 0 < hidden.mean() < 1
    assert score.psnr_hidden == pytest.approx(10 * np.log10(4 / (posed.validation[hidden] ** 2).mean()))
    assert score.psnr_seen == pytest.approx(10 * np.log10(4 / (posed.validation[~hidden] ** 2).mean()))
    assert psnr(0.0) == math.inf


def test_a_device_trains_what_the_host_trains(device, tmp_path: Path):
    multiscale = {"allocation": "regressed", "coefficients": "layers", "renew": 2}
    sections = {"multiscale": multiscale, "optimization": {"measure": 2}}
    posed = image_experiment_of(small(**sections), backend=device.backend)
    files, asked = CheckpointFiles(tmp_path / "m.h5"), iter(range(1, 8))
    reconstruct(posed, on_checkpoint=files.write, stopping=lambda: next(asked) == 4)
    begin = files.newest()
    done = reconstruct(
        image_experiment_of(small(**sections), backend=device.backend),
        replace(begin, model=begin.model.on(device.backend)),
    )
    whole = reconstruct(experiment(**sections))
    for name, array in whole.model.arrays.items():
        np.testing.assert_allclose(device.host(done.model.arrays[name]), array, rtol=1e-9, atol=1e-12)
    assert done.model.history.rows[-1].extra["psnr"] == pytest.approx(
        whole.model.history.rows[-1].extra["psnr"]
    )
