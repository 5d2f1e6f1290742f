"""Runge–Kutta steps: their tables, forward Euler among them, linear nets as polynomials of a matrix."""

from __future__ import annotations

import math

import numpy as np
import pytest
from maps.table import assert_close, point, products

from refms.grid import Grid
from refms.maps.activation import IDENTITY, TANH
from refms.maps.layers.convolution import convolution_layer
from refms.maps.time.euler import forward_euler
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import EULER, MIDPOINT, RK4
from refms.stencils.convolution import Convolution

TABLES = (EULER, MIDPOINT, RK4)
CONVOLUTION = Convolution(Grid((4, 3)), 2, 2)
LAYER = convolution_layer(CONVOLUTION, TANH)


@pytest.mark.parametrize("tableau", TABLES, ids=lambda one: one.name)
def test_the_table_meets_the_order_conditions_and_no_more(tableau):
    b, c = np.array(tableau.b), np.array(tableau.nodes)
    a = np.zeros((tableau.stages, tableau.stages))
    for i, row in enumerate(tableau.a):
        a[i, : len(row)] = row
    conditions = {  # sums over rooted trees with up to four vertices
        1: [(b.sum(), 1)],
        2: [(b @ c, 1 / 2)],
        3: [(b @ c**2, 1 / 3), (b @ a @ c, 1 / 6)],
        4: [(b @ c**3, 1 / 4), ((b * c) @ a @ c, 1 / 8), (b @ a @ c**2, 1 / 12), (b @ a @ a @ c, 1 / 24)],
    }
    met = {p: all(abs(x - y) < 1e-15 for x, y in pairs) for p, pairs in conditions.items()}
    assert [p for p, holds in met.items() if holds] == list(range(1, tableau.order + 1))


@pytest.mark.parametrize("tableau", TABLES, ids=lambda one: one.name)
def test_amplification_is_the_beginning_of_the_exponential_series(tableau):
    z = np.array([0.3 + 0.4j, -2.0, 1.5j])
    series = sum(z**p / math.factorial(p) for p in range(tableau.order + 1))
    assert np.abs(tableau.amplification(z) - series).max() < 1e-14


def test_limits_of_stability_on_the_real_and_imaginary_axes():
    for tableau, real, imaginary in ((EULER, 2, 0), (MIDPOINT, 2, 0), (RK4, 2.785293563, 2 * math.sqrt(2))):
        assert abs(tableau.amplification(np.array(-real))) == pytest.approx(1, abs=1e-8)
        assert abs(tableau.amplification(np.array(-1.001 * real))) > 1
        if imaginary:
            assert abs(tableau.amplification(np.array(1j * imaginary))) == pytest.approx(1, abs=1e-12)
        assert abs(tableau.amplification(np.array(1.001j * imaginary + 0.01j))) > 1


@pytest.mark.parametrize("tableau", TABLES, ids=lambda one: one.name)
def test_a_linear_net_is_the_power_of_the_polynomial_of_its_matrix(tableau):
    steps = runge_kutta(convolution_layer(CONVOLUTION, IDENTITY), 3, 0.9, tableau)
    rng = np.random.default_rng(0)
    one = 0.5 * rng.standard_normal(LAYER.layout.size)
    one[-2:] = 0
    K = CONVOLUTION.matrix(one[:-2].reshape(2, 2, 3, 3)).toarray()
    R = sum(np.linalg.matrix_power(0.3 * K, p) / math.factorial(p) for p in range(tableau.order + 1))
    Y = rng.standard_normal((24, 2))
    expected = np.linalg.matrix_power(R, 3) @ Y
    assert np.abs(steps.apply(np.tile(one, 3), Y) - expected).max() < 1e-12 * np.abs(expected).max()


def test_forward_euler_by_its_table_is_forward_euler():
    rng = np.random.default_rng(1)
    plain, tabled = forward_euler(LAYER, 3, 1.2), runge_kutta(LAYER, 3, 1.2, EULER)
    theta, Y = rng.standard_normal(plain.layout.size), rng.standard_normal((24, 4))
    expected = products(plain, theta, Y)
    for name, found in products(tabled, theta, Y).items():
        assert_close(found, expected[name], 1e-14)


@pytest.mark.parametrize("tableau", [MIDPOINT, RK4], ids=lambda one: one.name)
def test_one_layer_is_a_step_with_constant_parameters(tableau):
    rng = np.random.default_rng(2)
    theta, Y = rng.standard_normal(LAYER.layout.size), rng.standard_normal((24, 2))
    results = [
        runge_kutta(LAYER, 1, 0.7, tableau, kind).apply(theta, Y) for kind in ("constant", "linear", "cubic")
    ]
    assert all(np.abs(one - results[0]).max() < 1e-15 for one in results)


def test_trace_names_states_stages_and_what_happens_in_them():
    map_, theta, Y = point("midpoint")
    trace = map_.trace(theta, Y)
    inner = ["convolution", "preactivation", "output"]
    names = [
        name
        for k in range(3)
        for name in [*(f"layer{k}/stage{i}/{key}" for i in range(2) for key in inner), f"y{k + 1}"]
    ]
    assert list(trace) == ["y0", *names, "output"]
    theta_half = map_.time.by_layer(theta)[:2].mean(axis=0)
    u = Y + 0.2 * trace["layer0/stage0/output"]
    assert np.allclose(trace["y1"], Y + 0.4 * map_.time.layer.apply(theta_half, u), rtol=0, atol=1e-14)
