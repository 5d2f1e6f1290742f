"""Problem (6) as one object: values, gradients and Gauss–Newton products of its blocks (properties O1-O8)."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.checks import complex_step_test, gauss_newton_test, taylor_test
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.architecture import free_map
from refms.maps.architectures.residual import Residual
from refms.names import BLOCK_NAMES as BLOCKS
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.losses import SoftmaxCrossEntropy
from refms.objective.problem import Block, TrainingProblem
from refms.objective.regularizers import Quadratic, classifier_regularizer, time_regularizer
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

    network = dataclasses.replace(
        block.map, evaluate=watched("evaluate"), linearize=watched("linearize"), parts=()
    )
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


cases = pytest.mark.parametrize(
    ("name", "opening"), [(name, opening) for name in BLOCKS for opening in ("fixed", "learned")]
)


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
    control, blocks = problem(opening=opening)
    f, x = control.block(name, blocks), vector(name, blocks)
    g = f.value_and_gradient(x)[1]
    v = np.random.default_rng(1).standard_normal(x.shape)
    assert taylor_test(f.value, x, v, gradient=g, largest_step=0.5).passed
    report = complex_step_test(f.value, x, v, gradient=g)
    assert report.passed, str(report)


@cases
def test_the_gauss_newton_product_is_the_composition_and_the_explicit_matrix(name, opening):
    control, blocks = problem(opening=opening)
    f, x = control.block(name, blocks), vector(name, blocks)
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
    v = np.random.default_rng(2).standard_normal(x.shape)
    with_R = f.curvature(x)(v)
    assert np.allclose(with_R, unregularized.curvature(x)(v) + f.regularizer.Q @ v, rtol=1e-13, atol=1e-14)


def test_in_the_classifier_block_gauss_newton_is_newton():
    control, blocks = problem()
    f, x = control.block("classifier", blocks), blocks["classifier"]
    v = np.random.default_rng(3).standard_normal(x.shape)
    report = taylor_test(
        f.value,
        x,
        v,
        gradient=f.value_and_gradient(x)[1],
        hessian_product=f.curvature(x)(v),
        largest_step=0.5,
    )
    assert report.passed, str(report)


def test_common_vectors_of_all_classes_are_null_directions():
    control, blocks = problem(weights=(0.0, 0.0))
    f, x = control.block("classifier", blocks), blocks["classifier"]
    w = np.random.default_rng(4).standard_normal(24)
    v = np.concatenate([np.repeat(w, CLASSES), np.full(CLASSES, 0.7)])
    assert abs(f.value_and_gradient(x)[1] @ v) <= 1e-14
    assert np.abs(f.curvature(x)(v)).max() <= 1e-15


def test_subsampled_hessians_average_to_the_full_one():
    control, blocks = problem(m=6)
    f, x = control.block("propagation", blocks), blocks["propagation"]
    v = np.random.default_rng(5).standard_normal(x.shape)
    parts = [
        dataclasses.replace(f, sample=np.array(pair)).curvature(x)(v) for pair in ([0, 3], [1, 5], [2, 4])
    ]
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


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31), width=st.integers(1, 5))
@pytest.mark.parametrize("name", BLOCKS)
def test_batches_do_not_change_the_result_beyond_round_off(name, seed, width):
    control, blocks = problem(seed)
    x, f = vector(name, blocks), control.block(name, blocks)
    g = dataclasses.replace(f, memory=2 * f.map.stored * 8 * width)
    assert g.width == width < f.width
    a, b = f.value_and_gradient(x), g.value_and_gradient(x)
    assert a[0] == pytest.approx(b[0], rel=1e-13)
    assert np.abs(a[1] - b[1]).max() <= 1e-13 * np.abs(a[1]).max()
    v = np.random.default_rng(seed).standard_normal(x.shape)
    Gf, Gg = f.curvature(x)(v), g.curvature(x)(v)
    assert np.abs(Gf - Gg).max() <= 1e-13 * np.abs(Gf).max()


def test_linearisations_made_again_for_want_of_memory_give_the_same_product():
    control, blocks = problem(m=400)
    free = control.block("propagation", blocks)
    need = 400 * (free.map.stored + free.map.rows_in) * 8
    kept, tight = (dataclasses.replace(free, memory=memory) for memory in (need, need - 1))
    assert tight.width == kept.width
    x = blocks["propagation"]
    v = np.random.default_rng(6).standard_normal(x.shape)
    assert np.array_equal(kept.curvature(x)(v), tight.curvature(x)(v))


def test_no_forward_pass_runs_inside_a_product():
    control, blocks = problem(m=20)
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


@pytest.mark.parametrize("name", BLOCKS)
def test_single_precision_is_kept_and_close_to_double(name):
    (single, blocks), (double, _) = problem(dtype="float32"), problem(dtype="float32")
    x = vector(name, blocks)
    value, g = single.block(name, blocks).value_and_gradient(x)
    product = single.block(name, blocks).curvature(x)(x)
    assert g.dtype == product.dtype == "float32"
    wide = widen(double)
    reference = wide.block(name, {k: v.astype(float) for k, v in blocks.items()})
    expected = reference.value_and_gradient(x.astype(float))
    assert value == pytest.approx(expected[0], rel=1e-5)
    assert np.linalg.norm(g - expected[1]) <= 1e-5 * np.linalg.norm(expected[1])


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


def test_what_does_not_fit_is_refused():
    control, blocks = problem()
    with pytest.raises(InputError, match="Did you mean 'classifier'"):
        control.block("clasifier", blocks)
    with pytest.raises(InputError, match="expected"):
        control.block("joint", {**blocks, "classifier": blocks["classifier"][:-1]})
    with pytest.raises(InputError, match="rows of the inputs"):
        dataclasses.replace(control, examples=Examples(np.zeros((5, 2)), np.zeros((3, 2))))
    Q = control.blocks["classifier"].regularizer
    wrong = {
        **control.blocks,
        "propagation": dataclasses.replace(control.blocks["propagation"], regularizer=Q),
    }
    with pytest.raises(InputError, match="regulariser"):
        dataclasses.replace(control, blocks=wrong)
    with pytest.raises(InputError, match="fraction"):
        dataclasses.replace(control, hessian_fraction=0.0)


def test_cost_grows_linearly_with_the_number_of_examples():
    units = []
    for m in (4, 8, 16):
        control, blocks = problem(m=m)
        f = control.block("propagation", blocks)
        f.value_and_gradient(blocks["propagation"])
        units.append(control.work.units)
    assert units == [12, 24, 48]
    assert all(b == 2 * a for a, b in pairwise(units))
