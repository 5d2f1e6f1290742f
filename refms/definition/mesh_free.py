"""The mesh-free convolution of [MST] in two dimensions: v̂(k) = m(k) ŵ(k), m = D e, every channel by itself.

ξ = (a1, a2, θ, g0, gx, gy, log τ): D = g0 + i(gx k̃x + gy k̃y), e = exp(−τ q), λ_i = max(a_i, 0) + 1/1000,
q = λ1 u + λ2 w with u = cos² kx² + sin² ky² − 2 sin cos k̃x k̃y, w = sin² kx² + cos² ky² + 2 sin cos k̃x k̃y.
kx belongs to the last axis; k̃ is k with the Nyquist number −n/2 as 0. ``pi`` is a ball for balls.
"""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, Number, as_double


def wave_numbers(n: int) -> tuple[Array, Array]:
    """Return k = −⌊n/2⌋ … and k̃."""
    k = np.arange(n) - n // 2
    return k, np.where(2 * k == -n, 0, k)


def forms(angle: Number, grid: tuple[int, int]) -> tuple[Array, ...]:
    """Return u, w, ∂w/∂θ = −∂u/∂θ, ∂²w/∂θ², k̃x and k̃y."""
    (ky, oy), (kx, ox) = wave_numbers(grid[0]), wave_numbers(grid[1])
    ky, oy = ky[:, None], oy[:, None]
    cos, sin = np.cos(angle), np.sin(angle)
    u = cos * cos * kx**2 + sin * sin * ky**2 - 2 * sin * cos * ox * oy
    w = sin * sin * kx**2 + cos * cos * ky**2 + 2 * sin * cos * ox * oy
    turn = 2 * sin * cos * (kx**2 - ky**2) + 2 * (cos * cos - sin * sin) * ox * oy
    bend = 2 * (cos * cos - sin * sin) * (kx**2 - ky**2) - 8 * sin * cos * ox * oy
    return u, w, turn, bend, ox, oy


def symbols(xi: Array, grid: tuple[int, int]) -> list[tuple[Array, Array]]:
    """Return (m_even, m_odd), m = m_even + i m_odd, and the same of ∂m/∂p for the seven p, of one channel."""
    a1, a2, angle, g0, gx, gy, log_time = as_double(xi)
    u, w, turn, _, ox, oy = forms(angle, grid)
    tau, on1, on2 = np.exp(log_time), int(a1 > 0), int(a2 > 0)
    l1, l2 = on1 * a1 + (0 * a1 + 1) / 1000, on2 * a2 + (0 * a2 + 1) / 1000
    q = l1 * u + l2 * w
    e = np.exp(-tau * q)
    even, odd = g0 * e, (gx * ox + gy * oy) * e
    outer = [-tau * on1 * u, -tau * on2 * w, -tau * (l2 - l1) * turn]
    inner = [(e, 0 * e), (0 * e, ox * e), (0 * e, oy * e)]
    return [(even, odd), *((E * even, E * odd) for E in outer), *inner, (-tau * q * even, -tau * q * odd)]


def filtered(even: Array, odd: Array, w: Array, pi: Number = np.pi) -> Array:
    """Return F⁻¹ m F w = Σ_r κ_r Π_{−r} w, κ_r = Σ_k (m_even cos φ − m_odd sin φ)/n, φ = 2π Σ k_j r_j/n_j."""
    phases = [2 * pi * np.outer(wave_numbers(n)[0], np.arange(n)) / n for n in even.shape]
    (c1, s1), (c2, s2) = ((np.cos(phi), np.sin(phi)) for phi in phases)
    kappa = c1.T @ even @ c2 - s1.T @ even @ s2 - s1.T @ odd @ c2 - c1.T @ odd @ s2
    w = as_double(w)
    return sum(kappa[r] * np.roll(w, r, (-2, -1)) for r in np.ndindex(*even.shape)) / even.size


def mesh_free(xi: Array, Y: Array, pi: Number = np.pi) -> Array:
    """Return C(ξ) Y for images (m, c, n_1, n_2) and ξ (c, 7)."""
    made = [filtered(*symbols(one, Y.shape[2:])[0], Y[:, c], pi) for c, one in enumerate(xi)]
    return np.stack(made, axis=1)


def mesh_free_gradient(xi: Array, Y: Array, Z: Array, pi: Number = np.pi) -> Array:
    """Return ∂⟨Z, C(ξ)Y⟩/∂ξ, summed over examples and cells, shape (c, 7)."""
    found = [
        [(as_double(Z[:, c]) * filtered(*dm, Y[:, c], pi)).sum() for dm in symbols(one, Y.shape[2:])[1:]]
        for c, one in enumerate(xi)
    ]
    return np.array(found)
