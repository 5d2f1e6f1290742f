"""SSIM of images in [0, 1]: the mean of S = ab/(cd) in a Gaussian window, its derivatives, a convex form.

a = 2μν + C₁, b = 2(W(xy) − μν) + C₂, c = μ² + ν² + C₁, d = W(x²) − μ² + W(y²) − ν² + C₂, μ = Wx, ν = Wy,
C₁ = 0.01², C₂ = 0.03²; every example by itself, N = c·n.
"""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, as_double
from refms.definition.convolution import shift


def window(Y: Array) -> Array:
    """Return W Y, g_k ∝ e^{−k²/2σ²} along every axis, |k| <= 5, σ = 3/2, Σ g_k = 1, zeros beyond it."""
    Y, k = as_double(Y), np.arange(-5, 6)
    one = 0 * Y.reshape(-1)[0] + 1
    g = np.exp(one * (-2 * k * k) / 9)
    g = g / g.sum()
    for axis in range(Y.ndim - 2):
        e = np.arange(Y.ndim - 2) == axis
        Y = sum(weight * shift(Y, (e * offset).tolist(), "zero") for offset, weight in zip(k, g, strict=True))
    return Y


def image_mean(Y: Array) -> Array:
    """Return the mean over channels and cells of each example."""
    return Y.reshape(len(Y), -1).sum(axis=1) / (Y.size // len(Y))


def quotients(X: Array, Y: Array) -> tuple[Array, ...]:
    """Return x and y in double precision, μ, ν, a, b, c and d."""
    x, y = as_double(X), as_double(Y)
    mu, nu = window(x), window(y)
    C1, C2 = (0 * mu + 1) / 10000, (0 * mu + 9) / 10000
    a, b = 2 * mu * nu + C1, 2 * (window(x * y) - mu * nu) + C2
    c, d = mu * mu + nu * nu + C1, window(x * x) - mu * mu + window(y * y) - nu * nu + C2
    return x, y, mu, nu, a, b, c, d


def ssim(X: Array, Y: Array) -> Array:
    """Return SSIM = mean S of each example."""
    *_, a, b, c, d = quotients(X, Y)
    return image_mean(a * b / (c * d))


def ssim_gradient(X: Array, Y: Array) -> Array:
    """Return ∇SSIM in x, (W p + 2x W q + y W r)/N.

    q = −S/d, r = 2a/(cd), p = 2νb/(cd) − 2μS/c − 2μq − νr.
    """
    x, y, mu, nu, a, b, c, d = quotients(X, Y)
    S = a * b / (c * d)
    q, r = -S / d, 2 * a / (c * d)
    p = 2 * nu * b / (c * d) - 2 * mu * S / c - 2 * mu * q - nu * r
    return (window(p) + 2 * x * window(q) + y * window(r)) / (x.size // len(x))


def ssim_hessian(X: Array, Y: Array, V: Array) -> Array:
    """Return ∇²SSIM v: ``ssim_gradient`` differentiated by the rules for products and quotients."""
    x, y, mu, nu, a, b, c, d = quotients(X, Y)
    v, S, cd = as_double(V), a * b / (c * d), c * d
    q, r = -S / d, 2 * a / cd
    dm, dxx, dxy = window(v), window(2 * x * v), window(y * v)
    da, db, dc, dd = 2 * nu * dm, 2 * (dxy - nu * dm), 2 * mu * dm, dxx - 2 * mu * dm
    relative = dc / c + dd / d
    dS = (b * da + a * db) / cd - S * relative
    dq, dr = -dS / d + S * dd / (d * d), 2 * da / cd - r * relative
    dp = 2 * nu * (db - b * relative) / cd - 2 * (S * dm + mu * dS) / c + 2 * mu * S * dc / (c * c)
    dp = dp - 2 * q * dm - 2 * mu * dq - nu * dr
    found = window(dp) + 2 * v * window(q) + 2 * x * window(dq) + y * window(dr)
    return found / (x.size // len(x))


def ssim_gauss_newton(X: Array, Y: Array, V: Array) -> Array:
    """Return G v = (2/N)(W(Wv/c) + v W(1/d) − W(Wv/d)), of 1 − SSIM: c and d held in (μ − ν)²/c and b/d."""
    *_, c, d = quotients(X, Y)
    v = as_double(V)
    mean = window(v)
    return 2 * (window(mean / c) + v * window(1 / d) - window(mean / d)) / (v.size // len(v))
