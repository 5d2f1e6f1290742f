"""Mistakes in steps in time: stages, weights, times, half steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refms.conformance.mutants.arrays import exchange, flip
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array


def _theta(Theta: Array, k: int, part: float) -> Array:
    """Return θ(t_k + part δt), linear in between, constant beyond the last layer."""
    return np.asarray((1 - part) * Theta[k] + part * Theta[min(k + 1, len(Theta) - 1)], Theta.dtype)


def _F(t: Asked, k: int, part: float, y: Array, *, turned: bool = False) -> Array:
    """Return σ(K y + b), or σ(Kᵀ y + b), at the time t_k + part δt."""
    S, b = _theta(t.S, k, part), np.repeat(_theta(t.b, k, part), t.cells)[:, None]
    product = t.right.convolution_adjoint if turned else t.right.convolution
    z = product(S, y.astype(t.Y.dtype), t.grid, t.boundary) + b
    return np.asarray(t.right.activation(z.astype(t.Y.dtype), t.activation))


def _runge_kutta(
    a: Sequence[Sequence[float]], b: Sequence[float], nodes: Sequence[float] | None = None
) -> Change:
    """Return the mistake of another tableau, or of the same one with parameters of other times."""

    def change(t: Asked) -> Array:
        y, dt = t.Y, t.final_time / len(t.S)
        for k in range(len(t.S)):
            slopes: list[Array] = []
            for i, row in enumerate(a):
                state = sum((w * f for w, f in zip(row, slopes, strict=True)), start=0 * y)
                slopes.append(_F(t, k, sum(row) if nodes is None else nodes[i], y + dt * state))
            y = y + dt * sum(w * f for w, f in zip(b, slopes, strict=True))
        return np.asarray(y.astype(t.Y.dtype))

    return change


def _leapfrog(first: float = 0.5, power: int = 2, sign: float = 1.0) -> Change:
    """Return the mistake of another first step, of δt for δt², or of a sign."""

    def change(t: Asked) -> Array:
        y, dt, v = t.Y, t.final_time / len(t.S), 0 * t.Y
        for k in range(len(t.S)):
            v = v + sign * (1 if k else first) * dt ** (power - 1) * _F(t, k, 0.0, y)
            y = y + dt * v
        return np.asarray(y.astype(t.Y.dtype))

    return change


def _velocity_at_whole_steps(t: Asked) -> Array:
    """Return the symplectic Euler of which position and velocity take turns the other way round."""
    y, dt, v = t.Y, t.final_time / len(t.S), 0 * t.Y
    for k in range(len(t.S)):
        slope = _F(t, k, 0.0, y)
        y = y + dt * v + dt**2 / 2 * slope
        v = v + dt * slope
    return np.asarray(y.astype(t.Y.dtype))


def _verlet(
    before: float = 0.5, after: float = 0.5, *, turned: bool = True, middle: float = 0.5, sign: float = -1.0
) -> Change:
    """Return the mistake of other half steps, of K for Kᵀ, of another time, or of a sign."""

    def change(t: Asked) -> Array:
        (y, z), dt = np.split(t.Y, 2), t.final_time / len(t.S)
        for k in range(len(t.S)):
            z = z + sign * before * dt * _F(t, k, 0.0, y, turned=turned)
            y = y + dt * _F(t, k, middle, z)
            z = z + sign * after * dt * _F(t, k, 1.0, y, turned=turned)
        return np.concatenate([y, z]).astype(t.Y.dtype)

    return change


def _halves_exchanged(t: Asked) -> Array:
    found = t(Y=np.concatenate(np.split(t.Y, 2)[::-1]))
    return np.concatenate(np.split(found, 2)[::-1])


_EULER = ((),)
_HALF = ((), (0.5,))
_FOURTH = ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0))
_WEIGHTS = (1 / 6, 1 / 3, 1 / 3, 1 / 6)

MISTAKES: Table = {
    "midpoint": {
        "Euler's step in place of the midpoint's": _runge_kutta(_EULER, (1.0,)),
        "midpoint with the parameters of the beginning": _runge_kutta(_HALF, (0.0, 1.0), (0.0, 0.0)),
        "midpoint with the parameters of the end": _runge_kutta(_HALF, (0.0, 1.0), (0.0, 1.0)),
        "whole step to the middle": _runge_kutta(((), (1.0,)), (0.0, 1.0), (0.0, 0.5)),
        "mean of both slopes of the midpoint": _runge_kutta(_HALF, (0.5, 0.5)),
        "midpoint with T/(N + 1)": lambda t: t(final_time=t.final_time * len(t.S) / (len(t.S) + 1)),
    },
    "rk4": {
        "weights of RK4 all equal": _runge_kutta(_FOURTH, (0.25,) * 4),
        "weights 1, 3, 3, 1 of RK4": _runge_kutta(_FOURTH, (0.125, 0.375, 0.375, 0.125)),
        "third stage of RK4 from the first": _runge_kutta(
            ((), (0.5,), (0.5, 0.0), (0.0, 0.0, 1.0)), _WEIGHTS
        ),
        "last stage of RK4 by half a step": _runge_kutta(
            ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 0.5)), _WEIGHTS, (0.0, 0.5, 0.5, 1.0)
        ),
        "all stages of RK4 with the parameters of the beginning": _runge_kutta(_FOURTH, _WEIGHTS, (0.0,) * 4),
        "last stage of RK4 with the parameters of the middle": _runge_kutta(
            _FOURTH, _WEIGHTS, (0.0, 0.5, 0.5, 0.5)
        ),
    },
    "leapfrog": {
        "first step of leapfrog not halved": _leapfrog(first=1.0),
        "δt in place of δt² in leapfrog": _leapfrog(power=1),
        "force of leapfrog with the other sign": _leapfrog(sign=-1.0),
        "velocity of leapfrog at whole steps": _velocity_at_whole_steps,
        "velocity of leapfrog forgotten": lambda t: t(final_time=t.final_time / 2),
    },
    "verlet": {
        "half steps of Verlet whole": _verlet(1.0, 1.0),
        "last half step of Verlet left out": _verlet(0.5, 0.0),
        "a whole step of Verlet at first, none at the end": _verlet(1.0, 0.0),
        "K in place of Kᵀ in Verlet's second half": _verlet(turned=False),
        "plus in place of minus in Verlet's second half": _verlet(sign=1.0),
        "Verlet's middle with the parameters of the beginning": _verlet(middle=0.0),
        "halves of the channels exchanged in Verlet's steps": _halves_exchanged,
    },
    "midpoint_gradient rk4_gradient leapfrog_gradient verlet_gradient": {
        "gradients of the layers in reverse order": lambda t: t()[::-1].copy(),
        "gradient of the steps without δt": lambda t: t() * len(t.S) / t.final_time,
        "gradient of the steps averaged over the examples": lambda t: t() / t.examples,
        "gradient of the steps flipped": lambda t: flip(t(), *range(3, t.S.ndim)),
        "channels of the gradient of the steps exchanged": lambda t: exchange(t(), 1, 2),
        "gradient of the steps of the last layer only": lambda t: np.concatenate([0 * t()[:-1], t()[-1:]]),
    },
}
