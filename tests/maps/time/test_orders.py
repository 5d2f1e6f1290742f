"""Orders of convergence under refinement in time, of states and gradients, against SciPy's solver."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.layers.convolution import convolution_layer
from refms.maps.layers.tied import transposed_layer
from refms.maps.time.coupling import leapfrog, verlet
from refms.maps.time.euler import forward_euler
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import EULER, MIDPOINT, RK4
from refms.multiscale.depth import prolong_in_time
from refms.stencils.convolution import Convolution

K = Convolution(Grid((5,)), 2, 2, (3,))
LAYER = convolution_layer(K, TANH)
P, ROWS, T = LAYER.layout.size, LAYER.rows_in, 1.2

METHODS = {
    "forward-euler": (lambda N: forward_euler(LAYER, N, T), 1),
    "euler-by-its-table": (lambda N: runge_kutta(LAYER, N, T, EULER), 1),
    "midpoint": (lambda N: runge_kutta(LAYER, N, T, MIDPOINT), 2),
    "rk4": (lambda N: runge_kutta(LAYER, N, T, RK4, "cubic"), 4),
    "rk4-between-linear-parameters": (lambda N: runge_kutta(LAYER, N, T, RK4), 2),
    "rk4-with-steps-of-constant-parameters": (lambda N: runge_kutta(LAYER, N, T, RK4, "constant"), 1),
    "verlet": (lambda N: verlet(K, TANH, N, T), 2),
    "leapfrog": (lambda N: leapfrog(LAYER, N, T), 2),
}


def right_hand_side(name, theta_at):
    """The ordinary differential equation that a method discretises, its state as one vector."""
    other = transposed_layer(K, TANH)

    def f(t, state):
        theta = theta_at(t)
        u = state.reshape(-1, ROWS, 1)
        if name == "verlet":
            return np.concatenate([LAYER.apply(theta, u[1]), -other.apply(theta, u[0])]).reshape(-1)
        if name == "leapfrog":
            return np.concatenate([u[1], LAYER.apply(theta, u[0])]).reshape(-1)
        return LAYER.apply(theta, u[0]).reshape(-1)

    return f


def solved(name, theta_at, y, times=(0.0, T)):
    """The exact final state, as what the network gives."""
    state = np.concatenate([y, np.zeros_like(y)]) if name == "leapfrog" else y
    for start, stop in pairwise(times):
        f = right_hand_side(name, theta_at)
        state = solve_ivp(f, (start, stop), state, method="DOP853", rtol=1e-13, atol=1e-14).y[:, -1]
    return state[: y.size]


@cache
def problem(name):
    """Smooth parameters θ(t) = modes(t) C, their tangent, a start, its tangent, and weights of the output."""
    rng = np.random.default_rng(11)
    rows = 2 * ROWS if name == "verlet" else ROWS
    C, dC = (0.6 * rng.standard_normal((3, P)) for _ in range(2))
    y, dy, G = (rng.standard_normal(rows) for _ in range(3))
    return C, dC, y, dy, G


def modes(t):
    t = np.asarray(t, dtype=float)
    return np.stack([np.ones_like(t), np.cos(t), np.sin(2 * t)], axis=-1)


@cache
def exact(name):
    """The final state and the derivative of ⟨G, y_N⟩ in the directions dC and dy, by complex steps."""
    C, dC, y, dy, G = problem(name)
    h = 1e-30
    by_parameters = solved(name, lambda t: modes(t) @ (C + 1j * h * dC), y + 0j)
    by_start = solved(name, lambda t: modes(t) @ C + 0j, y + 1j * h * dy)
    return by_parameters.real, np.array([G @ by_parameters.imag, G @ by_start.imag]) / h


def errors(name, build, N):
    C, dC, y, dy, G = problem(name)
    steps = build(N)
    samples = modes(np.arange(N) * T / N)
    F = steps.at((samples @ C).reshape(-1), y[:, None])
    gtheta, gY = F.vjp(G[:, None])
    gradient = np.array([np.sum(gtheta.reshape(N, P) * (samples @ dC)), gY[:, 0] @ dy])
    state, derivative = exact(name)
    return np.linalg.norm(F.output[:, 0] - state), np.linalg.norm(gradient - derivative)


@pytest.mark.parametrize("method", METHODS)
def test_states_and_gradients_converge_with_the_order_of_the_method(method):
    build, order = METHODS[method]
    found = np.array([errors(method, build, N) for N in (32, 64, 128)])
    slopes = np.log2(found[:-1] / found[1:])
    assert np.all(np.abs(slopes[-1] - order) < 0.12), (slopes, found)


DEEPER = {
    **{method: METHODS[method] for method in ("forward-euler", "midpoint", "verlet")},
    "rk4": (METHODS["rk4-between-linear-parameters"][0], 4),
}


@pytest.mark.parametrize("method", DEEPER)
def test_deeper_nets_with_prolonged_parameters_converge_with_the_order_of_the_method(method):
    # prolongation in depth keeps θ(t): linear between the layers of the shallow net, constant at its end
    (build, order), coarse, y = DEEPER[method], 4, problem(method)[2]
    Theta = modes(np.arange(coarse) * T / coarse) @ problem(method)[0]
    knots = np.arange(coarse + 1) * T / coarse

    def theta_at(t):
        return np.array([np.interp(t, knots[:-1], column) for column in Theta.T])

    reference = solved(method, theta_at, y, tuple(knots))
    found = []
    for N in (16, 32, 64):
        deeper = Theta
        while deeper.shape[0] < N:
            deeper = prolong_in_time(deeper, 2 * deeper.shape[0])
        found.append(np.linalg.norm(build(N).apply(deeper.reshape(-1), y[:, None])[:, 0] - reference))
    slopes = np.log2(np.array(found[:-1]) / found[1:])
    assert abs(slopes[-1] - order) < 0.12, (slopes, found)
