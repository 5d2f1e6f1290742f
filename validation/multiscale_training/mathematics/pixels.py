"""Losses of two small nets as means over pixels, with a gradient of each pixel, from explicit matrices.

    L_h(θ) = 1/n Σ_i ½ r_i²,   r = N(θ, u) − y,   γ_i = r_i ∂N_i/∂θ,   g_h = 1/n Σ_i γ_i,

eqs. (20) and (21) of [MST], with N = K(s) u or K(s_2) tanh(K(s_1) u) and K(s) = Σ_κ s_κ Π_κ.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from refms.errors import Array
from refms.grid import Grid
from refms.maps.layers.mesh_free import mesh_free_map
from refms.stencils.convolution import convolution_matrix, shift_matrix
from refms.stencils.galerkin import stencil_map
from refms.stencils.transfer import transfer_pair


@dataclass(frozen=True, eq=False)
class Fields:
    """Inputs u and targets y on a mesh, shape (n, m)."""

    grid: Grid
    u: Array
    y: Array

    def coarsened(self, pair: str) -> Fields:
        """Return R u and R y."""
        R = transfer_pair(pair).restriction_matrix(self.grid)
        return Fields(self.grid.coarsen(), R @ self.u, R @ self.y)

    def on_levels(self, pair: str, levels: int) -> list[Fields]:
        """Return these and R^l of them, the finest first."""
        coarser = itertools.repeat(pair, levels - 1)
        return list(itertools.accumulate(coarser, lambda fields, name: fields.coarsened(name), initial=self))


@dataclass(frozen=True, eq=False)
class Waves:
    """Smooth periodic functions Σ_k a_k cos(2π k·x + φ_k); a and φ have shape (numbers, m)."""

    numbers: Array
    amplitudes: Array
    phases: Array

    def on(self, grid: Grid, shift: float = 0.0) -> Array:
        """Return the values at the centres of the cells, moved by this much along each axis, (n, m)."""
        centres = [(np.arange(n) + 0.5) / n + shift for n in grid.shape]
        x = np.stack([one.ravel() for one in np.meshgrid(*centres, indexing="ij")])
        parts = zip(2 * np.pi * self.numbers @ x, self.phases, self.amplitudes, strict=True)
        return sum(a * np.cos(wave[:, None] + phase) for wave, phase, a in parts)


def draw_waves(rng: np.random.Generator, dimension: int, count: int, highest: int = 2) -> Waves:
    """Return so many random functions with wave numbers |k_j| ≤ ``highest`` and variance 1/2."""
    numbers = np.array([*itertools.product(range(-highest, highest + 1), repeat=dimension)])
    shape = (len(numbers), count)
    return Waves(
        numbers,
        rng.standard_normal(shape) / np.sqrt(len(numbers)),
        rng.uniform(0, 2 * np.pi, shape),
    )


def smooth_problem(rng: np.random.Generator, grid: Grid, count: int = 1, noise: float = 0.0) -> Fields:
    """Return a smooth periodic u and the target 3 u(x + 1/8); white noise of this σ is added to u.

    A target that is moved lets the gradient see first moments of stencils, the part of it that is O(h).
    """
    waves = draw_waves(rng, grid.dimension, count, 3 - grid.dimension)
    u = waves.on(grid)
    return Fields(grid, u + noise * rng.standard_normal(u.shape), 3 * waves.on(grid, 0.125))


def pixel_gradients(stencils: Array, fields: Fields) -> Array:
    """Return γ, shape (p, n, m), of K(s) u or, with two stencils, K(s_2) tanh(K(s_1) u)."""
    u, y, grid = fields.u, fields.y, fields.grid
    radii = [range(-(size // 2), size // 2 + 1) for size in stencils.shape[1:]]
    shifts = [shift_matrix(grid, kappa, "periodic") for kappa in itertools.product(*radii)]
    first, *second = (convolution_matrix(s, grid) for s in stencils)
    if not second:
        return (first @ u - y) * np.stack([shift @ u for shift in shifts])
    a, K = np.tanh(first @ u), second[0]
    inner = [K @ ((1 - a**2) * (shift @ u)) for shift in shifts]
    return (K @ a - y) * np.stack([*inner, *(shift @ a for shift in shifts)])


def kernel_matrix(shape: tuple[int, ...], pair: str | None, level: int) -> Array:
    """Return T_l = I ⊗ (A ⊗ … ⊗ A)^l of Galerkin's rule with this pair; the identity without one."""
    layers, *sizes = shape
    T = np.eye(layers)
    for size in sizes:
        T = np.kron(T, np.eye(size) if pair is None or level == 0 else stencil_map(pair, size, level))
    return T


def gradient(stencils: Array, fields: Fields, kernel_pair: str | None = None, steps: int = 0) -> Array:
    """Return Tᵀ g(T θ) on a mesh so many steps coarser than that of θ: the mean over pixels and examples."""
    T = kernel_matrix(stencils.shape, kernel_pair, steps)
    moved = (T @ stencils.ravel()).reshape(stencils.shape)
    return np.asarray(T.T @ pixel_gradients(moved, fields).mean(axis=(1, 2)))


def differences(stencils: Array, levels: list[Fields], kernel_pair: str | None = None) -> Array:
    """Return ‖g_h(θ) − Tᵀ g_2h(T θ)‖ with θ on each mesh but the last, the finest first."""
    return np.array([
        np.linalg.norm(gradient(stencils, fine) - gradient(stencils, coarse, kernel_pair, 1))
        for fine, coarse in pairwise(levels)
    ])  # fmt: skip


def telescoped_differences(stencils: Array, levels: list[Fields], kernel_pair: str | None = None) -> Array:
    """Return ‖T_lᵀ g_l(T_l θ) − T_{l+1}ᵀ g_{l+1}(T_{l+1} θ)‖ with θ on the finest mesh, as in MGE."""
    found = [gradient(stencils, fields, kernel_pair, level) for level, fields in enumerate(levels)]
    return np.linalg.norm(np.diff(found, axis=0), axis=1)


def mesh_free_differences(xi: Array, levels: list[Fields]) -> Array:
    """Return ‖g_h − g_2h‖ for the seven parameters ξ of a mesh-free convolution on a line."""
    found = []
    for fields in levels:
        at = mesh_free_map(Grid((1, *fields.grid.shape)), 1).at(xi, fields.u)
        found.append(at.vjp((at.output - fields.y) / fields.u.size, wrt_input=False)[0])
    return np.linalg.norm(np.diff(found, axis=0), axis=1)


def order(values: Array) -> float:
    """Return q of values that are c h^q, with h doubling from one to the next: least squares in logarithms.

    >>> order(np.array([1.0, 4.0, 16.0]))
    2.0
    """
    return round(float(np.polyfit(np.arange(len(values)), np.log2(values), 1)[0]), 12)
