"""Softmax cross entropy against exact arithmetic and its own laws (properties S1-S15)."""

from __future__ import annotations

import warnings
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_problems import dense, logits_and_labels

from refms.checks import taylor_test
from refms.objective.losses import SoftmaxCrossEntropy, softmax

LOSS = SoftmaxCrossEntropy()
EPS = np.finfo(float).eps
seeds = st.integers(0, 2**31)


def exact(z, c):
    """Loss and probabilities of one example with 60 decimal digits."""
    with localcontext() as context:
        context.prec = 60
        powers = [Decimal(float(v)).exp() for v in z]
        total = sum(powers)
        loss = sum(Decimal(float(w)) * (total.ln() - Decimal(float(v))) for v, w in zip(z, c, strict=True))
        return float(loss), np.array([float(p / total) for p in powers])


@settings(max_examples=40)
@given(seed=seeds, classes=st.integers(2, 6), scale=st.sampled_from([1e-6, 1.0, 30.0, 300.0]))
def test_value_and_probabilities_are_those_of_60_digits(seed, classes, scale):
    Z, C = logits_and_labels(seed, classes, 1, scale)
    loss, p = exact(Z[:, 0], C[:, 0])
    E = LOSS.evaluate(Z, C)
    assert abs(E.value - loss) <= 30 * EPS * (abs(loss) + np.abs(Z).max() + 1)
    assert np.abs(E.probabilities[:, 0] - p).max() <= 30 * EPS * (1 + np.abs(Z).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_finite_logits_overflow(dtype):
    big = float(np.finfo(dtype).max)
    for column in ([big, -big, 0.0], [-big, -big, -big], [big, big, big], [0.0, 1.0, -big], [big, 0.0, -big]):
        Z = np.array(column, dtype=dtype)[:, None]
        for label in range(3):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                E = LOSS.evaluate(Z, np.eye(3, dtype=dtype)[:, [label]])
                H = E.hessian_product(np.ones_like(Z))
            assert all(np.isfinite(found).all() for found in (E.value, E.gradient, H))
            assert E.gradient.dtype == dtype


def test_equal_logits_cost_the_logarithm_of_the_number_of_classes():
    C = np.eye(5)[:, :3]
    assert LOSS.evaluate(np.full((5, 3), 7.0), C).value == pytest.approx(np.log(5), rel=4 * EPS)


@settings(max_examples=30)
@given(seed=seeds)
def test_shifting_an_example_changes_nothing(seed):
    Z, C = logits_and_labels(seed)
    shift = 1024.0 * np.random.default_rng(seed).integers(-3, 4, Z.shape[1])
    Z = np.round(Z * 2**20) / 2**20  # so that adding the shift is exact
    a, b = LOSS.evaluate(Z, C), LOSS.evaluate(Z + shift, C)
    assert a.value == b.value
    assert np.array_equal(a.gradient, b.gradient)


@settings(max_examples=30)
@given(seed=seeds, classes=st.integers(2, 6))
def test_gradient_and_hessian_obey_their_laws(seed, classes):
    Z, C = logits_and_labels(seed, classes, 1)
    E = LOSS.evaluate(Z, C)
    g = E.gradient[:, 0]
    assert abs(g.sum()) <= 4 * EPS
    assert np.abs(g).sum() <= 2 + EPS
    H = dense(lambda e: E.hessian_product(e[:, None])[:, 0], classes)
    p = E.probabilities[:, 0]
    fisher = sum(p[c] * np.outer(p - e, p - e) for c, e in enumerate(np.eye(classes)))
    assert np.abs(H - fisher).max() <= 8 * EPS
    assert np.abs(H @ np.ones(classes)).max() <= 4 * EPS
    eigenvalues = np.linalg.eigvalsh((H + H.T) / 2)
    assert eigenvalues.min() >= -8 * EPS
    assert eigenvalues.max() <= 0.5 + 8 * EPS
    assert np.sum(eigenvalues > 1e-12) == classes - 1


def test_two_classes_are_logistic_regression():
    z = np.linspace(-30, 30, 13)
    Z = np.stack([z, np.zeros_like(z)])
    C = np.stack([np.ones_like(z), np.zeros_like(z)])
    assert LOSS.evaluate(Z, C).value == pytest.approx(np.logaddexp(0, -z).mean(), rel=8 * EPS)


@settings(max_examples=20)
@given(seed=seeds)
def test_taylor_orders_with_the_full_hessian(seed):
    Z, C = logits_and_labels(seed)
    V = np.random.default_rng(seed + 1).standard_normal(Z.shape)
    E = LOSS.evaluate(Z, C)
    report = taylor_test(
        lambda z: LOSS.evaluate(z, C).value, Z, V, gradient=E.gradient, hessian_product=E.hessian_product(V)
    )
    assert report.passed, str(report)


@settings(max_examples=20)
@given(seed=seeds)
def test_soft_labels_enter_linearly(seed):
    Z, _ = logits_and_labels(seed)
    A, B = np.random.default_rng(seed).random((2, *Z.shape))
    both, a, b = (LOSS.evaluate(Z, C) for C in (A + 2 * B, A, B))
    assert both.value == pytest.approx(a.value + 2 * b.value, rel=1e-14)
    assert np.abs(both.gradient - a.gradient - 2 * b.gradient).max() <= 1e-14
    expected = a.hessian_product(B) + 2 * b.hessian_product(B)
    assert np.abs(both.hessian_product(B) - expected).max() <= 1e-14


def test_the_loss_falls_as_the_true_logit_rises_and_is_convex():
    Z, C = logits_and_labels(2, m=1)
    values = [LOSS.evaluate(Z + t * C, C).value for t in np.linspace(-3, 3, 7)]
    assert np.all(np.diff(values) < 0)
    assert np.all(np.diff(values, 2) > 0)


@settings(max_examples=20)
@given(seed=seeds, scale=st.sampled_from([1.0, 300.0]))
def test_complex_steps_give_the_derivatives_to_round_off(seed, scale):
    Z, C = logits_and_labels(seed, scale=scale)
    V = np.random.default_rng(seed + 1).standard_normal(Z.shape)
    real, stepped = LOSS.evaluate(Z, C), LOSS.evaluate(Z + 1e-30j * V, C)
    assert (type(real.value), type(stepped.value)) == (float, complex)
    assert stepped.value.real == pytest.approx(real.value, rel=4 * EPS)
    assert stepped.value.imag / 1e-30 == pytest.approx(np.sum(real.gradient * V), rel=0, abs=30 * EPS)
    products = stepped.gradient.imag / 1e-30
    assert np.abs(products - real.hessian_product(V)).max() <= 30 * EPS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_up_to_the_largest_number_are_told_and_larger_ones_are_that(dtype):
    big = np.finfo(dtype).max
    C = np.array([[0], [1]], dtype=dtype)
    for column, loss in (([big, 0], big), ([big, -big], big), ([big / 4, -big / 4], big / 2)):
        Z = np.array(column, dtype=dtype)[:, None]
        for logits in (Z, Z.astype("complex64" if dtype == "float32" else "complex128")):
            value = LOSS.evaluate(logits, C).value
            assert value.real == pytest.approx(float(loss), rel=1e-6)
            assert value.imag == 0
    stepped = np.array([[big], [-big + 1e-30j]]).astype("complex64" if dtype == "float32" else "complex128")
    assert LOSS.evaluate(stepped, C).value.imag == pytest.approx(-1e-30)  # its derivative is still told


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_softmax_columns_sum_to_one_in_the_precision_of_the_logits(dtype):
    p = softmax(logits_and_labels(4)[0].astype(dtype))
    assert p.dtype == dtype
    assert np.abs(p.sum(axis=0) - 1).max() <= 4 * np.finfo(dtype).eps
