"""Training by block-coordinate descent on real digits: what it minimises, how it descends, what it tells."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields, replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from small_nets import examples, images, locked, rho, trained, untrained

from refms.checks import complex_step_test
from refms.errors import InputError
from refms.grid import Grid
from refms.linear.outcome import Status
from refms.maps.activation import RELU, TANH
from refms.maps.architectures import residual
from refms.maps.architectures.residual import Residual
from refms.model import initial_model, score
from refms.objective.reading import Classes
from refms.optimize.history import HistoryRow
from refms.optimize.loop import Observation
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import fit_classifier, problem_of, require_memory, train

OPTIONS = OptimizationSection(iterations=3, hessian_fraction=0.5, dtype="float64")
WEIGHTS = RegularizationSection(
    W_smoothness=2e-6, W_tikhonov=1e-4, theta_smoothness=3e-3, theta_tikhonov=4e-4
)


@pytest.fixture(scope="module")
def start():
    return untrained(4)


@pytest.fixture(scope="module")
def digits(start):
    return examples(start, images())


@pytest.fixture(scope="module")
def run(start, digits):
    return train(start, digits, WEIGHTS, OPTIONS)


def same(a, b) -> bool:
    return all(array.tobytes() == b.arrays[name].tobytes() for name, array in a.arrays.items())


# What is minimised


def written_out(model, chosen, weights) -> float:
    """Return problem (6) from its formula: mean cross entropy and the four quadratic terms."""
    Z = model.trace(chosen.inputs)["output"]
    loss = (np.log(np.exp(Z).sum(axis=0)) - (chosen.targets * Z).sum(axis=0)).mean()
    n, dt = model.grid.shape[0], model.architecture.final_time / model.architecture.layers
    w = model.arrays["W"].reshape(model.architecture.channels, n, n, 10)
    slopes = sum((np.diff(w, axis=axis) ** 2).sum() for axis in (1, 2)) * n**2
    theta = model.blocks["propagation"].reshape(model.architecture.layers, -1)
    return (
        loss
        + weights.W_smoothness / 2 / n**2 * slopes
        + weights.W_tikhonov / 2 / n**2 * (model.arrays["W"] ** 2).sum()
        + weights.theta_smoothness / 2 * dt * ((np.diff(theta, axis=0) / dt) ** 2).sum()
        + weights.theta_tikhonov / 2 * dt * (theta**2).sum()
    )


@pytest.mark.parametrize("block", ["propagation", "classifier", "joint"])
def test_the_objective_is_problem_6_in_every_block(run, digits, block):
    x = run.model.blocks
    vector = np.concatenate(list(x.values())) if block == "joint" else x[block]
    value = problem_of(run.model, digits, WEIGHTS, OPTIONS).block(block, x).value(vector)
    assert value == pytest.approx(written_out(run.model, digits, WEIGHTS), rel=1e-14)


@pytest.mark.parametrize("block", ["propagation", "classifier", "joint"])
@pytest.mark.parametrize("options", [{}, {"opening": "learned", "opening_stencil": 3, "stencil": 5}])
def test_the_gradient_at_a_trained_model_is_that_of_the_complex_step(block, options):
    model = trained(4, **options)
    blocks = model.blocks
    risk = problem_of(model, examples(model, images()), WEIGHTS, OPTIONS).block(block, blocks)
    x = np.concatenate(list(blocks.values())) if block == "joint" else blocks[block]
    v = np.random.default_rng(0).standard_normal(x.shape)
    report = complex_step_test(risk.value, x, v, gradient=risk.value_and_gradient(x)[1])
    assert report.passed, report.sentence


@pytest.mark.parametrize(
    ("key", "measure"),
    [
        ("W_tikhonov", lambda model: np.abs(model.arrays["W"]).max()),
        ("W_smoothness", lambda model: np.abs(np.diff(model.arrays["W"].reshape(3, 4, 4, 10), axis=1)).max()),
        ("theta_tikhonov", lambda model: np.abs(model.arrays["stencils"]).max()),
        ("theta_smoothness", lambda model: np.abs(np.diff(model.arrays["stencils"], axis=0)).max()),
        ("theta_transfer", lambda model: np.abs(model.arrays["stencils"]).max()),
    ],
)
def test_each_weight_pulls_on_what_it_is_named_for(start, digits, key, measure):
    free, bound = (
        train(start, digits, replace(RegularizationSection(), **{key: weight}), OPTIONS).model
        for weight in (0.0, 1e3)
    )
    assert measure(bound) < 0.1 * measure(free)


# How it descends


def test_the_objective_never_rises_over_an_accepted_step(run):
    rows = [row for row in run.model.history if row.status == "accepted"]
    assert len(rows) > 15
    assert all(row.objective <= row.objective_before for row in rows)
    assert rows[-1].objective < 0.5 * rows[0].objective_before


def test_every_step_begins_where_the_one_before_ended(run):
    """Both blocks measure the whole objective, so their values join to round-off."""
    rows = run.model.history.rows
    for before, after in pairwise(rows):
        assert after.objective_before == pytest.approx(before.objective, rel=1e-13)


def test_the_model_that_is_returned_has_the_last_objective(run, digits):
    assert run.model.history.rows[-1].objective == pytest.approx(
        written_out(run.model, digits, WEIGHTS), rel=1e-13
    )


def test_training_learns_the_digits(start, run, digits):
    before, after = (score(model, digits.inputs, digits.targets) for model in (start, run.model))
    assert before.loss == pytest.approx(np.log(10), rel=1e-12)
    assert after.accuracy > 0.9
    assert after.loss < 0.5


def test_an_untrained_classifier_is_fitted_first_as_iteration_0(run):
    first = [row for row in run.model.history if row.iteration == 0]
    assert {row.block for row in first} == {"classifier"}
    assert 1 <= len(first) <= OPTIONS.classifier_steps
    assert first[0].objective_before >= np.log(10)


def test_each_iteration_steps_the_propagation_once_and_then_the_classifier(run):
    for iteration in (1, 2, 3):
        names = [row.block for row in run.model.history if row.iteration == iteration]
        assert names[0] == "propagation"
        assert 1 <= names.count("classifier") <= OPTIONS.classifier_steps
        assert names.count("propagation") == 1


def test_training_goes_on_from_a_trained_model_without_iteration_0(run, digits):
    again = train(run.model, digits, WEIGHTS, OPTIONS)
    rows = again.model.history.rows
    assert rows[: len(run.model.history)] == run.model.history.rows
    added = rows[len(run.model.history) :]
    assert [row.iteration for row in added if row.block == "propagation"] == [1, 2, 3]
    assert added[0].objective_before == pytest.approx(run.model.history.rows[-1].objective, rel=1e-13)


def test_the_classifier_alone_is_fitted_and_nothing_else_moves(start, digits):
    """From a start without classifier these are the steps with which a training begins."""
    fitted = fit_classifier(start, digits, WEIGHTS, OPTIONS)
    first = train(start, digits, WEIGHTS, replace(OPTIONS, iterations=1)).model.history
    assert {(row.iteration, row.block) for row in fitted.model.history} == {(0, "classifier")}
    assert [row.objective for row in fitted.model.history] == [
        row.objective for row in first if row.iteration == 0
    ]
    for name in ("opening", "stencils", "biases"):
        np.testing.assert_array_equal(fitted.model.arrays[name], start.arrays[name])
    assert score(fitted.model, digits.inputs, digits.targets).loss < np.log(10)


def test_fitting_the_classifier_goes_on_from_the_one_there_is(run, digits):
    fitted = fit_classifier(run.model, digits, WEIGHTS, OPTIONS)
    rows = fitted.model.history.rows
    assert rows[0].objective_before == pytest.approx(run.model.history.rows[-1].objective, rel=1e-13)
    assert rows[-1].objective < rows[0].objective_before
    assert len(rows) <= OPTIONS.classifier_steps


def test_everything_but_the_parameters_and_the_history_is_kept(start, digits):
    noted = replace(start, record={"seed": 1})
    after = train(noted, digits, WEIGHTS, OPTIONS).model
    assert after.architecture == noted.architecture
    assert after.record == {"seed": 1}
    assert after.preprocessing == noted.preprocessing
    np.testing.assert_array_equal(after.arrays["opening"], noted.arrays["opening"])


def test_a_learned_opening_is_trained():
    start = untrained(4, opening="learned")
    after = train(start, examples(start, images()), options=OPTIONS).model
    assert np.abs(after.arrays["opening"] - start.arrays["opening"]).max() > 1e-3


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_precision_is_kept(dtype):
    assert {str(array.dtype) for array in trained(4, dtype=dtype).arrays.values()} == {dtype}


# Seeds


@pytest.mark.parametrize("step", [train, fit_classifier])
def test_options_of_another_precision_than_the_models_are_refused(step, start, digits):
    with pytest.raises(InputError, match="options ask for float32, the model is float64"):
        step(start, digits, options=OptimizationSection(iterations=1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_without_options_a_model_keeps_its_precision(dtype):
    start = untrained(4, dtype=dtype)
    assert fit_classifier(start, examples(start, images(count=20))).model.dtype == dtype


def test_equal_seeds_give_equal_bits(start, run, digits):
    again = train(start, digits, WEIGHTS, OPTIONS)
    assert same(again.model, run.model)
    for a, b in zip(again.model.history, run.model.history, strict=True):
        assert replace(a, seconds=0.0) == replace(b, seconds=0.0)


def test_another_sample_of_the_hessian_gives_another_model(start, run, digits):
    other = train(start, digits, WEIGHTS, replace(OPTIONS, hessian_seed=1))
    assert not same(other.model, run.model)


def test_the_whole_hessian_needs_no_seed(start, digits):
    options = replace(OPTIONS, hessian_fraction=1.0, iterations=1)
    a, b = (train(start, digits, WEIGHTS, replace(options, hessian_seed=seed)) for seed in (0, 1))
    assert same(a.model, b.model)


# Damping


def test_a_damped_step_is_no_longer_than_the_gradient_over_the_damping(run, digits):
    """‖p‖ ≤ ‖g‖/λ, since the Gauss–Newton matrix is positive semi-definite."""
    for damping in (1e3, 1e5):
        options = replace(OPTIONS, iterations=1, damping=damping)
        after = train(run.model, digits, WEIGHTS, options).model
        row = after.history.rows[len(run.model.history)]
        moved = np.linalg.norm(after.blocks["propagation"] - run.model.blocks["propagation"])
        assert 0 < moved <= 1.001 * row.gradient_norm / damping


def test_damping_adapts_and_descends(start, digits):
    rows = train(start, digits, WEIGHTS, replace(OPTIONS, damping=0.1)).model.history.rows
    accepted = [row for row in rows if row.status == "accepted"]
    assert all(row.objective <= row.objective_before for row in accepted)
    assert rows[-1].objective < 0.5 * rows[0].objective_before


# Memory


def test_a_tight_budget_gives_the_same_values_gradients_and_curvatures(run, digits):
    model, blocks = run.model, run.model.blocks
    one = 2 * problem_of(model, digits, WEIGHTS, OPTIONS).whole.stored * 8
    tight = problem_of(model, digits, WEIGHTS, replace(OPTIONS, memory=3 * one))
    loose = problem_of(model, digits, WEIGHTS, OPTIONS)
    for name, x in blocks.items():
        small, large = tight.block(name, blocks), loose.block(name, blocks)
        assert small.width < digits.count <= large.width
        assert small.value(x) == pytest.approx(large.value(x), rel=1e-14)
        v = np.random.default_rng(0).standard_normal(x.shape)
        # the scale is what the batches add up, which is larger than their sum
        size = np.linalg.norm(large.curvature(x)(v)) + np.linalg.norm(large.curvature(x)(x))
        assert rho(small.value_and_gradient(x)[1], large.value_and_gradient(x)[1], size) <= 30
        assert rho(small.curvature(x)(v), large.curvature(x)(v), size) <= 30


def test_a_tight_budget_is_kept_and_trains_the_same_model():
    start = untrained(8)
    digits = examples(start, images(count=800))
    budget, whole = 2**20, digits.count * start.map.stored * 8
    few = {"propagation_cg_iterations": 3, "classifier_cg_iterations": 3, "classifier_steps": 2}
    peaks, models = [], []
    for memory in (budget, 2**31):
        tracemalloc.start()
        options = replace(OPTIONS, iterations=1, memory=memory, **few)
        models.append(train(start, digits, WEIGHTS, options).model)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] <= 2 * budget < whole / 2 < peaks[1]
    for name, array in models[1].arrays.items():
        np.testing.assert_allclose(models[0].arrays[name], array, rtol=1e-7, atol=1e-9)


def test_a_budget_below_one_example_is_refused_with_what_it_needs(start, digits):
    with pytest.raises(InputError, match=r"needs about \d+ bytes .* budget is 1000; raise the budget"):
        train(start, digits, WEIGHTS, replace(OPTIONS, memory=1000))


@pytest.mark.parametrize(
    ("channels", "memory", "words"),
    [(10**18, 2**31, "fewer channels"), (64, 10**5, "parameters need"), (2, 350_000, "one example needs")],
)
def test_a_network_beyond_the_budget_is_refused_before_it_is_built(channels, memory, words):
    with pytest.raises(InputError, match=words):
        require_memory(Residual(Grid((64, 64)), channels, layers=4), Classes(10), "float32", memory)


# NaN and infinity


def assert_told(result, place):
    assert result.outcome.status is Status.NON_FINITE
    assert result.outcome.message.startswith(place)
    assert "kept the values before that step" in result.outcome.message
    assert result.notes[-1].startswith(place)
    assert all(np.isfinite(array).all() for array in result.model.arrays.values())
    assert result.model.history.rows[-1].status == "non_finite"


@pytest.mark.parametrize(("scale", "dtype"), [(1e30, "float32"), (1e200, "float64")])
def test_stencils_that_overflow_end_with_a_sentence_and_a_finite_model(scale, dtype):
    network = Residual(Grid((4, 4)), 3, activation="relu")
    start = locked(initial_model(network, Classes(10), dtype=dtype, stencil_scale=scale))
    result = train(start, examples(start, images()), options=replace(OPTIONS, dtype=dtype))
    assert_told(result, "Iteration 0, block 'classifier': ")
    assert same(result.model, start)


def switched(monkeypatch, activation):
    """Let the networks' activation return NaN as soon as the switch is on."""
    switch = SimpleNamespace(on=False)

    def function(xp, Z):
        return activation.function(xp, Z) * (np.nan if switch.on else 1.0)

    monkeypatch.setattr(
        residual, "activation", lambda name: replace(activation, name=name, function=function, both=None)
    )
    return switch


