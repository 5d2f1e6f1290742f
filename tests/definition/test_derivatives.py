"""The derivative formulas against differences in 1200 bits, where a difference is as good as a derivative."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("flint")

from refms.certify.balls import balls, interval, working_precision
from refms.certify.cases.network import CASES, Network
from refms.certify.inputs import doubles, one_hot
from refms.definition.arrays import columns, inner
from refms.definition.softmax import cross_entropy, cross_entropy_gradient, cross_entropy_hessian, softmax

BITS = 1200
STEP = 2**200  # its inverse is the step: central differences are then wrong by about 2^-400
"""Of the differences."""

SMALL = Network(
    grid=(3, 2),
    image_channels=1,
    channels=2,
    stencil=(1, 3),
    opening=(3, 1),
    learned=True,
    layers=3,
    classes=4,
    examples=5,
    constants=(1.0, 0.25, 0.5, 0.75, 0.125),
)


def agree(a, b):
    """Return whether balls agree to about 100 digits, entry by entry."""
    ends = map(interval, np.asarray(a - b, dtype=object).flat)
    return all(max(abs(low), abs(high)) < 2.0**-330 for low, high in ends)


@pytest.fixture
def small():
    with working_precision(BITS):
        x = {name: balls(array) for name, array in SMALL.inputs(5).items()}
        yield SMALL.problem(x), x


def slope(f, at, direction):
    """Return the central difference of a number-valued f."""
    return (f(at + direction / STEP) - f(at - direction / STEP)) * STEP / 2


def test_the_forward_pass_is_that_of_explicit_matrices(small):
    problem, x = small
    p = problem.parameters(x["theta"])
    y = matrix(p["opening"], SMALL.grid) @ x["X"]
    for s, b in zip(p["stencils"], p["biases"], strict=True):
        y = y + x["constants"][0] / 3 * np.tanh(matrix(s, SMALL.grid) @ y + np.repeat(b, 6)[:, None])
    found = columns(problem.at(x["theta"], x["omega"]).states[-1])
    assert found.shape == y.shape
    assert agree(found, y)


def matrix(S, grid):
    """Return K(S), made of the products with unit vectors of its definition Σ_κ s_κ Π_κ."""
    c_out, c_in, *size = S.shape
    n = math.prod(grid)
    K = np.zeros((c_out * n, c_in * n), dtype=object)
    for o, c, i, at in np.ndindex(c_out, c_in, n, math.prod(size)):
        cell, kappa = np.unravel_index(i, grid), np.unravel_index(at, size)
        moved = [(a + b - k // 2) % m for a, b, k, m in zip(cell, kappa, size, grid, strict=True)]
        K[o * n + i, c * n + np.ravel_multi_index(moved, grid)] += S[(o, c, *kappa)]
    return K


def test_the_gradient_of_the_objective(small):
    problem, x = small
    g_theta, g_omega = problem.at(x["theta"], x["omega"]).gradient()
    in_theta = slope(lambda t: problem.at(t, x["omega"]).value(), x["theta"], x["d_theta"])
    in_omega = slope(lambda w: problem.at(x["theta"], w).value(), x["omega"], x["d_omega"])
    assert agree(in_theta, inner(g_theta, x["d_theta"]))
    assert agree(in_omega, inner(g_omega, x["d_omega"]))
    assert not agree(inner(g_theta, x["d_theta"]), inner(g_omega, x["d_omega"]))


def test_the_gauss_newton_product_is_that_of_the_jacobian(small):
    problem, x = small
    point = problem.at(x["theta"], x["omega"])
    v = x["d_theta"], x["d_omega"]
    w = x["theta"][::-1], x["omega"][::-1]

    def pushed(d):
        return slope(lambda t: problem.at(x["theta"] + t * d[0], x["omega"] + t * d[1]).logits, one * 0, one)

    one = x["theta"][:1] * 0 + 1
    curved = cross_entropy_hessian(point.logits, problem.C, pushed(v))
    expected = inner(pushed(w), curved)
    expected += sum(map(inner, w, problem.regularizer_gradient(*v)))
    found = point.joint_product(*v)
    assert agree(inner(w[0], found[0]) + inner(w[1], found[1]), expected)


def test_one_block_at_a_time_is_the_joint_product_with_the_other_at_rest(small):
    problem, x = small
    point = problem.at(x["theta"], x["omega"])
    of_theta = point.joint_product(x["d_theta"], 0 * x["omega"])[0]
    of_omega = point.joint_product(0 * x["theta"], x["d_omega"])[1]
    assert agree(of_theta, point.propagation_product(x["d_theta"]))
    assert agree(of_omega, point.classifier_product(x["d_omega"]))


def test_the_classifier_product_is_the_hessian(small):
    problem, x = small
    point = problem.at(x["theta"], x["omega"])
    difference = slope(lambda w: problem.at(x["theta"], w).gradient()[1], x["omega"], x["d_omega"])
    assert agree(difference, point.classifier_product(x["d_omega"]))
    moved = point.with_omega(x["omega"] + x["d_omega"])
    other = problem.at(x["theta"], x["omega"] + x["d_omega"])
    assert agree(moved.omega_gradient(), other.gradient()[1])


def test_the_softmax_cross_entropy():
    drawn = doubles(3, {"Z": (4, 3), "V": (4, 3)})
    with working_precision(BITS):
        Z, V, C = balls(4 * drawn["Z"]), balls(drawn["V"]), balls(one_hot(4, 4, 3) + 0.5)
        gradient = cross_entropy_gradient(Z, C)
        assert agree(slope(lambda z: cross_entropy(z, C), Z, V), inner(gradient, V))
        difference = slope(lambda z: cross_entropy_gradient(z, C), Z, V)
        product = cross_entropy_hessian(Z, C, V)
        assert agree(difference, product)
        assert agree(softmax(Z).sum(axis=0), 1)


def test_the_networks_that_are_certified_have_no_two_equal_extents_in_an_array():
    for case in CASES:
        shapes = [array.shape for name, array in case.inputs.items() if name in {"X", "C", "opening"}]
        assert all(len(set(shape)) == len(shape) for shape in shapes)
