"""Least squares, logistic regression and the smooth hinge against exact arithmetic and their own laws."""

from __future__ import annotations

import math
import warnings
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_problems import dense, logits_and_labels

from refms.checks import taylor_test
from refms.errors import InputError
from refms.names import LOSSES
from refms.objective.losses import (
    LeastSquares,
    LogisticRegression,
    SmoothHinge,
    SoftmaxCrossEntropy,
    loss_named,
)

EPS = np.finfo(float).eps
WIDTHS = (2.0, 0.5, 0.01)
SEPARABLE = {
    "least-squares": LeastSquares(),
    "logistic": LogisticRegression(),
    **{f"smooth-hinge {width}": SmoothHinge(width) for width in WIDTHS},
}
EVERY = {"softmax": SoftmaxCrossEntropy(), **SEPARABLE}
seeds = st.integers(0, 2**31)


def exact(name, z, c):
    """Return one term and its two derivatives with 60 decimal digits, from another formula."""
    with localcontext() as context:
        context.prec = 60
        z, c, one = Decimal(float(z)), Decimal(float(c)), Decimal(1)
        if name == "least-squares":
            return float((z - c) ** 2 / 2), float(z - c), 1.0
        if name == "logistic":
            p = one / (one + (-z).exp())
            return float(-(c * p.ln() + (1 - c) * (1 - p).ln())), float(p - c), float(p * (1 - p))
        width = Decimal(float(name.split()[1]))
        found = [Decimal(0)] * 3
        for weight, sign in ((c, 1), (1 - c, -1)):
            lack = 1 - sign * z
            if lack > width:
                terms = (lack - width / 2, Decimal(-sign), Decimal(0))
            elif lack > 0:
                terms = (lack**2 / (2 * width), -sign * lack / width, 1 / width)
            else:
                terms = (Decimal(0),) * 3
            found = [a + weight * b for a, b in zip(found, terms, strict=True)]
        return tuple(map(float, found))


@settings(max_examples=40)
@given(seed=seeds, scale=st.sampled_from([1e-6, 1.0, 30.0]))
@pytest.mark.parametrize("name", SEPARABLE)
def test_terms_and_derivatives_are_those_of_60_digits(name, seed, scale):
    Z, C = logits_and_labels(seed, 3, 2, scale)
    C = np.where(np.random.default_rng(seed).random(Z.shape) < 0.5, C, 0.25)  # soft labels too
    E = SEPARABLE[name].evaluate(Z, C, count=1)
    terms = np.array([exact(name, z, c) for z, c in zip(Z.flat, C.flat, strict=True)])
    size = 1 + np.abs(Z).max() + 1 / 0.01
    assert abs(E.value - terms[:, 0].sum()) <= 4 * EPS * (
        np.abs(terms[:, 0]).sum() + size * (name != "logistic")
    )
    assert np.abs(E.gradient.ravel() - terms[:, 1]).max() <= 8 * EPS * size
    assert np.abs(E.hessian_diagonal.ravel() - terms[:, 2]).max() <= 8 * EPS * size


def test_small_logistic_losses_keep_their_digits():
    """log(1 + e^-z) of right answers: not what is left of log(1 + e^z) − z."""
    for z in (20.0, 40.0, 300.0):
        E = LogisticRegression().evaluate(np.array([[z], [-z]]), np.array([[1.0], [0.0]]))
        assert E.value == pytest.approx(2 * math.exp(-z), rel=1e-8, abs=0)
        assert E.gradient[0, 0] == pytest.approx(-math.exp(-z), rel=1e-8, abs=0)
        assert E.hessian_diagonal[1, 0] == pytest.approx(math.exp(-z), rel=1e-8, abs=0)


@settings(max_examples=20)
@given(seed=seeds)
def test_logistic_regression_is_softmax_of_two_classes_for_each_class(seed):
    Z, C = logits_and_labels(seed)
    E = LogisticRegression().evaluate(Z, C)
    pairs = [
        SoftmaxCrossEntropy().evaluate(np.stack([z, 0 * z]), np.stack([c, 1 - c]))
        for z, c in zip(Z, C, strict=True)
    ]
    assert E.value == pytest.approx(sum(pair.value for pair in pairs), rel=1e-14)
    np.testing.assert_allclose(E.gradient, [pair.gradient[0] for pair in pairs], atol=1e-15)