@pytest.mark.parametrize("activation", [TANH, RELU], ids=lambda one: one.name)
def test_nan_in_the_middle_of_a_run_keeps_the_model_of_the_iteration_before(monkeypatch, digits, activation):
    switch = switched(monkeypatch, replace(activation, name="other"))
    start = untrained(4, activation="relu")  # the name is only a key: the switch decides what it computes
    seen = []

    def monitor(iteration, blocks, rows):
        seen.append(blocks)
        switch.on = iteration == 2

    result = train(start, digits, WEIGHTS, OPTIONS, monitor)
    assert_told(result, "Iteration 3, block 'propagation': ")
    assert same(result.model, start.with_blocks(seen[1]))
    assert not same(result.model, start.with_blocks(seen[0]))


def test_images_with_nan_never_reach_the_training(digits):
    X = digits.inputs.copy()
    X[3, 5] = np.nan
    with pytest.raises(InputError, match="inputs hold NaN or Inf"):
        replace(digits, inputs=X)


# History and monitor


def test_the_history_has_a_column_for_everything(run):
    columns = run.model.history.columns()
    of_the_model = {"extra/gain_ratio", "extra/predicted_decrease"}
    assert set(columns) == {f.name for f in fields(HistoryRow)} - {"extra"} | of_the_model
    assert {len(column) for column in columns.values()} == {len(run.model.history)}
    assert (columns["seconds"] >= 0).all()
    assert (np.diff(columns["work_units"]) > 0).all()
    assert (columns["cg_iterations"] <= 20).all()
    assert (columns["evaluations"] >= 1).all()
    assert ((columns["step_length"] > 0) == (columns["status"] == b"accepted")).all()


