"""Forward Euler: its order, its closed forms, its bounds, its symmetries (properties N1-N9)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from maps.table import MAPS, point
from scipy.integrate import solve_ivp

from refms.errors import InputError
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


def test_the_error_falls_with_order_one():
    steps = euler(1, 1.0)
    one, Y = drawn(0, steps)
    exact = solve_ivp(
        lambda t, y: steps.time.layer.apply(one, y.reshape(Y.shape)).reshape(-1),
        (0.0, 1.0),
        Y.reshape(-1),
        rtol=1e-12,
        atol=1e-12,
    ).y[:, -1]
    errors = [
        np.linalg.norm(euler(N, 1.0).apply(np.tile(one, N), Y).reshape(-1) - exact) for N in (16, 32, 64, 128)
    ]
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(slopes - 1.0) < 0.06), slopes


def test_zero_parameters_leave_the_features_alone():
    steps = euler(3, 2.0)
    Y = drawn(1, steps)[1]
    assert np.array_equal(steps.apply(np.zeros(steps.layout.size), Y), Y)


def test_zero_time_is_the_identity():
    steps = euler(2, 0.0)
    one, Y = drawn(2, steps)
    assert np.array_equal(steps.apply(np.tile(one, 2), Y), Y)


def test_constant_bias_gives_the_closed_form():
    steps = euler(5, 1.5, channels=2)
    bias = np.array([0.3, -1.1])
    theta = np.tile(np.concatenate([np.zeros(steps.time.layer.layout.size - 2), bias]), 5)
    Y = drawn(3, steps)[1]
    expected = Y + 1.5 * np.repeat(np.tanh(bias), 12)[:, None]
    assert np.abs(steps.apply(theta, Y) - expected).max() < 1e-14


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
    worst = max(
        np.linalg.norm(steps.apply(theta, y[:, None]))
        for y in np.linalg.svd(np.eye(8) + 0.5 * _circulant())[2]
    )
    assert worst == pytest.approx(np.sqrt(1 + (0.5 * 2.0) ** 2), rel=1e-12)


def _circulant():
    return np.roll(np.eye(8), 1, axis=1) - np.roll(np.eye(8), -1, axis=1)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**31), N=st.integers(1, 4), T=st.floats(0.0, 3.0))
def test_tanh_moves_no_feature_further_than_the_final_time(seed, N, T):
    steps = euler(N, T)
    one, Y = drawn(seed, steps, scale=3.0)
    rounding = 2 * N * np.finfo(Y.dtype).eps * (np.abs(Y).max() + T)
    assert np.abs(steps.apply(np.tile(one, N), Y) - Y).max() <= T + rounding


@settings(deadline=None, max_examples=20)
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


def test_doubling_layers_with_halved_step_keeps_two_half_steps_apart_by_order_one():
    steps = euler(1, 1.0)
    one, Y = drawn(6, steps)
    gaps = [
        np.linalg.norm(
            euler(N, 1.0).apply(np.tile(one, N), Y) - euler(2 * N, 1.0).apply(np.tile(one, 2 * N), Y)
        )
        for N in (16, 32, 64)
    ]
    assert np.all(np.abs(np.log2(np.array(gaps[:-1]) / gaps[1:]) - 1) < 0.06)


@pytest.mark.parametrize("name", ["euler", "euler-bias-per-cell", "euler-of-any-map", "euler-of-openings"])
def test_one_step_alone_keeps_the_contract_of_a_map(name):
    layer = MAPS[name]("float64").time.layer
    rng = np.random.default_rng(9)
    theta, Y, dY, G = (rng.standard_normal(shape) for shape in [layer.layout.size, *[(layer.rows_in, 3)] * 3])
    dtheta = rng.standard_normal(theta.size)
    one, dt = step(layer, 0.3), 0.3
    F = one.at(theta, Y)
    of_layer = layer.at(theta, Y)
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
    calls = []
    layer = point("euler")[0].time.layer

    def counted(name):
        def call(*arguments):
            calls.append(name)
            return getattr(layer, name)(*arguments)

        return call

    watched = replace(layer, evaluate=counted("evaluate"), linearize=counted("linearize"), fused_step=None)
    steps = forward_euler(watched, 3, 1.0)
    theta, Y = point("euler")[1:]
    F = steps.at(theta, Y)
    assert calls == ["linearize"] * 3
    F.vjp(F.jvp(theta))
    F.vjp(F.jvp(theta), wrt_theta=False)
    assert calls == ["linearize"] * 3


@pytest.mark.parametrize(("N", "T"), [(0, 1.0), (2, -1.0), (2, float("nan")), (2, float("inf"))])
def test_bad_times_and_depths_are_refused(N, T):
    with pytest.raises(InputError, match="expected"):
        euler(N, T)
