"""I1-I7: midpoint, RK4, leapfrog and Verlet: steps, exact cases, orders, reversal, gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.orders import judge_order
from refms.conformance.oracles.evolution import mean_errors
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, family
from refms.definition import steps
from refms.definition.activation import activate
from refms.definition.arrays import as_double, norm
from refms.definition.complex_step import derivative
from refms.definition.convolution import adjoint, transpose
from refms.definition.network import preactivation
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.runge_kutta import runge_kutta
from refms.errors import Array

law = family("steps")
METHODS = ("midpoint", "rk4", "leapfrog", "verlet")
GRADIENTS = tuple(f"{name}_gradient" for name in METHODS)
RUNGE_KUTTA, STABLE = "Runge and Kutta, [LAS] eq. (4)", "Haber and Ruthotto (2017), stable architectures"
FEW = Domain(small=True)
SMOOTH = Domain(small=True, activations=("tanh", "smoothed_relu", "identity"))
ANALYTIC = Domain(small=True, activations=("tanh", "identity"), dimensions=(1, 2))

Drawn = tuple[Array, Array, Array]


def _drawn(x: Instance, name: str, layers: int = 0, theta: Callable[[Array], Any] | None = None) -> Drawn:
    """Return S with ‖S_k‖₁, ‖S_kᵀ‖₁ <= 1, b, and images with c channels, 2c for Verlet's steps.

    S and b of each layer are random, or those of cos(2s) p + sin(3s) q at the given times s.
    """
    count = layers or x.layers + 1
    shape = x.c_in, x.c_in, *x.stencil
    S, b = x.draw("S", count, *shape), x.draw("b", count, x.c_in, scale=0.5)
    if theta is not None:
        s = np.arange(count) / count
        S, b = (theta(s)(one) for one in (_two(x), x.draw("b", 2, x.c_in, scale=0.5)))
    largest = max(max(row_sum_norm(one), row_sum_norm(transpose(one))) for one in S)
    Y = x.draw("Y", x.examples, x.c_in * (1 + (name == "verlet")), *x.grid)
    return (S / largest).astype(x.dtype), b.astype(x.dtype), Y


def _two(x: Instance) -> Array:
    """Return two stencils near I and −I: random ones hardly move features where they have many entries."""
    both = 0.2 * x.draw("S", 2, x.c_in, x.c_in, *x.stencil) / (x.c_in * np.prod(x.stencil))
    for k, sign in enumerate((1, -1)):
        both[(k, range(x.c_in), range(x.c_in), *(size // 2 for size in x.stencil))] += sign
    return both


def _conventions(x: Instance) -> dict[str, str]:
    return {"boundary": x.boundary, "orientation": x.orientation}


def _scale(x: Instance, b: Array, Y: Array) -> float:
    """Return e^{max(T, 1)} (‖y‖_∞ + 1 + ‖b‖_∞): how large states become where ‖K‖ <= 1."""
    return float(np.exp(max(x.final_time, 1.0)) * (max_norm(Y) + 1 + max_norm(b)))


def _defined(a: Gate, x: Instance, name: str) -> Claims:
    """Claim that a method gives what its definition says."""
    S, b, Y = _drawn(x, name)
    got = getattr(a, name)(S, b, Y, x.activation, x.final_time, x.boundary)
    wanted = getattr(steps, name)(S, b, Y, x.final_time, x.activation, **_conventions(x))
    yield f"y_N of {len(S)} steps", got, wanted, len(S) * _scale(x, b, Y)


def _linear(a: Gate, x: Instance, name: str, rate: float) -> tuple[Array, Array, int, float]:
    """Return y_N and y_0 of K = aI, b = 0, σ = identity, N and δt."""
    _, b, Y = _drawn(x, name)
    S: Array = np.zeros((len(b), x.c_in, x.c_in, *x.stencil), x.dtype)
    S[(slice(None), range(x.c_in), range(x.c_in), *(k // 2 for k in x.stencil))] = rate
    got = getattr(a, name)(S, 0 * b, Y, "identity", x.final_time, x.boundary)
    return got, as_double(Y), len(S), x.final_time / len(S)


def _amplified(a: Gate, x: Instance, name: str, factor: Callable[[float], float]) -> Claims:
    """Claim that y' = −y/2 is multiplied by a polynomial of δt in every step."""
    if "identity" in a.profile.activations:
        got, Y, N, dt = _linear(a, x, name, -0.5)
        yield f"R(−δt/2)^{N} y_0", got, factor(-0.5 * dt) ** N * Y, N * np.exp(x.final_time) * max_norm(Y)