def test_the_monitor_sees_every_iteration_and_its_numbers_stand_in_its_last_row(start, digits):
    seen = []

    def monitor(iteration, blocks, rows):
        seen.append((iteration, [row.block for row in rows]))
        return Observation(
            {"accuracy": score(start.with_blocks(blocks), digits.inputs, digits.targets).accuracy}
        )

    result = train(start, digits, WEIGHTS, OPTIONS, monitor)
    assert [iteration for iteration, _ in seen] == [1, 2, 3]
    measured = [row for row in result.model.history if "accuracy" in row.extra]
    assert [row.iteration for row in measured] == [1, 2, 3]
    final = score(result.model, digits.inputs, digits.targets).accuracy
    assert measured[-1].extra["accuracy"] == final
    assert result.model.history.rows[-1] == measured[-1]


def test_the_monitor_may_stop_the_run(start, digits):
    result = train(start, digits, WEIGHTS, OPTIONS, lambda *_: Observation(stop="Good enough."))
    assert result.outcome.status is Status.STOPPED
    assert result.outcome.message.endswith("Good enough.")
    assert {row.iteration for row in result.model.history} == {0, 1}


def test_the_limit_of_iterations_is_told(run):
    assert run.outcome.status is Status.ITERATION_LIMIT
    assert run.outcome.message.startswith("Iteration 3, all blocks: The limit of iterations")


