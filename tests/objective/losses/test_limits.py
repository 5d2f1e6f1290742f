"""Confident examples keep their digits, and logits that are no finite numbers give what the formulas say."""

from __future__ import annotations

import itertools
import math
import warnings
from decimal import Decimal, localcontext

import numpy as np
import pytest
from small_problems import logits_and_labels

from refms.definition import softmax as definition
from refms.errors import InputError
from refms.objective.losses import LeastSquares, LogisticRegression, SmoothHinge, SoftmaxCrossEntropy

SOFTMAX, LOGISTIC, HINGE, SQUARES = SoftmaxCrossEntropy(), LogisticRegression(), SmoothHinge(), LeastSquares()
LOSSES = {"softmax": SOFTMAX, "logistic": LOGISTIC, "smooth-hinge": HINGE, "least-squares": SQUARES}
INF, NAN = math.inf, math.nan
LABELS = ([1, 0, 0], [0, 0, 1], [0.75, 0.25, 0], [0.9, 0.05, 0.05], [1, 1e-20, 0], [3, 0, 2], [0, 0, 0])


def exactly(z, c, v):
    """Return E, ∇E, ∇²E v of the softmax, each with its size: the sum of the amounts of what is added."""
    with localcontext() as context:
        context.prec = 200
        z, c, v = ([Decimal(float(entry)) for entry in array] for array in (z, c, v))
        powers = [entry.exp() for entry in z]
        p = [power / sum(powers) for power in powers]
        value = -sum(weight * share.ln() for weight, share in zip(c, p, strict=True))
        gradient, products = [], []
        for i, share in enumerate(p):
            rest, others = sum(c) - c[i], 1 - share
            gradient.append((share * rest - c[i] * others, share * rest + c[i] * others))
            terms = [sum(c) * share * q * (v[i] - w) for q, w in zip(p, v, strict=True)]
            products.append((sum(terms), sum(map(abs, terms))))
        return [np.array(found, dtype=float).T for found in ((value, value), gradient, products)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gap", [0.0, 3.0, 17.0, 50.0, 80.0])
def test_a_confident_example_keeps_the_digits_of_value_gradient_and_hessian(dtype, gap):
    """With a gap of 50 the loss is 1.9e-22, not what is left of 1 − 1."""
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    for z, c in itertools.product(([gap, 0, 0], [0, gap, gap / 2], [-gap, -2 * gap, 0]), LABELS):
        Z, C, V = (np.array(entry, dtype=dtype)[:, None] for entry in (z, c, [0.5, -2.0, 1.0]))
        E = SOFTMAX.evaluate(Z, C)
        plain = [f(Z, C) for f in (definition.cross_entropy, definition.cross_entropy_gradient)]
        plain.append(definition.cross_entropy_hessian(Z, C, V))
        for found, as_defined, (expected, size) in zip(
            (E.value, E.gradient, E.hessian_product(V)),
            plain,
            exactly(Z[:, 0], C[:, 0], V[:, 0]),
            strict=True,
        ):
            assert np.all(np.abs(np.ravel(found) - expected) <= 12 * eps * size + tiny), (z, c)
            assert np.all(np.abs(np.ravel(as_defined) - expected) <= 12 * np.finfo(float).eps * size), (z, c)


def test_a_confident_example_has_its_digits_at_complex_logits_too():
    V = 1e-30 * np.array([[0.5], [-2.0], [1.0]])
    for z, c in itertools.product(([50.0, 0, 0], [0, 50.0, 25.0]), LABELS):
        Z, C = np.array(z)[:, None], np.array(c, dtype=float)[:, None]
        real, stepped = SOFTMAX.evaluate(Z, C), SOFTMAX.evaluate(Z + 1j * V, C)
        assert stepped.value.real == pytest.approx(real.value, rel=1e-14, abs=0)
        assert stepped.value.imag == pytest.approx(np.sum(real.gradient * V), rel=1e-14, abs=0)
        products = real.hessian_product(V)
        np.testing.assert_allclose(
            stepped.gradient.imag, products, rtol=1e-13, atol=1e-14 * abs(products).max()
        )


LIMITS = [
    (SOFTMAX, [INF, 0, 0], [1, 0, 0], 0, [0, 0, 0]),
    (SOFTMAX, [INF, 0, 0], [0, 1, 0], INF, [1, -1, 0]),
    (SOFTMAX, [INF, 0, 0], [0.5, 0.5, 0], INF, [0.5, -0.5, 0]),
    (SOFTMAX, [-INF, 0, 0], [0, 1, 0], math.log(2), [0, -0.5, 0.5]),
    (SOFTMAX, [-INF, 0, 0], [1, 0, 0], INF, [-1, 0.5, 0.5]),
    (SOFTMAX, [INF, -INF, 0], [1, 0, 0], 0, [0, 0, 0]),
    (SOFTMAX, [INF, INF, 0], [1, 0, 0], NAN, [NAN, NAN, NAN]),
    (SOFTMAX, [-INF, -INF, -INF], [1, 0, 0], NAN, [NAN, NAN, NAN]),
    *[(SOFTMAX, [NAN, z, 0], c, NAN, [NAN] * 3) for z in (0, INF, NAN) for c in ([1, 0, 0], [0, 1, 0])],
    *[
        (loss, [z, 0], [c, 0], loss.evaluate(np.zeros((1, 1)), np.zeros((1, 1))).value + value, [slope, rest])
        for loss, rest in ((LOGISTIC, 0.5), (HINGE, 0.5))
        for z, c, value, slope in (
            (INF, 1, 0, 0),
            (INF, 0, INF, 1),
            (-INF, 1, INF, -1),
            (-INF, 0, 0, 0),
            (INF, 0.25, INF, 0.75),
            (NAN, 1, NAN, NAN),
            (NAN, 0, NAN, NAN),
            (NAN, 0.5, NAN, NAN),
        )
    ],
    *[(SQUARES, [z, 0], [1, 0], abs(z), [z, 0]) for z in (INF, -INF, NAN)],
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("loss", "z", "c", "value", "gradient"), LIMITS)
def test_infinite_logits_give_the_limit_and_nan_gives_nan(dtype, loss, z, c, value, gradient):
    Z, C = np.array(z, dtype=dtype)[:, None], np.array(c, dtype=dtype)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        E = loss.evaluate(Z, C)
    np.testing.assert_allclose(E.value, value, rtol=1e-6)
    np.testing.assert_allclose(E.gradient[:, 0], gradient, rtol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_a_bad_example_leaves_the_others_as_they_are(name):
    Z, C = logits_and_labels(3, m=4)
    right = LOSSES[name].evaluate(Z, C).gradient
    for bad in (NAN, INF, -INF):
        Z[0, 1] = bad
        with np.errstate(invalid="ignore"):
            E = LOSSES[name].evaluate(Z, C)
        assert np.array_equal(E.gradient[:, [0, 2, 3]], right[:, [0, 2, 3]])
        assert not math.isfinite(E.value) or C[0, 1] == (bad > 0)


@pytest.mark.parametrize("name", LOSSES)
def test_labels_that_are_none_are_refused(name):
    Z, C = logits_and_labels(5)
    labels = {NAN: "nan", INF: "inf", -INF: "-inf"}
    if name != "least-squares":
        labels[-0.5] = "-0.5"
    if name in ("logistic", "smooth-hinge"):
        labels[1.5] = "1.5"
    for bad, said in labels.items():
        wrong = C.copy()
        wrong[1, 2] = bad
        with pytest.raises(InputError, match=f"labels C run from .*{said}"):
            LOSSES[name].evaluate(Z, wrong)
    with pytest.raises(InputError, match="labels C have dtype complex128"):
        LOSSES[name].evaluate(Z, C.astype(complex))
    if name != "least-squares":
        with pytest.raises(InputError, match="Logits come first, labels second"):
            LOSSES[name].evaluate(C, Z)
    for count in (0, -1, 1.5, True, NAN):
        with pytest.raises(InputError, match="count is"):
            LOSSES[name].evaluate(Z, C, count)


@pytest.mark.parametrize("name", LOSSES)
def test_a_direction_is_no_other_array_than_the_logits(name):
    Z, C = logits_and_labels(4, m=3)
    E, V = LOSSES[name].evaluate(Z, C), np.ones_like(Z)
    assert E.hessian_product(V).dtype == Z.dtype
    for bad in (V[:, :1], V.astype("float32"), np.ma.masked_array(V, mask=V > 0), V.tolist(), np.ones(1)):
        with pytest.raises(InputError, match="V"):
            E.hessian_product(bad)
