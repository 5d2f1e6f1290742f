"""Normalisation over groups, SSIM with its derivatives, mesh-free convolutions."""

from functools import lru_cache

import numpy as np

from unseen.transfer import apply_along

C1, C2 = 0.01**2, 0.03**2


def grouped(Y, groups):
    """Return (m, groups, rest)."""
    return Y.reshape(len(Y), groups, -1)


def normalized(Y, groups, epsilon):
    """Return (x − μ)/√(var + ε) of the groups, and √(var + ε)."""
    x = grouped(Y, groups)
    x = x - x.mean(axis=2, keepdims=True)
    deviation = np.sqrt((x**2).mean(axis=2, keepdims=True) + Y.dtype.type(epsilon))
    return x / deviation, deviation


def normalize(Y, groups, epsilon, gamma, beta):
    """Return γ x̂ + β."""
    x, _ = normalized(Y, groups, epsilon)
    shape = (-1, *(1,) * (Y.ndim - 2))
    return gamma.reshape(shape) * x.reshape(Y.shape) + beta.reshape(shape)


def normalize_product(Y, V, groups, epsilon):
    """Return (v − mean v − x̂ mean(x̂ v))/√(var + ε)."""
    x, deviation = normalized(Y, groups, epsilon)
    v = grouped(V, groups)
    v = v - v.mean(axis=2, keepdims=True) - x * (x * v).mean(axis=2, keepdims=True)
    return (v / deviation).reshape(Y.shape)


@lru_cache(maxsize=32)
def window_matrix(n):
    """Return the Gaussian window of one axis, 11 cells, σ = 1.5, zeros beyond the border."""
    k = np.arange(-5, 6)
    g = np.exp(-(k**2) / 4.5)
    g /= g.sum()
    M = np.zeros((n, n))
    for offset, weight in zip(k, g, strict=True):
        rows = np.arange(max(0, -offset), min(n, n - offset))
        M[rows, rows + offset] = weight
    return M


def window(Y):
    """Return W Y."""
    for axis in range(2, Y.ndim):
        Y = apply_along(window_matrix(Y.shape[axis]).astype(Y.dtype), Y, axis)
    return Y


def moments(X, Y):
    """Return μ, ν and the four factors of S = a b/(c d)."""
    mu, nu = window(X), window(Y)
    a, c = 2 * mu * nu + C1, mu * mu + nu * nu + C1
    b = 2 * (window(X * Y) - mu * nu) + C2
    d = window(X * X) - mu * mu + window(Y * Y) - nu * nu + C2
    return mu, nu, a, b, c, d


def each_mean(S):
    """Return the mean of each example."""
    return S.reshape(len(S), -1).mean(axis=1)


def ssim(X, Y):
    """Return the mean of S of each example."""
    _, _, a, b, c, d = moments(X, Y)
    return each_mean(a * b / (c * d))


def ssim_gradient(X, Y):
    """Return the gradient in X."""
    mu, nu, a, b, c, d = moments(X, Y)
    u = 1 / (c * d)
    s = a * b * u
    to_mu = 2 * nu * (b - a) * u + 2 * mu * (s / d - s / c)
    found = window(to_mu) + Y * window(2 * a * u) - 2 * X * window(s / d)
    return found / X.dtype.type(X[0].size)


def ssim_hessian(X, Y, V):
    """Return the derivative of the gradient along V."""
    mu, nu, a, b, c, d = moments(X, Y)
    dm, dp, dq = window(V), window(2 * X * V), window(Y * V)
    da, db = 2 * nu * dm, 2 * dq - 2 * nu * dm
    dc, dd = 2 * mu * dm, dp - 2 * mu * dm
    u = 1 / (c * d)
    du = -u * (dc / c + dd / d)
    s = a * b * u
    ds = da * b * u + a * db * u + a * b * du
    of_c, of_d = s / c, s / d
    d_of_c, d_of_d = ds / c - s * dc / (c * c), ds / d - s * dd / (d * d)
    to_mu = 2 * nu * ((db - da) * u + (b - a) * du) + 2 * mu * (d_of_d - d_of_c) + 2 * dm * (of_d - of_c)
    found = window(to_mu) + Y * window(2 * (da * u + a * du))
    found -= 2 * X * window(d_of_d) + 2 * V * window(of_d)
    return found / X.dtype.type(X[0].size)


