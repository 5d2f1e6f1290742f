"""Problem (6) as one object: values, gradients and Gauss–Newton products of its blocks (properties O1-O8)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.checks import complex_step_test, gauss_newton_test, taylor_test
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.architecture import free_map
from refms.maps.architectures.residual import Residual
from refms.maps.layers.convolution import convolution_map
from refms.maps.layers.linear import matrix_map
from refms.names import BLOCK_NAMES as BLOCKS
from refms.objective.batches import SHARES
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.losses import LeastSquares, SoftmaxCrossEntropy
from refms.objective.problem import Block, TrainingProblem
from refms.objective.regularizers import (
    Quadratic,
    classifier_regularizer,
    tikhonov_regularizer,
    time_regularizer,
)
from refms.stencils.convolution import Convolution

CLASSES = 3


def problem(seed=0, m=7, opening="fixed", dtype="float64", weights=(0.1, 0.02), **options):
    net = Residual(Grid((3, 4)), 2, final_time=1.3, opening=opening)
    rng = np.random.default_rng(seed)
    map_ = free_map(net, net.initial(seed, dtype))
    classifier = Classifier(net.grid, 2, CLASSES)
    X = rng.standard_normal((12, m)).astype(dtype)
    C = np.eye(CLASSES, dtype=dtype)[rng.integers(0, CLASSES, m)].T.copy()
    leading = map_.layout.size - net.propagation.layout.size
    in_time = time_regularizer(net.propagation.time, *weights, leading, dtype)
    in_space = classifier_regularizer(classifier, *weights, dtype)
    parts = {"propagation": Block(map_, in_time), "classifier": Block(classifier.map, in_space, None, False)}
    control = TrainingProblem(parts, Examples(X, C), **options)
    blocks = {
        "propagation": (0.5 * rng.standard_normal(map_.layout.size)).astype(dtype),
        "classifier": (3 * rng.standard_normal(classifier.layout.size)).astype(dtype),
    }
    return control, blocks


def watch(control):
    """The problem with a network that writes down what is asked of it, and where."""
    block, calls = control.blocks["propagation"], []

    def watched(name):
        def call(*arguments):
            calls.append(name)
            return getattr(block.map, name)(*arguments)

        return call

    calls_of = {name: watched(name) for name in ("evaluate", "linearize")}
    network = dataclasses.replace(block.map, **calls_of, parts=())
    parts = {**control.blocks, "propagation": dataclasses.replace(block, map=network)}
    return dataclasses.replace(control, blocks=parts), calls


def widen(control):
    """The problem in double precision, with the same numbers."""
    network = problem()[0].blocks
    parts = {
        key: dataclasses.replace(
            part, map=network[key].map, regularizer=Quadratic(part.regularizer.Q.astype(float))
        )
        for key, part in control.blocks.items()
    }
    wide = Examples(*(a.astype(float) for a in (control.examples.inputs, control.examples.targets)))
    return dataclasses.replace(control, blocks=parts, examples=wide)


def vector(name, blocks):
    if name == "joint":
        return np.concatenate([blocks["propagation"], blocks["classifier"]])
    return blocks[name]


def risk_at_point(name, seed, **options):
    """A block of the problem, its point, and a random direction."""
    control, blocks = problem(**options)
    x = vector(name, blocks)
    return control.block(name, blocks), x, np.random.default_rng(seed).standard_normal(x.shape)


cases = pytest.mark.parametrize(
    ("name", "opening"), [(name, opening) for name in BLOCKS for opening in ("fixed", "learned")]
)


second_order_too = pytest.mark.parametrize("second_order", [False, True], ids=["Gauss-Newton", "Hessian"])


def test_the_value_is_formula_six_written_out():
    control, blocks = problem()
    theta, omega = blocks["propagation"], blocks["classifier"]
    X, C = control.examples.inputs, control.examples.targets
    stencils = theta.reshape(2, -1)
    L = control.blocks["propagation"].map.constants[0]
    conv = Convolution(Grid((3, 4)), 2, 2)
    y = np.concatenate([w * X for w in L])
    for row in stencils:
        K = conv.matrix(row[:-2].reshape(2, 2, 3, 3)).toarray()
        y = y + 0.65 * np.tanh(K @ y + np.repeat(row[-2:], 12)[:, None])
    W, mu = omega[:-3].reshape(24, 3), omega[-3:]
    Z = W.T @ y / 12 + mu[:, None]
    cross_entropy = np.mean(np.log(np.exp(Z).sum(axis=0)) - (C * Z).sum(axis=0))
    penalty = 0.1 / 2 * 0.65 * np.sum(((stencils[1] - stencils[0]) / 0.65) ** 2)
    penalty += 0.02 / 2 * 0.65 * np.sum(theta**2)
    w = W.reshape(2, 3, 4, 3)
    penalty += 0.1 / 2 / 12 * (np.sum((np.diff(w, axis=1) * 3) ** 2) + np.sum((np.diff(w, axis=2) * 4) ** 2))
    penalty += 0.02 / 2 / 12 * np.sum(W**2)
    for name in BLOCKS:
        value = control.block(name, blocks).value(vector(name, blocks))
        assert value == pytest.approx(cross_entropy + penalty, rel=1e-14)


@cases
def test_gradients_pass_taylor_and_complex_step(name, opening):
    f, x, v = risk_at_point(name, 1, opening=opening)
    g = f.value_and_gradient(x)[1]
    assert taylor_test(f.value, x, v, gradient=g, largest_step=0.5).passed
    report = complex_step_test(f.value, x, v, gradient=g)
    assert report.passed, str(report)


@cases
def test_the_gauss_newton_product_is_the_composition_and_the_explicit_matrix(name, opening):
    f, x, v = risk_at_point(name, 2, opening=opening)
    unregularized = dataclasses.replace(f, regularizer=Quadratic(0 * f.regularizer.Q))
    F = f.map.at(x, f.examples.inputs)
    loss = SoftmaxCrossEntropy().evaluate(F.output, f.examples.targets)
    report = gauss_newton_test(
        unregularized.curvature(x),
        F.jvp,
        lambda G: F.vjp(G, wrt_input=False)[0],
        loss.hessian_product,
        x.shape,
        explicit=True,
    )
    assert report.passed, str(report)
    with_R = f.curvature(x)(v)
    assert np.allclose(with_R, unregularized.curvature(x)(v) + f.regularizer.Q @ v, rtol=1e-13, atol=1e-14)


def test_common_vectors_of_all_classes_are_null_directions():
    control, blocks = problem(weights=(0.0, 0.0))
    f, x = control.block("classifier", blocks), blocks["classifier"]
    w = np.random.default_rng(4).standard_normal(24)
    v = np.concatenate([np.repeat(w, CLASSES), np.full(CLASSES, 0.7)])
    assert abs(f.value_and_gradient(x)[1] @ v) <= 1e-14
    assert np.abs(f.curvature(x)(v)).max() <= 1e-15


@second_order_too
@pytest.mark.parametrize("name", ["propagation", "joint"])
def test_subsampled_hessians_average_to_the_full_one(name, second_order):
    f, x, v = risk_at_point(name, 5, m=6, second_order=second_order)
    samples = np.array([[0, 3], [1, 5], [2, 4]])
    parts = [dataclasses.replace(f, sample=sample).curvature(x)(v) for sample in samples]
    assert np.allclose(np.mean(parts, axis=0), f.curvature(x)(v), rtol=1e-12, atol=1e-15)


def test_iterations_draw_their_own_samples_and_gradients_use_all_examples():
    control, blocks = problem(m=40, hessian_fraction=0.2, seed=1)
    first, again, second = (control.block("propagation", blocks, k) for k in (1, 1, 2))
    assert first.sample.size == 8
    assert np.array_equal(first.sample, again.sample)
    assert not np.array_equal(first.sample, second.sample)
    x = blocks["propagation"]
    full = dataclasses.replace(control, hessian_fraction=1.0).block("propagation", blocks)
    assert np.array_equal(first.value_and_gradient(x)[1], full.value_and_gradient(x)[1])
    assert control.block("classifier", blocks, 1).sample is None


@settings(max_examples=10)
@given(seed=st.integers(0, 2**31), width=st.integers(1, 5))
@pytest.mark.parametrize("name", BLOCKS)
def test_batches_do_not_change_the_result_beyond_round_off(name, seed, width):
    control, blocks = problem(seed)
    x, f = vector(name, blocks), control.block(name, blocks)
    g = dataclasses.replace(f, memory=SHARES * 2 * f.map.stored * 8 * width)
    assert g.width == width < f.width
    a, b = f.value_and_gradient(x), g.value_and_gradient(x)
    assert a[0] == pytest.approx(b[0], rel=1e-13)
    assert np.abs(a[1] - b[1]).max() <= 1e-13 * np.abs(a[1]).max()
    v = np.random.default_rng(seed).standard_normal(x.shape)
    Gf, Gg = f.curvature(x)(v), g.curvature(x)(v)
    assert np.abs(Gf - Gg).max() <= 1e-13 * np.abs(Gf).max()


@second_order_too
def test_linearisations_made_again_for_want_of_memory_give_the_same_product(second_order):
    f, x, v = risk_at_point("propagation", 6, m=400, second_order=second_order)
    need = 400 * ((1 + second_order) * f.map.stored + f.map.rows_in) * 8
    kept, tight = (dataclasses.replace(f, memory=memory) for memory in (need, need - 1))
    assert tight.width == kept.width
    assert np.array_equal(kept.curvature(x)(v), tight.curvature(x)(v))


@second_order_too
def test_no_forward_pass_runs_inside_a_product(second_order):
    control, blocks = problem(m=20, second_order=second_order)
    counted, calls = watch(control)
    for name in BLOCKS:
        x = vector(name, blocks)
        product = counted.block(name, blocks).curvature(x)
        assert calls
        calls.clear()
        for _ in range(5):
            product(x)
        assert not calls, name


def test_features_of_the_classifier_block_are_propagated_once():
    control, blocks = problem(m=20)
    f = control.block("classifier", blocks)
    before = control.work.units
    f.value(blocks["classifier"])
    share = f.unit
    assert 0 < share < 0.2
    assert control.work.units - before == pytest.approx(20 * share)
    streaming = dataclasses.replace(control, memory=control.features("classifier", blocks).nbytes)
    g = streaming.block("classifier", blocks)
    assert g.unit == 1.0
    assert g.value(blocks["classifier"]) == pytest.approx(f.value(blocks["classifier"]), rel=1e-14)


def test_the_order_of_examples_does_not_matter():
    control, blocks = problem(m=9)
    order = np.random.default_rng(7).permutation(9)
    other = dataclasses.replace(control, examples=control.examples.take(order))
    x = vector("joint", blocks)
    a, b = (c.block("joint", blocks).value_and_gradient(x) for c in (control, other))
    assert a[0] == pytest.approx(b[0], rel=1e-14)
    assert np.abs(a[1] - b[1]).max() <= 1e-14


@second_order_too
@pytest.mark.parametrize("name", BLOCKS)
def test_single_precision_is_kept_and_close_to_double(name, second_order):
    single, blocks = problem(dtype="float32", second_order=second_order)
    x, double = vector(name, blocks), widen(single)
    y, risk = x.astype(float), single.block(name, blocks)
    reference = double.block(name, {k: v.astype(float) for k, v in blocks.items()})
    (value, g), expected = risk.value_and_gradient(x), reference.value_and_gradient(y)
    assert value == pytest.approx(expected[0], rel=1e-5)
    pairs = [(g, expected[1]), (risk.curvature(x)(x), reference.curvature(y)(y))]
    for found, wanted in pairs:
        assert found.dtype == "float32"
        assert np.linalg.norm(found - wanted) <= 1e-5 * np.linalg.norm(wanted)


def test_inputs_stay_as_they_are(locked):
    control, blocks = problem()
    blocks = {name: locked(x) for name, x in blocks.items()}
    for name in BLOCKS:
        x = locked(vector(name, blocks))
        f = control.block(name, blocks)
        f.value_and_gradient(x)
        f.curvature(x)(x)


def test_overflow_comes_back_as_a_value_that_is_not_finite():
    control, blocks = problem()
    f = control.block("classifier", blocks)
    with np.errstate(over="ignore", invalid="ignore"):
        assert not np.isfinite(f.value(1e308 * np.sign(blocks["classifier"]) * 1.5))


def test_cost_grows_linearly_with_the_number_of_examples():
    units = []
    for m in (4, 8, 16):
        control, blocks = problem(m=m)
        f = control.block("propagation", blocks)
        f.value_and_gradient(blocks["propagation"])
        units.append(control.work.units)
    assert units == [12, 24, 48]


def test_precisions_and_names_that_would_pass_unseen_are_refused():
    F = matrix_map(np.eye(4, dtype="float32"))
    examples = Examples(np.ones((4, 3), "float32"), np.ones((4, 3), "float32"))
    theta = convolution_map(Convolution(Grid((4,)), stencil_shape=(3,)))
    single, double = (tikhonov_regularizer(3, 1.0, dtype) for dtype in ("float32", "float64"))
    x = {"a": np.ones(3, "float32")}
    with pytest.raises(InputError, match="inputs is float32, regularizer is float64"):
        TrainingProblem({"a": Block(theta, double)}, examples).block("a", x)
    f = TrainingProblem({"a": Block(theta, single)}, examples, LeastSquares()).block("a", x)
    product = f.curvature(x["a"])
    assert product(x["a"]).dtype == "float32"
    with pytest.raises(InputError, match=r"dtype float64; expected .* and float32"):
        product(np.ones(3))
    for blocks in ({}, {"joint": Block(F, Quadratic(sp.csr_array((0, 0), dtype="float32")))}):
        with pytest.raises(InputError, match="expected at least one, and none named 'joint'"):
            TrainingProblem(blocks, examples)
