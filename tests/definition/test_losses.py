"""The losses of single logits: derivatives by complex step, and what their names promise."""

from __future__ import annotations

import numpy as np
import pytest

from refms.definition.complex_step import STEP
from refms.definition.losses import LOSSES, loss_gradient, loss_hessian_product, loss_value

RNG = np.random.default_rng(0)
Z, C = RNG.normal(size=(3, 5)), RNG.uniform(size=(3, 5))
WIDTHS = {"smooth_hinge": (0.7,)}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_derivatives_are_those_of_the_value(name, reduction):
    width, V = WIDTHS.get(name, ()), RNG.normal(size=Z.shape)
    moved, terms = LOSSES[name](Z + 1j * STEP * V, C, *width), LOSSES[name](Z, C, *width)
    slope = loss_value(moved, reduction).imag / STEP
    np.testing.assert_allclose((loss_gradient(terms, reduction) * V).sum(), slope, rtol=1e-13)
    bent = loss_gradient(moved, reduction).imag / STEP
    np.testing.assert_allclose(loss_hessian_product(terms, V, reduction), bent, rtol=1e-12, atol=1e-15)


def test_least_squares_is_half_a_squared_distance():
    assert loss_value(LOSSES["least_squares"](np.array([[3.0], [4.0]]), np.zeros((2, 1)))) == 12.5


def test_logistic_regression_of_a_confident_example_has_the_digits_of_its_tail():
    wrong = LOSSES["logistic"](np.array([[-800.0], [800.0]]), np.array([[1.0], [1.0]]))
    assert loss_value(wrong) == 800.0
    sure = LOSSES["logistic"](np.array([[40.0]]), np.array([[1.0]]))
    assert loss_value(sure) == pytest.approx(np.exp(-40.0), rel=1e-14)
    assert loss_gradient(sure)[0, 0] == pytest.approx(-np.exp(-40.0), rel=1e-14)


def test_the_hinge_is_smooth_within_its_width():
    u, one = np.array([[2.0, 0.75, 0.0]]), np.ones((1, 3))
    phi, slope, bend = LOSSES["smooth_hinge"](u, one, 0.5)
    assert phi.tolist() == [[0.0, 0.0625, 0.75]]
    assert slope.tolist() == [[0.0, -0.5, -1.0]]
    assert bend.tolist() == [[0.0, 2.0, 0.0]]