def ssim_gauss_newton(X, Y, V):
    """Return (2/N)(W(Wv/c) + v W(1/d) − W(Wv/d))."""
    *_, c, d = moments(X, Y)
    mean = window(V)
    return (2 * (window(mean / c) + V * window(1 / d) - window(mean / d))) / X.dtype.type(X[0].size)


@lru_cache(maxsize=16)
def wave_numbers(grid):
    """Return ky, kx as rfft2 has them, and the same with 0 in place of a Nyquist number."""
    ny, nx = grid
    ky = np.fft.fftfreq(ny, 1 / ny).round()[:, None]
    kx = np.fft.rfftfreq(nx, 1 / nx).round()[None]
    return ky, kx, np.where(2 * abs(ky) == ny, 0, ky), np.where(2 * abs(kx) == nx, 0, kx)


def forms(angle, grid):
    """Return the quadratic forms of both directions of C, and the derivative of the second in θ."""
    ky, kx, oy, ox = wave_numbers(grid)
    cos, sin = np.cos(angle), np.sin(angle)
    along = cos**2 * kx**2 + sin**2 * ky**2 - 2 * sin * cos * ox * oy
    across = sin**2 * kx**2 + cos**2 * ky**2 + 2 * sin * cos * ox * oy
    turn = 2 * sin * cos * (kx**2 - ky**2) + 2 * (cos**2 - sin**2) * ox * oy
    return along, across, turn


def symbol(xi, grid):
    """Return m(k), and its parts e, D and the quadratic form."""
    a1, a2, angle, g0, gx, gy, log_tau = (float(x) for x in xi)
    _, _, oy, ox = wave_numbers(grid)
    along, across, _ = forms(angle, grid)
    form = (max(a1, 0.0) + 1e-3) * along + (max(a2, 0.0) + 1e-3) * across
    e = np.exp(-np.exp(log_tau) * form)
    D = g0 + 1j * (gx * ox + gy * oy)
    return D * e, e, D, form


def mesh_free(xi, Y):
    """Return C(ξ) Y, every channel by itself."""
    grid = Y.shape[2:]
    symbols = np.stack([symbol(one, grid)[0] for one in xi])
    return np.fft.irfft2(symbols * np.fft.rfft2(Y.astype(float)), s=grid).astype(Y.dtype)


def mesh_free_gradient(xi, Y, Z):
    """Return ∂⟨Z, C(ξ)Y⟩/∂ξ by Parseval's theorem."""
    grid, found = Y.shape[2:], np.zeros((len(xi), 7))
    ny, nx = grid
    _, _, oy, ox = wave_numbers(grid)
    twice = np.full((1, nx // 2 + 1), 2.0)  # numbers that rfft leaves out count with their twins
    twice[0, 0] = 1.0
    if nx % 2 == 0:
        twice[0, -1] = 1.0
    spectra = np.fft.rfft2(Y.astype(float)), np.fft.rfft2(Z.astype(float))
    both = (spectra[0] * spectra[1].conj()).sum(axis=0) * twice / (ny * nx)
    for c, one in enumerate(xi):
        a1, a2, angle, _, _, _, log_tau = (float(x) for x in one)
        m, e, _, form = symbol(one, grid)
        along, across, turn = forms(angle, grid)
        tau = np.exp(log_tau)
        difference = (max(a2, 0.0) + 1e-3) - (max(a1, 0.0) + 1e-3)
        parts = [
            -tau * (a1 > 0) * along * m,
            -tau * (a2 > 0) * across * m,
            -tau * difference * turn * m,
            e,
            1j * ox * e,
            1j * oy * e,
            -tau * form * m,
        ]
        found[c] = [(part * both[c]).real.sum() for part in parts]
    return found.astype(xi.dtype)