@pytest.mark.parametrize("width", [1.0, 0.1, 0.01, 0.001])
def test_the_smooth_hinge_is_below_the_hinge_by_at_most_half_its_width(width):
    """And by just that on the whole straight piece: the error is of order one in the width."""
    z = np.linspace(-3, 3, 2401)[None]
    ones, zeros = np.ones_like(z), np.zeros_like(z)
    for C, u in ((ones, z), (zeros, -z)):
        values = [SmoothHinge(width).evaluate(z[:, [k]], C[:, [k]]).value for k in range(z.size)]
        gap = np.maximum(0.0, 1.0 - u[0]) - np.array(values)
        assert gap.min() >= -4 * EPS
        assert gap.max() == pytest.approx(width / 2, rel=1e-10)
        assert np.abs(gap[u[0] >= 1]).max() == 0
        assert gap[u[0] <= 1 - width].min() == pytest.approx(width / 2, rel=1e-10)


def test_the_widest_hinge_is_a_quarter_of_the_modified_huber_loss():
    z = np.linspace(-3, 3, 61)
    huber = np.where(z >= -1, np.maximum(0, 1 - z) ** 2, -4 * z)
    assert SmoothHinge().evaluate(z[None], np.ones((1, 61))).value == pytest.approx(
        huber.mean() / 4, rel=1e-14
    )


def test_curvature_jumps_at_both_ends_of_the_rounded_piece_and_is_taken_from_inside():
    ends = np.array([[1.0, 0.5, 1.0 + 1e-12, 0.5 - 1e-12]])
    E = SmoothHinge(0.5).evaluate(ends, np.ones_like(ends), count=1)
    assert E.hessian_diagonal.tolist() == [[2.0, 2.0, 0.0, 0.0]]
    assert E.gradient[0, :2].tolist() == [0.0, -1.0]


@settings(max_examples=20)
@given(seed=seeds)
@pytest.mark.parametrize("name", SEPARABLE)
def test_taylor_orders(name, seed):
    """Away from where third derivatives vanish or cancel, and from the kinks of φ′."""
    Z, C = logits_and_labels(seed)
    rng = np.random.default_rng(seed)
    Z = np.sign(Z) * rng.uniform(0.7, 2.0, Z.shape)
    V = -np.sign(Z) * rng.uniform(0.2, 1.0, Z.shape)
    if name.startswith("smooth-hinge"):
        inside = [0.2, -0.2] if float(name.split()[1]) > 0.5 else []
        Z, V = rng.choice([-2.0, 2.0, *inside], Z.shape), 0.1 * V
    E = SEPARABLE[name].evaluate(Z, C)
    derivatives = {"gradient": E.gradient, "hessian_product": E.hessian_product(V)}
    report = taylor_test(lambda z: SEPARABLE[name].evaluate(z, C).value, Z, V, **derivatives)
    assert report.passed, str(report)


@settings(max_examples=20)
@given(seed=seeds)
@pytest.mark.parametrize("name", EVERY)
def test_complex_steps_give_the_derivatives_to_round_off(name, seed):
    """Kinks of the hinge are met with probability zero."""
    Z, C = logits_and_labels(seed)
    V = np.random.default_rng(seed + 1).standard_normal(Z.shape)
    real, stepped = EVERY[name].evaluate(Z, C), EVERY[name].evaluate(Z + 1e-30j * V, C)
    assert (type(real.value), type(stepped.value)) == (float, complex)
    assert stepped.value.real == pytest.approx(real.value, rel=8 * EPS)
    assert stepped.value.imag / 1e-30 == pytest.approx(np.sum(real.gradient * V), rel=0, abs=100 * EPS)
    products = real.hessian_product(V)
    assert np.abs(stepped.gradient.imag / 1e-30 - products).max() <= 30 * EPS * max(1, np.abs(products).max())


@settings(max_examples=20)
@given(seed=seeds, scale=st.sampled_from([1.0, 1e4]))
@pytest.mark.parametrize("name", EVERY)
def test_the_hessian_is_symmetric_and_positive_semi_definite_and_its_diagonal_is_told(name, seed, scale):
    Z, C = logits_and_labels(seed, 4, 2, scale)
    E = EVERY[name].evaluate(Z, C)
    H = dense(lambda e: E.hessian_product(e.reshape(Z.shape)).ravel(), Z.size)
    assert np.abs(H - H.T).max() <= 4 * EPS
    assert np.linalg.eigvalsh(H).min() >= -8 * EPS
    np.testing.assert_allclose(E.hessian_diagonal.ravel(), np.diag(H), rtol=1e-13, atol=1e-300)


