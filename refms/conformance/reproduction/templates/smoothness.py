"""The regularisers with their gradients, and the interpolation in time, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refms.conformance.adapters.profile import Profile

_IN_SPACE = """# h^d/2 times the sum of ((w_i+1 - w_i) / h)^2 over interior faces, h = 1/n
def R(W, grid):
    w = W.reshape(-1, *grid, W.shape[1])
    squares = [((n * np.diff(w, axis=axis)) ** 2).sum() for axis, n in enumerate(grid, 1)]
    return sum(squares) / (2 * np.prod(grid))"""

_IN_TIME = """# 1/2 times the sum of dt ((theta_k+1 - theta_k) / dt)^2, dt = T/N
def R(Theta, T):
    dt = T / len(Theta)
    return 0.5 * dt * ((np.diff(Theta, axis=0) / dt) ** 2).sum()"""

_SLOPES = """    slopes = [R({0} + 1j * e.reshape({0}.shape), {1}).imag for e in np.eye({0}.size)]
    return np.reshape(slopes, {0}.shape)  # R is quadratic: a complex step of any length is exact"""


def weight_smoothness(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of R(W)."""
    return f"{_IN_SPACE}\n\n\ndef oracle(W, grid):\n    return R(W, grid)"


def weight_smoothness_gradient(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of its gradient."""
    return f"{_IN_SPACE}\n\n\ndef oracle(W, grid):\n{_SLOPES.format('W', 'grid')}"


def time_smoothness(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of R(θ)."""
    return f"{_IN_TIME}\n\n\ndef oracle(Theta, final_time):\n    return R(Theta, final_time)"


def time_smoothness_gradient(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of its gradient."""
    return f"{_IN_TIME}\n\n\ndef oracle(Theta, final_time):\n{_SLOPES.format('Theta', 'final_time')}"


def depth_prolong(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of the interpolation between depths."""
    return """# linear in time at t = j T / layers, constant beyond the last layer
def oracle(Theta, layers):
    old, new = np.arange(len(Theta)), np.arange(layers) * len(Theta) / layers
    return np.stack([np.interp(new, old, column) for column in Theta.T], axis=1)"""
