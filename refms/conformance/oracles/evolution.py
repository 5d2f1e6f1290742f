"""Networks whose parameters are smooth functions of time: what forward Euler converges to, and how fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from refms.conformance.adapters.profile import Profile
from refms.conformance.instances.drawn import Instance
from refms.conformance.oracles.convolution import convolve, one_norm
from refms.conformance.oracles.network import activated
from refms.errors import Array

_VARIANTS = 3

_LARGEST = 2.0
"""Bound of T‖s(t)‖₁. Euler's error for y' = ay falls like 1/N only where (aT)² is much smaller than N: its
slope from N = 32 to 64 is 0.76 for aT = 6, and 0.95 for aT = 2."""


def smooth_parameters(x: Instance, layers: int) -> dict[str, Array]:
    """Return parameters whose stencils and biases are a smooth function of time, at t_k = k/N, T‖s‖₁ <= 2.

    Parameters
    ----------
    x : Instance
        Gives sizes and numbers.
    layers : int
        N.

    Returns
    -------
    dict of str to array
        Parameters of a network with N layers.
    """
    return _at_times(x, np.arange(layers) / layers)


def several_images(x: Instance) -> Array:
    """Return four random images (4, c_in, *grid)."""
    return x.image("X", examples=4)


def limit(x: Instance, profile: Profile, steps: int = 32) -> Array:
    """Return y(T) of y' = σ(K(θ(t))y + b(t)), y(0) = L x, by the classical Runge-Kutta scheme of order 4.

    Parameters
    ----------
    x : Instance
        Gives sizes and numbers.
    profile : Profile
        Gives the orientation.
    steps : int
        Number of steps.

    Returns
    -------
    array
        Shape (4, c, *grid), float64.
    """
    double = replace(x, dtype="float64")
    dt = x.final_time / steps

    def rate(step: float, y: Array) -> Array:
        now = _at_times(double, np.array([step / steps]))
        z = convolve(now["stencils"][0], y, x.boundary, profile.orientation)
        return activated(z + now["biases"][0].reshape(1, -1, *(1,) * x.d), x.activation)

    y = convolve(double.parameters(layers=1)["opening"], several_images(x), x.boundary, profile.orientation)
    for k in range(steps):
        first = rate(k, y)
        second = rate(k + 0.5, y + dt / 2 * first)
        third = rate(k + 0.5, y + dt / 2 * second)
        y = y + dt / 6 * (first + 2 * second + 2 * third + rate(k + 1, y + dt * third))
    return y


def mean_errors(x: Instance, errors: Callable[[Instance], list[float]]) -> list[float]:
    """Return errors in the mean square over a few draws, so that none vanishes by chance.

    Parameters
    ----------
    x : Instance
        Gives the sizes.
    errors : callable
        Instance -> errors of some steps.

    Returns
    -------
    list of float
        One for each step.
    """
    drawn = [errors(replace(x, seed=x.seed + 7_919 * k)) for k in range(_VARIANTS)]
    return [float(np.linalg.norm(column)) for column in zip(*drawn, strict=True)]


def _at_times(x: Instance, times: Array) -> dict[str, Array]:
    """Return θ(t) = cos(2t) p + sin(3t) q for two random p, q, stencils made small enough."""
    p, q = x.parameters(layers=1), x.parameters("second", layers=1)
    size = x.final_time * sum(one_norm(one["stencils"][0]) for one in (p, q))
    weights, factors = (np.cos(2 * times), np.sin(3 * times)), {"stencils": min(1.0, _LARGEST / size)}
    moving = {}
    for key in ("stencils", "biases"):
        tail = (1,) * (p[key].ndim - 1)
        total = sum(w.reshape(-1, *tail) * one[key] for w, one in zip(weights, (p, q), strict=True))
        moving[key] = np.asarray(factors.get(key, 1.0) * total).astype(x.dtype)
    return {**p, **moving}