# Going on


@pytest.mark.parametrize("damping", [0.0, 1e-3])
def test_a_training_goes_on_from_any_checkpoint_as_if_it_had_not_stopped(start, digits, damping):
    options = replace(OPTIONS, iterations=4, damping=damping)
    kept = []
    whole = train(start, digits, WEIGHTS, options, on_checkpoint=kept.append)
    assert [checkpoint.iteration for checkpoint in kept] == [1, 2, 3]
    if damping:
        assert len({checkpoint.damping for checkpoint in kept}) > 1
    for checkpoint in kept:
        again = train(checkpoint, digits, WEIGHTS, options)
        assert same(again.model, whole.model)
        assert again.outcome == whole.outcome
        columns = whole.model.history.columns()
        for name, column in again.model.history.columns().items():
            if name != "seconds":
                np.testing.assert_array_equal(column, columns[name], err_msg=name)


def test_a_training_that_the_monitor_stops_leaves_a_checkpoint_and_one_that_ends_does_not(start, digits):
    kept = []
    stopped = train(
        start, digits, WEIGHTS, OPTIONS, lambda *given: Observation(stop="Enough."), on_checkpoint=kept.append
    )
    assert stopped.outcome.status is Status.STOPPED
    (checkpoint,) = kept
    assert same(checkpoint.model, stopped.model)
    assert len(checkpoint.model.history.rows) == len(stopped.model.history.rows)


def test_a_training_whose_iterations_are_all_done_does_not_go_on(start, digits):
    kept = []
    train(start, digits, WEIGHTS, OPTIONS, on_checkpoint=kept.append)
    with pytest.raises(InputError, match="first_iteration is 3; expected 1 to max_iterations = 2"):
        train(kept[-1], digits, WEIGHTS, replace(OPTIONS, iterations=2))