@law("I1", "midpoint", RUNGE_KUTTA, FEW)
def _midpoint(a: Gate, x: Instance) -> Claims:
    """The midpoint method takes the slope in the middle of each step, of state and of parameters.

    y_{k+1} = y_k + δt F(θ(t_k + δt/2), y_k + δt/2 F(θ_k, y_k)), θ(t) linear, θ_{N−1} from t_{N−1} on;
    y' = ay: (1 + z + z²/2)^N, z = aδt; scale N e^T (‖y‖_∞ + 1 + ‖b‖_∞)
    Catches: parameters of another time, Euler, a full step to the middle, an extrapolation at the end.
    """
    yield from _defined(a, x, "midpoint")
    yield from _amplified(a, x, "midpoint", lambda z: 1 + z + z**2 / 2)


@law("I2", "rk4", RUNGE_KUTTA, FEW)
def _rk4(a: Gate, x: Instance) -> Claims:
    """The classical method has the weights 1, 2, 2, 1 and stages at the beginning, middle and end.

    y' = ay: (1 + z + z²/2 + z³/6 + z⁴/24)^N, z = aδt; scale N e^T (‖y‖_∞ + 1 + ‖b‖_∞)
    Catches: equal weights, a stage from the wrong one before, parameters of one time in all stages.
    """
    yield from _defined(a, x, "rk4")
    yield from _amplified(a, x, "rk4", lambda z: 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24)


@law("I3", "leapfrog", STABLE, FEW)
def _leapfrog(a: Gate, x: Instance) -> Claims:
    """Leapfrog begins with half a step of the velocity; where F = −y it is a Chebyshev polynomial.

    y_{k+1} = 2y_k − y_{k−1} + δt² F(θ_k, y_k), y_1 = y_0 + δt²/2 F(θ_0, y_0); F = −y:
    y_N = T_N(1 − δt²/2) y_0 = cos(N arccos(1 − δt²/2)) y_0; scale N e^max(T,1) (‖y‖_∞ + 1 + ‖b‖_∞)
    Catches: a first step that is not halved, δt for δt², parameters of the next layer, Euler.
    """
    yield from _defined(a, x, "leapfrog")
    if "identity" in a.profile.activations:
        got, Y, N, dt = _linear(a, x, "leapfrog", -1.0)
        if dt < 2:
            yield f"T_{N}(1 − δt²/2) y_0", got, np.cos(N * np.arccos(1 - dt**2 / 2)) * Y, N**2 * max_norm(Y)


@law("I4", "verlet", STABLE, FEW)
def _verlet(a: Gate, x: Instance) -> Claims:
    """Verlet's steps move both halves of the channels in turn, the second one by half steps around the first.

    half steps of z = −σ(Kᵀy + b) at t_k and t_{k+1}, whole ones of y = σ(K z + b) in the middle; scale
    N e^max(T,1) (‖y‖_∞ + 1 + ‖b‖_∞)
    Catches: K for Kᵀ, the sign of z, half steps that are whole or left out, y from a z of the beginning,
    halves of the channels exchanged or taken in turn.
    """
    yield from _defined(a, x, "verlet")


@law("I5", "", "consistency of the methods", ANALYTIC, cost=8, uses=METHODS)
def _orders(a: Gate, x: Instance) -> Claims:
    """The methods converge to the solution with their orders as N grows and T is kept.

    θ(t) = cos(2t/T) p + sin(3t/T) q for those of order 2, criterion: slope in [1.7, 2.3] from N = 16 to 32;
    θ constant for RK4, slope in [3.6, 4.4] from N = 3 to 6
    Catches: what spoils the order: weights, times of parameters, a first step that is not halved, δt kept.
    """
    for name in METHODS:
        if not provides(a.adapter, name):
            continue
        fourth = name == "rk4"
        counts = (3, 6) if fourth else (16, 32)

        def errors(one: Instance, name: str = name, counts: tuple[int, ...] = counts) -> list[float]:
            one = replace(one, final_time=1.0, examples=2)
            return [_error(a, one, name, N) for N in counts]

        low, high = (3.6, 4.4) if fourth else (1.7, 2.3)
        yield judge_order(counts, mean_errors(x, errors), low, high, f"order of {name}", "N")


def _smooth(rk4: bool) -> Callable[[Array], Callable[[Array], Array]]:
    """Return s -> (p, q) -> cos(2s) p + sin(3s) q at several times; p alone where θ must not vary."""

    def at(s: Array) -> Callable[[Array], Array]:
        weights = (np.ones_like(s), 0 * s) if rk4 else (np.cos(2 * s), np.sin(3 * s))

        def combined(pq: Array) -> Array:
            return sum(w.reshape(-1, *(1,) * (pq.ndim - 1)) * one for w, one in zip(weights, pq, strict=True))

        return combined

    return at


