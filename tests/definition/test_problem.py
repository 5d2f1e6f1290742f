"""Problem (6) under every convention: its gradient and its two second derivatives belong to its value."""

from __future__ import annotations

import numpy as np
import pytest

from refms.definition.complex_step import STEP
from refms.definition.problem import Problem

RNG = np.random.default_rng(0)
FIXED = (RNG.normal(size=(3, 2, 4, 3)), np.eye(4)[:, :3], RNG.normal(size=(2, 2, 3, 1)), True, (3, 1), 2, 0.7)
THETA, OMEGA = RNG.normal(size=12 + 2 * 14), RNG.normal(size=4 * 24 + 4)
CONVENTIONS = [
    {},
    {"activation": "identity", "boundary": "zero", "orientation": "convolution"},
    {"volume_weighted": False, "reduction": "sum"},
]


@pytest.fixture(params=CONVENTIONS, ids=str)
def problem(request):
    return Problem(*FIXED, 0.1, 0.2, 0.3, 0.4, **request.param)


def directions():
    return RNG.normal(size=THETA.size), RNG.normal(size=OMEGA.size)


def test_the_gradient_is_the_derivative_of_the_value(problem):
    d = directions()
    moved = problem.at(THETA + 1j * STEP * d[0], OMEGA + 1j * STEP * d[1]).value().imag / STEP
    g = problem.at(THETA, OMEGA).gradient()
    np.testing.assert_allclose(g[0] @ d[0] + g[1] @ d[1], moved, rtol=1e-12)


def test_the_hessian_is_the_derivative_of_the_gradient_by_differences_too(problem):
    d, t = directions(), 1e-5
    ahead, behind = (problem.at(THETA + s * d[0], OMEGA + s * d[1]).gradient() for s in (t, -t))
    for one, plus, minus in zip(problem.at(THETA, OMEGA).hessian_product(*d), ahead, behind, strict=True):
        np.testing.assert_allclose(one, (plus - minus) / (2 * t), rtol=1e-6, atol=1e-7 * np.abs(one).max())


def test_in_the_classifier_alone_the_hessian_is_that_of_gauss_and_newton(problem):
    (_, d), at = directions(), problem.at(THETA, OMEGA)
    full, product = at.hessian_product(0 * THETA, d)[1], at.classifier_product(d)
    np.testing.assert_allclose(full, product, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(at.joint_product(0 * THETA, d)[1], product, rtol=1e-12, atol=1e-13)
