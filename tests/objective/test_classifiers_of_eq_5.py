"""Every classifier of eq. (5), with and without pooling, through the same problem (6) and the same BCD."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_nets import examples, images, trained, untrained
from small_problems import dense

from refms.checks import complex_step_test
from refms.model import score
from refms.names import LOSSES
from refms.objective.losses import loss_named
from refms.optimize.block_coordinate_descent import propagation_then_classifier
from refms.optimize.loop import descend, minimize
from refms.optimize.newton import Newton
from refms.optimize.options import StepOptions
from refms.optimize.stopping import StopRules
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of, train

WEIGHTS = RegularizationSection(
    W_smoothness=1e-2, W_tikhonov=1e-3, theta_smoothness=3e-2, theta_tikhonov=1e-2
)
OPTIONS = OptimizationSection(iterations=2, hessian_fraction=0.5, dtype="float64")
CLASSIFIERS = [*({"loss": name} for name in LOSSES), {"pooling": 2}, {"loss": "logistic", "pooling": 0}]


def names(options):
    return " ".join(map(str, options.values()))


def written_out(loss, Z, C):
    """Return each loss of eq. (5) from its formula, for small logits and labels of 0 and 1."""
    right = np.where(C > 0, Z, -Z)
    if loss == "softmax":
        return (np.log(np.exp(Z).sum(axis=0)) - (C * Z).sum(axis=0)).mean()
    if loss == "least-squares":
        return ((Z - C) ** 2).sum(axis=0).mean() / 2
    if loss == "logistic":
        return np.log(1 + np.exp(-right)).sum(axis=0).mean()
    kinds = [right > 1, right > -1]
    return np.select(kinds, [0 * right, (1 - right) ** 2 / 4], -right).sum(axis=0).mean()


def penalty(model):
    """Return the regularisers of problem (6) from their formulas; those of W on the grid that W lives on."""
    grid, dt = model.classifier.grid, model.architecture.propagation.time.time_step
    w = model.arrays["W"].reshape(model.architecture.channels, *grid.shape, 10)
    slopes = sum((np.diff(w, axis=axis) ** 2).sum() * n**2 for axis, n in enumerate(grid.shape, start=1))
    theta = model.blocks["propagation"].reshape(model.architecture.layers, -1)
    return (
        WEIGHTS.W_smoothness / 2 / grid.cells * slopes
        + WEIGHTS.W_tikhonov / 2 / grid.cells * (model.arrays["W"] ** 2).sum()
        + WEIGHTS.theta_smoothness / 2 * dt * ((np.diff(theta, axis=0) / dt) ** 2).sum()
        + WEIGHTS.theta_tikhonov / 2 * dt * (theta**2).sum()
    )


@pytest.mark.parametrize("options", CLASSIFIERS, ids=names)
@pytest.mark.parametrize("block", ["propagation", "classifier", "joint"])
def test_the_objective_and_its_gradient_are_those_of_the_formula_in_every_block(options, block):
    model = trained(4, **options)
    digits = examples(model, images())
    blocks = model.blocks
    x = np.concatenate(list(blocks.values())) if block == "joint" else blocks[block]
    risk = problem_of(model, digits, WEIGHTS, OPTIONS).block(block, blocks)
    expected = written_out(model.reading.loss, model.outputs(digits.inputs), digits.targets) + penalty(model)
    assert risk.value(x) == pytest.approx(expected, rel=1e-13)
    v = np.random.default_rng(0).standard_normal(x.shape)
    report = complex_step_test(risk.value, x, v, gradient=risk.value_and_gradient(x)[1])
    assert report.passed, report.sentence


@pytest.mark.parametrize("options", CLASSIFIERS, ids=names)
def test_the_classifiers_curvature_is_the_dense_hessian(options):
    """The classifier is linear in (W, μ), so its Gauss–Newton matrix is its Hessian."""
    model = trained(4, channels=1, **options)
    digits = examples(model, images(count=40))
    problem = problem_of(model, digits, WEIGHTS, replace(OPTIONS, hessian_fraction=1.0))
    risk, x = problem.block("classifier", model.blocks), model.blocks["classifier"]
    curvature = risk.curvature(x)
    H = dense(curvature, x.size)
    step = 1e-30
    expected = dense(lambda e: risk.value_and_gradient(x + 1j * step * e)[1].imag / step, x.size)
    np.testing.assert_allclose(H, expected, rtol=0, atol=1e-12 * np.abs(H).max())
    assert np.linalg.eigvalsh((H + H.T) / 2).min() >= -1e-13 * np.abs(H).max()


def test_one_exact_newton_step_solves_the_normal_equations_of_least_squares():
    start = untrained(4, loss="least-squares")
    digits = examples(start, images())
    problem = problem_of(start, digits, WEIGHTS, OPTIONS)
    risk, x = problem.block("classifier", start.blocks), start.blocks["classifier"]
    step = StepOptions(cg_tolerance=1e-13, cg_iterations=2000)
    found = minimize(risk, x, Newton(step), stop=StopRules(max_iterations=1)).x
    # min ½/m ‖h^d Wᵀ Y + μ 1ᵀ − C‖² + ½ Σ_j w_jᵀ Q w_j, one least-squares problem a class
    Y, m = problem.features("classifier", start.blocks), digits.count
    A = np.vstack([start.grid.cell_volume * Y, np.ones(m)]).T
    one = slice(0, Y.shape[0] * 10, 10)
    Q = np.zeros((Y.shape[0] + 1,) * 2)
    Q[:-1, :-1] = risk.regularizer.Q.toarray()[one, one]
    expected = np.linalg.solve(A.T @ A / m + Q, A.T @ digits.targets.T / m)
    np.testing.assert_allclose(found.reshape(-1, 10), expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("options", CLASSIFIERS, ids=names)
def test_the_same_block_coordinate_descent_trains_every_classifier(options):
    start = untrained(8, dtype="float32", **options)
    digits = examples(start, images(count=600))
    model = train(start, digits, options=OptimizationSection(iterations=3, hessian_fraction=0.5)).model
    assert (model.reading.loss, model.reading.pooling) == (start.reading.loss, start.reading.pooling)
    rows = [row for row in model.history if row.status == "accepted"]
    assert all(row.objective <= row.objective_before for row in rows)
    assert {row.block for row in rows} == {"propagation", "classifier"}
    assert {str(array.dtype) for array in model.arrays.values()} == {"float32"}
    # a mean over the whole mesh knows nothing of where: three channels are three numbers an image
    least = 0.25 if model.reading.pooling == 0 else 0.85
    assert score(model, digits.inputs, digits.targets).accuracy > least


@pytest.mark.parametrize("options", CLASSIFIERS, ids=names)
def test_the_score_is_that_of_the_models_own_loss(options):
    model = trained(4, **options)
    digits = examples(model, images(count=50))
    Z = model.outputs(digits.inputs)
    found = score(model, digits.inputs, digits.targets)
    assert found.loss == pytest.approx(written_out(model.reading.loss, Z, digits.targets), rel=1e-13)
    assert found.accuracy == np.mean(Z.argmax(axis=0) == digits.targets.argmax(axis=0))


@pytest.mark.parametrize("options", CLASSIFIERS, ids=names)
def test_batches_and_checkpoints_in_time_change_nothing(options):
    model = trained(4, **options)
    digits = examples(model, images())
    results = []
    for memory in (2**30, 10**5):
        problem = problem_of(model, digits, WEIGHTS, replace(OPTIONS, memory=memory))
        risk, x = problem.block("joint", model.blocks), np.concatenate([*model.blocks.values()])
        results.append((risk.value(x), risk.value_and_gradient(x)[1], risk.curvature(x)(x)))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_pooling_trains_what_piecewise_constant_weights_would_be():
    """The pooled problem is the full one restricted to W = P w, but for the regulariser of W."""
    pooled = trained(8, pooling=2)
    digits = examples(pooled, images(count=50))
    cells = pooled.arrays["W"].reshape(3, 4, 4, 10).repeat(2, axis=1).repeat(2, axis=2)
    reading, wide = replace(pooled.reading, pooling=1), {**pooled.arrays, "W": cells.reshape(-1, 10)}
    full = replace(pooled, reading=reading, arrays=wide)
    np.testing.assert_allclose(full.outputs(digits.inputs), pooled.outputs(digits.inputs), rtol=0, atol=1e-12)
    free = RegularizationSection(W_smoothness=0.0, W_tikhonov=0.0)
    blocks = [problem_of(m, digits, free, OPTIONS).block("propagation", m.blocks) for m in (full, pooled)]
    theta = pooled.blocks["propagation"]
    (value, gradient), (other, of_pooled) = (risk.value_and_gradient(theta) for risk in blocks)
    assert other == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(of_pooled, gradient, rtol=0, atol=1e-13)


def test_losses_by_name_and_by_hand_are_the_same_descent():
    start = untrained(4, loss="logistic")
    digits = examples(start, images())
    softmax = replace(start, reading=replace(start.reading, loss="softmax"))
    problem = replace(problem_of(softmax, digits, WEIGHTS, OPTIONS), loss=loss_named("logistic"))
    schedule = propagation_then_classifier(StepOptions(), StepOptions())
    stop = StopRules(max_iterations=1)
    by_hand = descend(problem, start.blocks, schedule, stop=stop)
    by_name = descend(problem_of(start, digits, WEIGHTS, OPTIONS), start.blocks, schedule, stop=stop)
    for name, vector in by_hand.blocks.items():
        np.testing.assert_array_equal(vector, by_name.blocks[name])