def _error(a: Gate, x: Instance, name: str, layers: int) -> float:
    """Return ‖y_N − y(T)‖ of a method."""
    theta = _smooth(name == "rk4")
    S, b, Y = _drawn(x, name, layers, theta)
    got = getattr(a, name)(S, b, Y, x.activation, x.final_time, x.boundary)
    p, c = _two(x), x.c_in
    raw, biases = as_double(theta(np.arange(layers) / layers)(p)), x.draw("b", 2, c, scale=0.5)
    largest = max(max(row_sum_norm(one), row_sum_norm(transpose(one))) for one in raw)

    def slope(s: float, u: Array) -> Array:
        S_s, b_s = theta(np.array([s]))(p)[0] / largest, theta(np.array([s]))(biases)[0]
        first, second = u[:, : u.shape[1] // 2], u[:, u.shape[1] // 2 :]
        z = preactivation(S_s, b_s, second if name == "verlet" else first, **_conventions(x))
        if name == "leapfrog":
            return np.concatenate([second, activate(z, x.activation)], axis=1)
        if name == "verlet":
            turned = adjoint(S_s, first, **_conventions(x)) + b_s.reshape(-1, *(1,) * x.d)
            return np.concatenate([activate(z, x.activation), -activate(turned, x.activation)], axis=1)
        return np.concatenate([activate(z, x.activation), 0 * second], axis=1)

    start = as_double(Y) if name == "verlet" else np.concatenate([as_double(Y), 0 * as_double(Y)], axis=1)
    end = runge_kutta(slope, start, x.final_time, 32)
    return norm(as_double(got) - end[:, : got.shape[1]])


@law("I6", "verlet", "Verlet's method is symmetric in time", ANALYTIC)
def _reversed(a: Gate, x: Instance) -> Claims:
    """Verlet's steps with −z from the end lead back to the beginning.

    Φ(y, z) = (u, v): Φ(u, −v) = (y, −z), for layers that are alike, b = 0 and an odd σ; scale
    N e^{2 max(T,1)} (‖y‖_∞ + 1)
    Catches: half steps at one end only, whatever is not symmetric in time.
    """
    S, b, Y = _drawn(x, "verlet")
    S, b = np.repeat(S[:1], len(S), axis=0), 0 * b
    turn = np.repeat(np.array([1, -1], x.dtype), x.c_in).reshape(-1, *(1,) * x.d)
    end = a.verlet(S, b, Y, x.activation, x.final_time, x.boundary)
    back = a.verlet(S, b, (turn * end).astype(x.dtype), x.activation, x.final_time, x.boundary)
    scale = len(S) * np.exp(2 * max(x.final_time, 1.0)) * (max_norm(Y) + 1)
    yield "Φ(u, −v) = (y, −z)", back, turn * as_double(Y), scale


@law("I7", "", "the discrete steps, differentiated", SMOOTH, uses=GRADIENTS)
def _gradients(a: Gate, x: Instance) -> Claims:
    """The gradient in the stencils is that of the steps as they are made, in every layer.

    ⟨g, V⟩ = d/dε ⟨Z, y_N(S + εV)⟩ by complex step, for V in all layers, in the first and in the last alone;
    scale 5 N T e^{2 max(T,1)} ‖Z‖(‖y‖ + √n(1 + ‖b‖))‖V‖
    Catches: stages that are left out, gradients of layers put at the wrong one, a mean over examples.
    """
    for name in METHODS:
        if provides(a.adapter, f"{name}_gradient"):
            yield from _gradient(a, x, name)


def _gradient(a: Gate, x: Instance, name: str) -> Claims:
    """Claim that the gradient of a method is right along a few directions."""
    S, b, Y = _drawn(x, name)
    Z, V = x.draw("Z", *Y.shape), as_double(x.draw("V", *S.shape))
    g = getattr(a, f"{name}_gradient")(S, b, Y, Z, x.activation, x.final_time, x.boundary)
    size = 5 * len(S) * x.final_time * np.exp(2 * max(x.final_time, 1.0)) * norm(Z)
    size *= norm(Y) + np.sqrt(Y.size) * (1 + max_norm(b))

    def along(p: Any) -> Array:
        method = getattr(steps, name)
        return method(p["S"], as_double(b), as_double(Y), x.final_time, x.activation, **_conventions(x))

    for k in (slice(None), slice(0, 1), slice(-1, None)):
        direction = 0 * V
        direction[k] = V[k]
        wanted = dot(Z, derivative(along, {"S": S}, {"S": direction}))
        yield f"{name}, ⟨g, V⟩ of layers {k}", dot(g, direction), wanted, size * norm(direction)
