"""Forward Euler: its closed forms, its bounds, its symmetries (properties N1-N9)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from maps.table import MAPS, point

from refms.grid import Grid
from refms.maps.activation import activation
from refms.maps.layers.convolution import convolution_layer
from refms.maps.step import step
from refms.maps.time.euler import forward_euler
from refms.stencils.convolution import Convolution


def euler(N, T, n=(4, 3), channels=2, name="tanh"):
    layer = convolution_layer(Convolution(Grid(n), channels, channels, (3,) * len(n)), activation(name))
    return forward_euler(layer, N, T)


def drawn(seed, steps, m=2, scale=0.7):
    rng = np.random.default_rng(seed)
    one = scale * rng.standard_normal(steps.time.layer.layout.size)
    return one, rng.standard_normal((steps.rows_in, m))


@pytest.mark.parametrize(("scale", "T"), [(0.0, 2.0), (1.0, 0.0)])
def test_zero_parameters_and_zero_time_are_the_identity(scale, T):
    steps = euler(3, T)
    one, Y = drawn(1, steps)
    assert np.array_equal(steps.apply(scale * np.tile(one, 3), Y), Y)


def test_constant_bias_gives_the_closed_form():
    steps = euler(5, 1.5)
    one, Y = drawn(3, steps)
    one[:-2] = 0
    expected = Y + 1.5 * np.repeat(np.tanh(one[-2:]), 12)[:, None]
    assert np.abs(steps.apply(np.tile(one, 5), Y) - expected).max() < 1e-14


def test_the_linear_net_is_the_power_of_its_matrix():
    steps = euler(4, 0.8, name="identity")
    one, Y = drawn(4, steps)
    one[-2:] = 0.0
    K = Convolution(Grid((4, 3)), 2, 2).matrix(one[:-2].reshape(2, 2, 3, 3)).toarray()
    power = np.linalg.matrix_power(np.eye(K.shape[0]) + 0.2 * K, 4)
    assert np.abs(steps.apply(np.tile(one, 4), Y) - power @ Y).max() < 1e-12


def test_antisymmetric_convolutions_are_amplified_by_forward_euler():
    steps = euler(1, 0.5, n=(8,), channels=1, name="identity")
    theta = np.array([-1.0, 0.0, 1.0, 0.0])  # K has eigenvalues 2i sin w
    norm = np.linalg.norm(steps.apply(theta, np.eye(8)), 2)
    assert norm == pytest.approx(np.sqrt(1 + (0.5 * 2.0) ** 2), rel=1e-12)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), N=st.integers(1, 4), T=st.floats(0.0, 3.0))
def test_tanh_moves_no_feature_further_than_the_final_time(seed, N, T):
    steps = euler(N, T)
    one, Y = drawn(seed, steps, scale=3.0)
    rounding = 2 * N * np.finfo(Y.dtype).eps * (np.abs(Y).max() + T)
    assert np.abs(steps.apply(np.tile(one, N), Y) - Y).max() <= T + rounding


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), shift=st.integers(0, 3))
def test_translations_and_batch_orders_commute_with_the_net(seed, shift):
    steps = euler(2, 1.0)
    one, Y = drawn(seed, steps, m=3)
    theta = np.tile(one, 2)

    def moved(A):
        return np.roll(A.reshape(2, 4, 3, -1), shift, axis=1).reshape(A.shape)

    out = steps.apply(theta, Y)
    assert np.allclose(steps.apply(theta, moved(Y)), moved(out), rtol=0, atol=1e-13)
    assert np.allclose(steps.apply(theta, Y[:, ::-1].copy()), out[:, ::-1], rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["euler", "euler-bias-per-cell", "euler-of-any-map", "euler-of-openings"])
def test_one_step_alone_keeps_the_contract_of_a_map(name):
    layer = MAPS[name]("float64").time.layer
    rng = np.random.default_rng(9)
    theta, Y, dY, G = (rng.standard_normal(shape) for shape in [layer.layout.size, *[(layer.rows_in, 3)] * 3])
    dtheta = rng.standard_normal(theta.size)
    one, dt = step(layer, 0.3), 0.3
    F, of_layer = one.at(theta, Y), layer.at(theta, Y)
    close = {"rtol": 0, "atol": 1e-13 * max(1, np.abs(Y).max() * layer.rows_in)}
    np.testing.assert_allclose(F.output, Y + dt * layer.apply(theta, Y), **close)
    np.testing.assert_array_equal(one.apply(theta, Y), F.output)
    np.testing.assert_array_equal(F.jvp(None), np.zeros_like(Y))
    np.testing.assert_allclose(F.jvp(dtheta), dt * of_layer.jvp(dtheta), **close)
    np.testing.assert_allclose(F.jvp(dtheta, dY), dY + dt * of_layer.jvp(dtheta, dY), **close)
    gtheta, gY = F.vjp(G)
    np.testing.assert_allclose(gtheta, dt * of_layer.vjp(G)[0], **close)
    np.testing.assert_allclose(gY, G + dt * of_layer.vjp(G)[1], **close)
    np.testing.assert_allclose(F.vjp(G, wrt_theta=False)[1], gY, **close)
    assert F.vjp(G, wrt_input=False)[1] is None


def test_trace_holds_every_state_and_what_happens_in_every_layer():
    map_, theta, Y = point("euler")
    trace = map_.trace(theta, Y)
    within = ["convolution", "preactivation", "output"]
    names = [name for k in range(3) for name in [*(f"layer{k}/{key}" for key in within), f"y{k + 1}"]]
    assert list(trace) == ["y0", *names, "output"]
    assert trace["y0"] is Y
    assert map_.layout.names == tuple(f"layer{k}/{part}" for k in range(3) for part in ("stencil", "bias"))
    for k, theta_k in enumerate(map_.time.by_layer(theta)):
        change = map_.time.layer.apply(theta_k, trace[f"y{k}"])
        assert np.array_equal(trace[f"layer{k}/output"], change)
        assert np.allclose(trace[f"y{k + 1}"], trace[f"y{k}"] + 0.4 * change, rtol=0, atol=1e-14)
    assert np.array_equal(trace["output"], trace["y3"])


def test_no_forward_pass_runs_inside_products():
    map_, theta, Y = point("euler")
    layer, calls = map_.time.layer, []

    def counted(theta, Y):
        calls.append(Y)
        return layer.linearize(theta, Y)

    F = forward_euler(replace(layer, evaluate=None, linearize=counted, fused_step=None), 3, 1.0).at(theta, Y)
    F.vjp(F.jvp(theta))
    F.vjp(F.jvp(theta), wrt_theta=False)
    assert len(calls) == 3
