"""The regularisers of problem (6): smoothness of W in space and of θ in time, with Tikhonov terms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from refms.definition.arrays import Array, Number, as_double, inner


def in_space(W: Array, grid: Sequence[int], alpha: Number = 1, tau: Number = 0) -> Number:
    """Return h^d/2 Σ_l (α ‖∇_h w_l‖² + τ ‖w_l‖²), W (c·n, ℓ); ∇_h differs across interior faces only."""
    w = as_double(W).reshape(-1, *grid, W.shape[-1])
    squares = [((n * np.diff(w, axis=axis)) ** 2).sum() for axis, n in enumerate(grid, 1)]
    return (alpha * sum(squares) + tau * inner(w, w)) / (2 * math.prod(grid))


def in_space_gradient(W: Array, grid: Sequence[int], alpha: Number = 1, tau: Number = 0) -> Array:
    """Return h^d (α ∇_hᵀ∇_h w_l + τ w_l): every face pulls its two cells together."""
    w = as_double(W).reshape(-1, *grid, W.shape[-1])
    pull = 0
    for axis, n in enumerate(grid, 1):
        pull = pull - n**2 * np.diff(np.diff(w, axis=axis), axis=axis, prepend=0, append=0)
    return ((alpha * pull + tau * w) / math.prod(grid)).reshape(W.shape)


def in_time(Theta: Array, T: Number, alpha: Number = 1, tau: Number = 0) -> Number:
    """Return 1/2 Σ_k δt (α ‖(θ_{k+1} − θ_k)/δt‖² + τ ‖θ_k‖²), Theta (N, p), δt = T/N."""
    theta, dt = as_double(Theta), T / len(Theta)
    jumps = np.diff(theta, axis=0)
    return (alpha * inner(jumps, jumps) / dt + tau * dt * inner(theta, theta)) / 2


def in_time_gradient(Theta: Array, T: Number, alpha: Number = 1, tau: Number = 0) -> Array:
    """Return α (2 θ_k − θ_{k−1} − θ_{k+1}) / δt + τ δt θ_k, one neighbour at the ends."""
    theta, dt = as_double(Theta), T / len(Theta)
    pull = -np.diff(np.diff(theta, axis=0), axis=0, prepend=0, append=0)
    return alpha * pull / dt + tau * dt * theta