@settings(max_examples=30)
@given(seed=seeds, scale=st.sampled_from([0.1, 1.0, 100.0]))
@pytest.mark.parametrize("name", EVERY)
def test_the_loss_is_convex_along_every_line(name, seed, scale):
    Z, C = logits_and_labels(seed, scale=scale)
    V = scale * np.random.default_rng(seed + 1).standard_normal(Z.shape)
    a, middle, b = (EVERY[name].evaluate(Z + t * V, C).value for t in (-1.0, 0.0, 1.0))
    assert middle <= (a + b) / 2 + 8 * EPS * (1 + abs(a) + abs(b))
    assert min(a, middle, b) >= 0


@pytest.mark.parametrize("name", EVERY)
def test_batches_add_up_to_the_mean_and_doubling_the_set_changes_nothing(name):
    Z, C = logits_and_labels(1, m=6)
    loss = EVERY[name]
    once, twice = loss.evaluate(Z, C), loss.evaluate(np.hstack([Z, Z]), np.hstack([C, C]))
    assert twice.value == pytest.approx(once.value, rel=4 * EPS)
    parts = [loss.evaluate(Z[:, k : k + 2], C[:, k : k + 2], count=6) for k in (0, 2, 4)]
    assert sum(part.value for part in parts) == pytest.approx(once.value, rel=4 * EPS)
    for what in ("gradient", "hessian_diagonal"):
        assert np.array_equal(np.hstack([getattr(part, what) for part in parts]), getattr(once, what))
    products = [part.hessian_product(np.ones_like(part.gradient)) for part in parts]
    assert np.array_equal(np.hstack(products), once.hessian_product(np.ones_like(Z)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["logistic", "smooth-hinge 2.0", "smooth-hinge 0.01"])
def test_no_finite_logits_overflow(name, dtype):
    big = float(np.finfo(dtype).max)
    for column in ([big, 0.0], [-big, 0.0], [big / 4, -big / 4], [1e30, -1e30], [0.0, 1.0]):
        Z = np.array(column, dtype=dtype)[:, None]
        for label in range(2):
            C = np.eye(2, dtype=dtype)[:, [label]]
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                E = SEPARABLE[name].evaluate(Z, C)
                H = E.hessian_product(np.ones_like(Z))
            expected = sum(abs(z) for z, c in zip(column, C[:, 0], strict=True) if (z > 0) != (c > 0))
            assert E.value == pytest.approx(expected, rel=1e-6, abs=3)
            assert np.isfinite([E.gradient, H]).all()
            assert E.gradient.dtype == E.hessian_diagonal.dtype == H.dtype == dtype


def test_least_squares_in_single_precision_tell_squares_that_it_cannot_hold():
    Z, C = np.array([[1e25]], dtype="float32"), np.zeros((1, 1), dtype="float32")
    E = LeastSquares().evaluate(Z, C)
    assert E.value == pytest.approx(0.5e50, rel=1e-6)
    assert E.gradient.dtype == E.hessian_diagonal.dtype == "float32"


@pytest.mark.parametrize("name", EVERY)
def test_nan_logits_give_nan_and_shapes_and_precisions_are_checked(name):
    Z, C = logits_and_labels(3)
    with pytest.raises(InputError, match="shape of Z"):
        EVERY[name].evaluate(Z, C[:, :1])
    with pytest.raises(InputError, match="precision"):
        EVERY[name].evaluate(Z, C.astype("float32"))
    Z[0, 0] = np.nan
    assert np.isnan(EVERY[name].evaluate(Z, C).value)


@pytest.mark.parametrize("name", EVERY)
def test_arrays_of_two_places_are_refused(name, fake_gpu):
    Z, C = logits_and_labels(6)
    for logits, labels in ((fake_gpu.array(Z), C), (Z, fake_gpu.array(C))):
        with pytest.raises(InputError, match="different backends"):
            EVERY[name].evaluate(logits, labels)


def test_losses_have_names_and_a_width_that_is_none_is_refused():
    kinds = [SoftmaxCrossEntropy, LeastSquares, LogisticRegression, SmoothHinge]
    assert [type(loss_named(name)) for name in LOSSES] == kinds
    with pytest.raises(InputError, match="Did you mean 'logistic'"):
        loss_named("logistics")
    for width in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(InputError, match="smoothing of the hinge"):
            SmoothHinge(width)
