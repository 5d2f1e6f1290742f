"""Networks whose parameters are smooth functions of time: what forward Euler converges to, and how fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from refms.conformance.instances.domain import Instance
from refms.conformance.oracles.network import opened
from refms.definition.activation import activate
from refms.definition.arrays import norm
from refms.definition.network import preactivation
from refms.definition.norms import row_sum_norm
from refms.definition.runge_kutta import runge_kutta
from refms.errors import Array

_VARIANTS = 3

_LARGEST = 2.0
"""Bound of T‖s(t)‖₁. Euler's error for y' = ay falls like 1/N only where (aT)² is much smaller than N: its
slope from N = 32 to 64 is 0.76 for aT = 6, and 0.95 for aT = 2."""


def smooth_parameters(x: Instance, layers: int) -> dict[str, Array]:
    """Return parameters of N layers, smooth functions of time at t_k = k/N, with T‖s‖₁ <= 2."""
    return _at_times(x, np.arange(layers) / layers)


def several_images(x: Instance) -> Array:
    """Return four random images (4, c_in, *grid)."""
    return x.image("X", examples=4)


def limit(x: Instance, steps: int = 32) -> Array:
    """Return y(T) of y' = σ(K(θ(t))y + b(t)), y(0) = L x, for four images, float64."""
    double = replace(x, dtype="float64")
    shifts = {"boundary": x.boundary, "orientation": x.orientation}

    def rate(t: float, y: Array) -> Array:
        now = _at_times(double, np.array([t]))
        return activate(preactivation(now["stencils"][0], now["biases"][0], y, **shifts), x.activation)

    start = opened(double.parameters(layers=1), several_images(x), x)
    y: Array = runge_kutta(rate, start, x.final_time, steps)
    return y


def mean_errors(x: Instance, errors: Callable[[Instance], list[float]]) -> list[float]:
    """Return errors in the mean square over a few draws, so that none vanishes by chance."""
    drawn = [errors(replace(x, seed=x.seed + 7_919 * k)) for k in range(_VARIANTS)]
    return [norm(column) for column in zip(*drawn, strict=True)]


def _at_times(x: Instance, times: Array) -> dict[str, Array]:
    """Return θ(t) = cos(2t) p + sin(3t) q for two random p, q, stencils made small enough."""
    p, q = x.parameters(layers=1), x.parameters("second", layers=1)
    size = x.final_time * sum(row_sum_norm(one["stencils"][0]) for one in (p, q))
    weights, factors = (np.cos(2 * times), np.sin(3 * times)), {"stencils": min(1.0, _LARGEST / size)}
    moving = {}
    for key in ("stencils", "biases"):
        tail = (1,) * (p[key].ndim - 1)
        total = sum(w.reshape(-1, *tail) * one[key] for w, one in zip(weights, (p, q), strict=True))
        moving[key] = np.asarray(factors.get(key, 1.0) * total).astype(x.dtype)
    return {**p, **moving}
