"""Steps in time with y' = F(θ(t), y), F = σ(K(s) y + b): midpoint, RK4, leapfrog for y″ = F, and Verlet's.

Layer k of N has the parameters θ_k at t_k = k δt, δt = T/N; θ(t) is linear in between, and θ_{N−1} from
t_{N−1} on. S has shape (N, c, c, *stencil), b (N, c).
"""

from __future__ import annotations

import numpy as np

from refms.definition.activation import activate
from refms.definition.arrays import Array, Number
from refms.definition.convolution import adjoint
from refms.definition.network import preactivation
from refms.definition.runge_kutta import runge_kutta


def in_between(Theta: Array, k: int, part: float) -> Array:
    """Return θ at t_k + part δt, 0 <= part <= 1.

    >>> import numpy as np
    >>> in_between(np.array([1.0, 3.0]), 0, 0.5), in_between(np.array([1.0, 3.0]), 1, 0.5)
    (np.float64(2.0), np.float64(3.0))
    """
    return (1 - part) * Theta[k] + part * Theta[min(k + 1, len(Theta) - 1)]


def rate_at(S: Array, b: Array, k: int, part: float, y: Array, activation: str, **shifts: str) -> Array:
    """Return F(θ(t_k + part δt), y)."""
    return activate(preactivation(in_between(S, k, part), in_between(b, k, part), y, **shifts), activation)


def midpoint(S: Array, b: Array, Y: Array, T: Number, activation: str, **shifts: str) -> Array:
    """Return y_N: y_{k+1} = y_k + δt F(θ(t_k + δt/2), y_k + δt/2 F(θ_k, y_k))."""
    dt = T / len(S)
    for k in range(len(S)):
        half = Y + dt / 2 * rate_at(S, b, k, 0.0, Y, activation, **shifts)
        Y = Y + dt * rate_at(S, b, k, 0.5, half, activation, **shifts)
    return Y


def rk4(S: Array, b: Array, Y: Array, T: Number, activation: str, **shifts: str) -> Array:
    """Return y_N of the classical method of order 4, stages at t_k, twice t_k + δt/2, and t_{k+1}."""
    for k in range(len(S)):

        def rate(part: float, y: Array, k: int = k) -> Array:
            return rate_at(S, b, k, part, y, activation, **shifts)

        Y = runge_kutta(rate, Y, T / len(S), 1)
    return Y


def leapfrog(S: Array, b: Array, Y: Array, T: Number, activation: str, **shifts: str) -> Array:
    """Return y_N of y″ = F, y′(0) = 0: y_{k+1} = 2y_k − y_{k−1} + δt² F(θ_k, y_k), half of it at first."""
    dt, velocity = T / len(S), 0 * Y
    for k in range(len(S)):
        velocity = velocity + (dt if k else dt / 2) * rate_at(S, b, k, 0.0, Y, activation, **shifts)
        Y = Y + dt * velocity
    return Y


def verlet(S: Array, b: Array, Y: Array, T: Number, activation: str, **shifts: str) -> Array:
    """Return (y_N, z_N) of y' = σ(K z + b), z' = −σ(Kᵀy + b), y the first half of the channels, z the second.

    z_{k+½} = z_k − δt/2 σ(K_kᵀ y_k + b_k), y_{k+1} = y_k + δt σ(K_{k+½} z_{k+½} + b_{k+½}),
    z_{k+1} = z_{k+½} − δt/2 σ(K_{k+1}ᵀ y_{k+1} + b_{k+1}).
    """
    dt, c = T / len(S), Y.shape[1] // 2
    y, z = Y[:, :c], Y[:, c:]

    def half(k: int, part: float, y: Array, z: Array) -> Array:
        bias = in_between(b, k, part).reshape(-1, *(1,) * (y.ndim - 2))
        return z - dt / 2 * activate(adjoint(in_between(S, k, part), y, **shifts) + bias, activation)

    for k in range(len(S)):
        z = half(k, 0.0, y, z)
        y = y + dt * rate_at(S, b, k, 0.5, z, activation, **shifts)
        z = half(k, 1.0, y, z)
    return np.concatenate([y, z], axis=1)
