"""Verlet and leapfrog: recursions, symmetry in time, volume, invariants, and adjoints without states."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from maps.table import products

from refms.grid import Grid
from refms.maps.activation import IDENTITY, TANH
from refms.maps.chain import chain, frugal
from refms.maps.layers.convolution import convolution_layer
from refms.maps.layers.linear import matrix_map
from refms.maps.time.coupling import leapfrog, verlet
from refms.maps.time.euler import forward_euler
from refms.stencils.convolution import Convolution
from refms.stencils.symbol import spectral_norm

CONVOLUTION = Convolution(Grid((4, 3)), 2, 2)
ROWS = CONVOLUTION.rows_in
METHODS = {
    "verlet": lambda K, N, T, **options: verlet(K, TANH, N, T, **options),
    "leapfrog": lambda K, N, T, **options: leapfrog(convolution_layer(K, TANH), N, T, **options),
}


def layer(activation=TANH):
    return convolution_layer(CONVOLUTION, activation)


def drawn(seed, steps, m=3, scale=0.5, constant=False, bias=True):
    rng = np.random.default_rng(seed)
    Theta = scale * rng.standard_normal((steps.time.layers, steps.time.layer.layout.size))
    if constant:
        Theta[:] = Theta[0]
    if not bias:
        Theta[:, -2:] = 0
    return Theta.reshape(-1), rng.standard_normal((steps.rows_in, m))


def matrices(theta, N):
    """Dense K and bias column of each layer."""
    parts = theta.reshape(N, -1)
    return [
        (CONVOLUTION.matrix(p[:-2].reshape(2, 2, 3, 3)).toarray(), np.repeat(p[-2:], 12)[:, None])
        for p in parts
    ]


def test_verlet_is_its_recursion_with_explicit_matrices():
    N, dt = 3, 0.4
    steps = verlet(CONVOLUTION, TANH, N, N * dt)
    theta, Y = drawn(0, steps)
    at = matrices(theta, N)
    y, z = Y[:ROWS], Y[ROWS:]
    (K, b) = at[0]
    z = z - dt / 2 * np.tanh(K.T @ y + b)
    for k in range(N):
        (K, b), (Kn, bn) = at[k], at[min(k + 1, N - 1)]
        y = y + dt * np.tanh((K + Kn) / 2 @ z + (b + bn) / 2)
        z = z - (dt if k < N - 1 else dt / 2) * np.tanh(Kn.T @ y + bn)
    assert np.abs(steps.apply(theta, Y) - np.concatenate([y, z])).max() < 1e-14


def test_leapfrog_is_its_recursion_of_three_terms():
    N, dt = 5, 0.3
    steps = leapfrog(layer(), N, N * dt)
    theta, Y = drawn(1, steps)
    at = matrices(theta, N)
    states = [Y, Y + dt**2 / 2 * np.tanh(at[0][0] @ Y + at[0][1])]
    for k in range(1, N):
        K, b = at[k]
        states.append(2 * states[k] - states[k - 1] + dt**2 * np.tanh(K @ states[k] + b))
    assert np.abs(steps.apply(theta, Y) - states[-1]).max() < 1e-13


# Without stored states


@settings(max_examples=25)
@given(method=st.sampled_from(sorted(METHODS)), N=st.integers(1, 9), seed=st.integers(0, 2**31))
def test_derivatives_without_stored_states_are_the_same_to_round_off(method, N, seed):
    kind = METHODS[method]
    stored, free = kind(CONVOLUTION, N, 1.0), kind(CONVOLUTION, N, 1.0, reversible=True)
    theta, Y = drawn(seed, stored)
    expected = products(stored, theta, Y, seed)
    for name, found in products(free, theta, Y, seed).items():
        limit = 30 * (2 * N + 1) * 2.0**-52 if "gradient" in name else 0  # the way forward is the same
        assert np.linalg.norm(found - expected[name]) <= limit * np.linalg.norm(expected[name])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_states_come_back_up_to_one_rounding_of_each_coupling(dtype):
    inputs, F = [], layer()

    def watched(theta, Y):
        inputs.append(Y)
        return F.linearize(theta, Y)

    steps = leapfrog(replace(F, linearize=watched), 64, 4.0, reversible=True)
    theta, Y = (array.astype(dtype) for array in drawn(3, steps, scale=0.3))
    at = steps.at(theta, Y)
    at.vjp(at.output)
    back = inputs[-1]  # what the first coupling saw, had by going back through all the others
    assert 0 < np.abs(back - Y).max() <= 128 * np.finfo(dtype).eps * 8
    assert back.dtype == dtype


@pytest.mark.parametrize("method", METHODS)
def test_memory_without_stored_states_does_not_depend_on_the_depth(method):
    kind = METHODS[method]
    wide = Convolution(Grid((8, 8)), 2, 2)
    peaks = {}
    for reversible in (False, True):
        for N in (4, 32):
            steps = kind(wide, N, 1.0, reversible=reversible)
            theta, Y = drawn(4, steps, m=200)
            tracemalloc.start()
            F = steps.at(theta, Y)
            F.vjp(F.jvp(theta))
            peaks[reversible, N] = tracemalloc.get_traced_memory()[1] / Y.nbytes
            tracemalloc.stop()
            if reversible:
                assert steps.stored == 2 * wide.rows_in
    assert peaks[True, 32] < peaks[True, 4] + 0.2
    assert peaks[True, 32] < peaks[False, 32] / 4


def test_where_memory_is_short_states_are_not_stored():
    plain, steps = matrix_map(np.eye(2 * ROWS)), verlet(CONVOLUTION, TANH, 5, 1.0)
    sparing = frugal(chain(("opening", plain), ("propagation", steps)))
    assert sparing.parts[0][1] is plain
    assert sparing.parts[1][1].stored == 2 * ROWS
    assert sparing.stored < plain.stored + steps.stored


# What the flow keeps


def test_two_ways_there_and_back_cancel():
    # without biases and with an odd σ, (y, z) -> (y, -z) turns the time round
    steps = verlet(CONVOLUTION, TANH, 20, 3.0)
    theta, Y = drawn(5, steps, constant=True, bias=False)

    def turned(A):
        return np.concatenate([A[:ROWS], -A[ROWS:]])

    there = steps.apply(theta, Y)
    assert np.linalg.norm(there - Y) > 0.5
    back = turned(steps.apply(theta, turned(there)))
    assert np.abs(back - Y).max() <= 41 * 8 * 2.0**-52


def jacobian(steps, theta, y):
    n = steps.rows_in
    return steps.at(theta, np.repeat(y[:, None], n, axis=1)).jvp(None, np.eye(n))


@settings(max_examples=10)
@given(seed=st.integers(0, 2**31), T=st.floats(0.1, 3.0))
def test_volumes_are_kept(seed, T):
    steps = verlet(CONVOLUTION, TANH, 3, T)
    theta, Y = drawn(seed, steps)
    assert np.linalg.det(jacobian(steps, theta, Y[:, 0])) == pytest.approx(1, abs=1e-10)
    euler = forward_euler(layer(), 3, 1.0)
    changed = np.linalg.det(jacobian(euler, theta, Y[:ROWS, 0]))
    assert abs(changed - 1) > 1e-3


def step_matrix(theta, dt):
    """One step of the linear net as a matrix."""
    steps = verlet(CONVOLUTION, IDENTITY, 1, dt)
    return steps.apply(theta, np.eye(2 * ROWS))


def linear_parameters(seed):
    theta = np.random.default_rng(seed).standard_normal(layer().layout.size)
    theta[-2:] = 0
    S = theta[:-2].reshape(2, 2, 3, 3)
    return theta, S, CONVOLUTION.matrix(S).toarray()


def test_linear_nets_are_stable_up_to_two_over_the_norm_of_the_matrix():
    theta, S, _ = linear_parameters(6)
    limit = 2 / spectral_norm(S, CONVOLUTION.grid)
    inside = np.linalg.eigvals(step_matrix(theta, 0.999 * limit))
    assert np.abs(np.abs(inside) - 1).max() < 1e-9
    outside = np.linalg.eigvals(step_matrix(theta, 1.001 * limit))
    assert np.abs(outside).max() > 1.05


def test_the_energy_of_a_linear_net_does_not_drift():
    theta, _, K = linear_parameters(7)
    dt = 0.5 / np.linalg.norm(K, 2)
    y = np.random.default_rng(8).standard_normal((2 * ROWS, 1))
    M, energies, kept = step_matrix(theta, dt), [], []
    for _ in range(2000):
        y = M @ y
        energies.append(np.sum(y**2))
        kept.append(np.sum(y**2) - dt**2 / 4 * np.sum((K.T @ y[:ROWS]) ** 2))  # of the perturbed system
    energies, kept = np.array(energies), np.array(kept)
    assert np.ptp(kept) < 1e-12 * kept[0]
    assert 1e-3 < np.ptp(energies) / energies[0] < 0.1  # it oscillates
    assert abs(energies[-1000:].mean() / energies[:1000].mean() - 1) < 5e-3  # and does not drift
    whole = np.block([[np.zeros((ROWS, ROWS)), K], [-K.T, np.zeros((ROWS, ROWS))]])
    assert np.linalg.norm(np.linalg.matrix_power(np.eye(2 * ROWS) + dt * whole, 2000), 2) > 1e6  # Euler


def test_steps_with_a_symmetric_matrix_are_symplectic():
    theta, S, _ = linear_parameters(9)
    S += S[..., ::-1, ::-1].swapaxes(0, 1)  # a view of theta
    M = step_matrix(theta, 0.3)
    J = np.block([[np.zeros((ROWS, ROWS)), np.eye(ROWS)], [-np.eye(ROWS), np.zeros((ROWS, ROWS))]])
    assert np.abs(M.T @ J @ M - J).max() < 1e-12 * np.abs(M).max() ** 2


def test_trace_names_every_coupling():
    steps = verlet(CONVOLUTION, TANH, 1, 0.4)
    theta, Y = drawn(11, steps)
    trace = steps.trace(theta, Y)
    inner = ["convolution", "preactivation", "output"]
    names = []
    for s, half in enumerate("zyz"):
        names += [*(f"coupling{s}/{key}" for key in inner), f"coupling{s}/{half}"]
    assert list(trace) == ["y", "z", *names, "output"]
    assert np.array_equal(trace["y"], Y[:ROWS])
    assert np.array_equal(trace["output"], np.concatenate([trace["coupling1/y"], trace["coupling2/z"]]))
    of_leapfrog = leapfrog(layer(), 1, 0.4).trace(theta, Y[:ROWS])
    assert "z" not in of_leapfrog
    assert np.array_equal(of_leapfrog["coupling1/output"], of_leapfrog["coupling0/z"])
