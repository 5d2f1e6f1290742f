"""The mesh-free convolution of one channel: its symbol on any mesh, seven parameters, and all derivatives."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError, require_shape
from refms.grid import Grid

PARAMETERS = ("a1", "a2", "angle", "g0", "gx", "gy", "log_time")
"""The seven numbers ξ of a channel, in the order in which vectors hold them."""

FLOOR = 1e-3
"""Added to both eigenvalues of the diffusion tensor, so that it is positive definite."""


def mesh_free_symbol(xi: Array, grid: Grid, order: int = 0, *, half: bool = False) -> tuple[Any, ...]:
    """Return the symbol m = m_even + i m_odd of a mesh-free convolution, and its derivatives in ξ.

    Parameters
    ----------
    xi : array
        Shape (c, 7): a1, a2, the angle θ, g0, gx, gy and θ_τ = log τ of each channel. NumPy or CuPy;
        complex only with a complex-step perturbation.
    grid : Grid
        Two-dimensional, [0, 1)²; (1, n) for a field that varies along one axis.
    order : int
        0, 1 or 2: how many derivatives.
    half : bool
        Whether the last axis has the n_2/2 + 1 frequencies of ``rfftn`` only.

    Returns
    -------
    tuple
        (m_even, m_odd) as one array (2, c, n_1, n_2), frequencies in the order of the FFT, dtype of ξ; from
        order 1 on a dict from a parameter p to the same of ∂m/∂p; from order 2 on a dict from a pair (p, q)
        to that of ∂²m/∂p∂q.

    Raises
    ------
    InputError
        If the grid has not two axes, or ξ is not of shape (c, 7).

    Notes
    -----
    m = D e with D = g0 + i (gx k̃x + gy k̃y), e = exp(−τ q), τ = exp(θ_τ) and

        q = λ1 (cos² kx² + sin² ky² − 2 sin cos k̃x k̃y) + λ2 (sin² kx² + cos² ky² + 2 sin cos k̃x k̃y),

    λ_i = max(a_i, 0) + 10⁻³; kx belongs to the last axis. k are the integers −n/2 … n/2 − 1; in k̃ the
    Nyquist number is 0, in D and in the cross term of q, or a real field would become complex. With E = −τ q
    and p, q any two parameters

        m_p = (D_p + D E_p) e,   m_pq = (D_p E_q + D_q E_p + D (E_p E_q + E_pq)) e.

    This is ṽ_τ = div(A ∇ṽ) to time τ and then g0 + gx ∂x + gy ∂y ([MST], first version), with powers of 2π
    in the parameters: the same ξ means the same operator on every mesh.

    Examples
    --------
    >>> identity = np.array([[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, -50.0]])
    >>> mesh_free_symbol(identity, Grid((1, 2)))[0].round(12).tolist()
    [[[[1.0, 1.0]]], [[[0.0, 0.0]]]]
    """
    require_shape(xi, (None, len(PARAMETERS)), "xi", "(channels, parameters)")
    require_two_axes(grid)
    kx, ky, ox, oy = _wave_numbers(xi, grid, half)
    a1, a2, angle, g0, gx, gy, log_time = (xi[:, i, None, None] for i in range(len(PARAMETERS)))
    xp = backend_of(xi).xp
    cos, sin, tau = xp.cos(angle), xp.sin(angle), xp.exp(log_time)
    twist, spread = 2 * sin * cos, cos * cos - sin * sin
    along = cos * cos * kx**2 + sin * sin * ky**2 - twist * ox * oy
    across = sin * sin * kx**2 + cos * cos * ky**2 + twist * ox * oy
    on1, on2 = ((a.real > 0).astype(a.real.dtype) for a in (a1, a2))
    lambda1, lambda2 = on1 * a1 + FLOOR, on2 * a2 + FLOOR
    E = -tau * (lambda1 * along + lambda2 * across)
    e, still = xp.exp(E), xp.zeros_like(E)

    def pair(even: Any, odd: Any) -> Array:
        return xp.stack([even + still, odd + still])

    D = pair(g0, gx * ox + gy * oy)
    if order == 0:
        return (D * e,)
    turn = twist * (kx**2 - ky**2) + 2 * spread * ox * oy  # ∂across/∂θ = −∂along/∂θ
    bend = 2 * spread * (kx**2 - ky**2) - 4 * twist * ox * oy  # ∂turn/∂θ
    D_p = {"g0": pair(1, 0), "gx": pair(0, ox), "gy": pair(0, oy)}
    E_p = {
        "a1": -tau * on1 * along,
        "a2": -tau * on2 * across,
        "angle": -tau * (lambda2 - lambda1) * turn,
        "log_time": E,
    }
    first = {p: (D_p.get(p, 0) + D * E_p.get(p, 0)) * e for p in PARAMETERS}
    if order == 1:
        return D * e, first
    E_pq = {
        ("a1", "angle"): tau * on1 * turn,
        ("a2", "angle"): -tau * on2 * turn,
        ("angle", "angle"): -tau * (lambda2 - lambda1) * bend,
        **{(p, "log_time"): E_p[p] for p in E_p},
    }

    def mixed(p: str, q: str) -> Array:
        Dp, Dq, Ep, Eq = D_p.get(p, 0), D_p.get(q, 0), E_p.get(p, 0), E_p.get(q, 0)
        return (Dp * Eq + Dq * Ep + D * (Ep * Eq + E_pq.get((p, q), 0))) * e

    second = {both: mixed(*both) for both in combinations_with_replacement(PARAMETERS, 2)}
    return D * e, first, second | {(q, p): found for (p, q), found in second.items()}


def require_two_axes(grid: Grid) -> None:
    """Refuse a grid of one or three axes."""
    if grid.dimension != 2:
        raise InputError(f"the grid is {grid.shape}; expected two axes, such as (1, 64).")


def mesh_free_matrix(xi: Array, grid: Grid) -> Array:
    """Return the mesh-free convolution of one channel as a dense circulant matrix: the definition.

    Parameters
    ----------
    xi : numpy.ndarray
        Shape (7,), float64.
    grid : Grid
        Two-dimensional and small: the matrix has n² entries.

    Returns
    -------
    numpy.ndarray
        Shape (n, n): F⁻¹ diag(m) F with F = F_1 ⊗ F_2 the matrices exp(−2πi jk/n); real.

    Examples
    --------
    >>> mesh_free_matrix(np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, -50.0]), Grid((1, 2))).round(12).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    even, odd = mesh_free_symbol(xi[None], grid)[0].reshape(2, -1)
    F = np.ones((1, 1))
    for n in grid.shape:
        F = np.kron(F, np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n))
    return np.asarray((F.conj().T @ ((even + 1j * odd)[:, None] * F)).real / grid.cells)


def _wave_numbers(xi: Array, grid: Grid, half: bool) -> tuple[Array, Array, Array, Array]:
    """Return kx, ky and, with 0 for the Nyquist number, k̃x and k̃y, in ξ's real precision."""
    xp, real = backend_of(xi).xp, xi.real.dtype

    def numbers(n: int, count: int) -> tuple[Array, Array]:
        k = np.fft.fftfreq(n, 1 / n).round()[:count]
        return xp.asarray(k.astype(real)), xp.asarray(np.where(k == -n / 2, 0.0, k).astype(real))

    rows, columns = grid.shape
    (ky, oy), (kx, ox) = numbers(rows, rows), numbers(columns, columns // 2 + 1 if half else columns)
    return kx[None, :], ky[:, None], ox[None, :], oy[:, None]
