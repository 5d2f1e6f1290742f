"""Theorem 1 of [MST]: how far the minimisers of two meshes are apart, and what a hot start saves.

    E_h(θ) = E 1/n ½ ‖K(θ) u − y‖² + α/2 ‖θ‖²,   (N + αI) θ*_h = b,
    N_κλ = 1/n tr(Π_κ C_uu Π_λᵀ),   b_κ = 1/n tr(Π_κ C_uy),   C_uy = E u yᵀ,

exactly, without samples: on level l the covariances are R^l C (R^l)ᵀ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mathematics.pixels import Fields
from refms.errors import Array
from refms.grid import Grid
from refms.stencils.convolution import shift_matrix
from refms.stencils.smoothing import gaussian_matrix
from refms.stencils.transfer import transfer_pair


@dataclass(frozen=True, eq=False)
class Covariances:
    """C_uu and C_uy on a one-dimensional mesh, as dense matrices."""

    grid: Grid
    uu: Array
    uy: Array

    def coarsened(self, pair: str) -> Covariances:
        """Return R C Rᵀ."""
        R = transfer_pair(pair).restriction_matrix(self.grid)
        return Covariances(self.grid.coarsen(), *(R @ (R @ C.T).T for C in (self.uu, self.uy)))

    def normal_equations(self, alpha: float, taps: int = 3) -> tuple[Array, Array]:
        """Return N + αI and b."""
        shifts = [shift_matrix(self.grid, (k - taps // 2,), "periodic") for k in range(taps)]
        n = self.grid.cells
        N = [[np.trace(left @ (right @ self.uu.T).T) / n for right in shifts] for left in shifts]
        return np.array(N) + alpha * np.eye(taps), np.array([np.trace(s @ self.uy) / n for s in shifts])


def white_covariances(grid: Grid, width: float) -> Covariances:
    """Return those of white noise u and y = u + B u, B a Gaussian of this width on [0, 1).

    Means of cells take I to I/2 and leave B, as h falls, with entries O(h): θ*_h = (0, 1, 0) + O(h).
    """
    B = gaussian_matrix(grid, width * grid.cells).toarray()
    return Covariances(grid, np.eye(grid.cells), np.eye(grid.cells) + B.T)


def sampled_covariances(fields: Fields) -> Covariances:
    """Return those of given examples: of fields of fixed smoothness they do not change with h."""
    m = fields.u.shape[1]
    return Covariances(fields.grid, fields.u @ fields.u.T / m, fields.u @ fields.y.T / m)


@dataclass(frozen=True)
class Start:
    """On one mesh: ‖θ*_h − θ*_2h‖, and the steps from θ*_2h (hot) and from a random θ (cold)."""

    cells: int
    distance: float
    hot: int
    cold: int


def starts(
    covariances: Covariances, pair: str, levels: int, alpha: float, accuracy: float, random: Array
) -> list[Start]:
    """Return what a hot start and the start ``random`` need on each mesh but the coarsest, finest first."""
    found, here = [], covariances.normal_equations(alpha)
    for _ in range(levels - 1):
        cells, covariances = covariances.grid.cells, covariances.coarsened(pair)
        coarse = covariances.normal_equations(alpha)
        minimum, twin = (np.linalg.solve(*one) for one in (here, coarse))
        hot, cold = (steps_needed(*here, start, accuracy) for start in (twin, random))
        found.append(Start(cells, float(np.linalg.norm(minimum - twin)), hot, cold))
        here = coarse
    return found


def step_lengths(N: Array, count: int) -> tuple[Array, float]:
    """Return η_k = 1/(μ (k + 1 + κ)) for k < count, and κ = max(10, cond N), μ the smallest eigenvalue."""
    values = np.linalg.eigvalsh(N)
    kappa = max(10.0, float(values[-1] / values[0]))
    return 1 / (values[0] * (np.arange(count) + 1 + kappa)), kappa


def steps_needed(N: Array, b: Array, start: Array, accuracy: float, most: int = 2**17) -> int:
    """Return the first k with ‖θ_k − θ*‖ ≤ ε of θ_{k+1} = θ_k − η_k (N θ_k − b); ``most`` if there is none.

    In an eigenvector of N with eigenvalue ν the error after k steps is Π_j (1 − η_j ν): κ/(k + κ) where
    ν = μ, and faster elsewhere. So ‖θ_k − θ*‖ ≤ κ ‖θ_0 − θ*‖/(k + κ), (17) of [MST] without its noise.
    """
    values, vectors = np.linalg.eigh(N)
    lengths, _ = step_lengths(N, most)
    error = vectors.T @ (start - np.linalg.solve(N, b))
    shares = np.cumprod(1 - values[:, None] * lengths, axis=1)
    within = np.linalg.norm(error[:, None] * shares, axis=0) <= accuracy
    if np.linalg.norm(error) <= accuracy:
        return 0
    return int(within.argmax()) + 1 if within.any() else most


def sampled_errors(
    rng: np.random.Generator, covariances: Covariances, start: Array, steps: int, replicas: int
) -> Array:
    """Return √E ‖θ_k − θ*‖² for k = 0 … ``steps`` with the gradient of one example each.

    u is white noise, y = C_uyᵀ u, as :func:`white_covariances` has it; every step draws a new one.
    """
    N, b = covariances.normal_equations(0.0)
    lengths, _ = step_lengths(N, steps)
    minimum, n = np.linalg.solve(N, b), covariances.grid.cells
    shifts = [shift_matrix(covariances.grid, (k,), "periodic") for k in (-1, 0, 1)]
    theta = np.repeat(start[:, None], replicas, axis=1)
    errors = [float(np.linalg.norm(start - minimum))]
    for length in lengths:
        u = rng.standard_normal((n, replicas))
        moved = np.stack([shift @ u for shift in shifts])
        residual = (theta[:, None] * moved).sum(axis=0) - covariances.uy.T @ u
        theta = theta - length * (moved * residual).mean(axis=1)
        errors.append(float(np.sqrt(((theta - minimum[:, None]) ** 2).sum(axis=0).mean())))
    return np.array(errors)
