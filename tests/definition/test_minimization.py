"""Methods step by step, where their results are known: exact models, spheres, one dimension."""

from __future__ import annotations

import numpy as np
import pytest

from refms.definition.minimization import (
    Function,
    adam,
    line_search,
    momentum,
    newton,
    steihaug,
    trust_region,
)

A, B = np.diag([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0])
QUADRATIC = Function(lambda x: 0.5 * x @ A @ x - B @ x, lambda x: A @ x - B, lambda x: lambda v: A @ v)
ROOT = Function(
    lambda x: float(np.sqrt(1 + x @ x)),
    lambda x: x / np.sqrt(1 + x @ x),
    lambda x: lambda v: v / (1 + x @ x) ** 1.5,
)


def test_newton_solves_a_quadratic_at_once():
    (step,) = newton(QUADRATIC, np.zeros(3), 1, 3)
    np.testing.assert_allclose(step.x, np.linalg.solve(A, B), rtol=1e-14)
    assert step.length == 1.0
    assert step.gradient_norm == pytest.approx(np.linalg.norm(B))


def test_full_newton_steps_on_a_hyperbola_are_halved():
    # from 3 the full step leads to -27; the first halving that passes Armijo's rule leads to -0.75
    (step,) = newton(ROOT, np.array([3.0]), 1, 1)
    assert (step.length, step.x[0]) == (0.125, -0.75)
    assert step.value == 1.25


def test_damping_follows_the_gain():
    first, second = newton(QUADRATIC, np.ones(3), 2, 3, damping=1.0)
    assert (first.trust, second.trust) == (1.0, 0.25)  # the model is exact


def test_a_search_that_finds_nothing_stays():
    step = line_search(lambda x: float(x @ x), np.zeros(1), np.ones(1), 0.0, -1.0)
    assert (step.length, step.x[0], step.value) == (0.0, 0.0, 0.0)


def test_steihaug_ends_inside_on_the_sphere_or_along_negative_curvature():
    p, edge = steihaug(lambda v: A @ v, -B, 10.0, 3)
    np.testing.assert_allclose(p, np.linalg.solve(A, B), rtol=1e-13)
    assert not edge
    p, edge = steihaug(lambda v: A @ v, -B, 0.3, 3)
    assert np.linalg.norm(p) == pytest.approx(0.3, rel=1e-14)
    assert edge
    p, edge = steihaug(lambda v: -v, np.array([0.0, 3.0]), 2.0, 3)
    assert (p.tolist(), edge) == ([0.0, -2.0], True)


def test_the_radius_doubles_where_the_model_was_right_at_the_edge():
    steps = trust_region(QUADRATIC, np.array([40.0, 40.0, 40.0]), 1.0, 3, 3)
    assert [step.trust for step in steps] == [1.0, 2.0, 4.0]


def test_momentum_and_adam_of_a_constant_gradient():
    one = np.ones(1)
    found = [x[0] for x in momentum(lambda x, k: one, 0 * one, [1.0, 1.0, 1.0], 0.5)]
    assert found == [-1.0, -2.5, -4.25]
    found = [x[0] for x in adam(lambda x, k: one * (k + 1) * 0 + 3, 0 * one, [0.1, 0.1])]
    assert found == pytest.approx([-0.1, -0.2], rel=1e-7)
