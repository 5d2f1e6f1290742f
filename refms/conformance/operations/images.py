"""The operations of [MST]: images on several meshes, layers of their networks, and training on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.conformance.operations.operation import row
from refms.conformance.oracles.scales import condition, layer_gradient, sharpness
from refms.definition.arrays import norm
from refms.definition.norms import max_norm
from refms.definition.transfer import PAIRS


def _standardized(t: Any) -> float:
    """Bound of x̂ before its mean is subtracted, against which its errors count."""
    return float(max_norm(t.Y)) / math.sqrt(t.epsilon)


def _sharpness(t: Any) -> float:
    return sharpness(t.X, t.Y)


def _of_symbol(t: Any) -> float:
    """Largest value of the symbols and their derivatives, by bounds."""
    xi, k = np.abs(t.xi), max(t.Y.shape[2:])
    return float(((1 + xi[:, 0] + xi[:, 1]) * (1 + xi[:, 3:6].sum(axis=1) * k)).max() * k)


def _of_layer(t: Any) -> float:
    return layer_gradient(t.S, t.Y, t.Z, PAIRS[t.pair], t.x.d)


def _of_stages(t: Any) -> float:
    """Size of stencils after the last stage, times what prolongation makes of errors."""
    moved = float(norm(t.S) + 10 * t.rate * math.sqrt(t.S.size))
    grown = condition(PAIRS[t.pair], t.S.shape[-1]) ** (t.x.d * (len(t.iterations) - 1))
    return grown * moved if t.rule == "galerkin" else moved


ROWS = (
    row(
        "resize(Y[m c grid], grid, to, kernel, antialias, border) -> field[m c to]",
        """A Y on the grid ``to``, A = A_1 ⊗ … ⊗ A_d with (A_1)_{Ij} = k((x_I − j)/a)/Σ_i k((x_I − i)/a).

        x_I = (I + ½) n_in/n_out − ½, a = max(1, n_in/n_out) if ``antialias``, else 1; j and i are all whole
        numbers, and cells beyond the image are those of the ``border``, "clamp" or "periodic". ``kernel`` is
        "box" (1 for −½ < t <= ½), "linear", "cubic" (Keys, −½), or "nearest": cell ⌊I n_in/n_out⌋.
        """,
        lambda t: 2**t.x.d * max_norm(t.Y),
    ),
    row(
        "blur(Y[m c grid], grid, sigma) -> field[m c grid]",
        "B Y with the periodic Gaussian g_k ∝ exp(−k²/2σ²), |k| <= ⌈4σ⌉, Σ g_k = 1, along every axis.",
        lambda t: max_norm(t.Y),
    ),
    row(
        "normalize(Y[m G grid], grid, groups, epsilon, gamma[G], beta[G]) -> field[m G grid]",
        "γ_c (x − μ)/√(mean (x − μ)² + ε) + β_c, μ the mean over the channels of a group and all cells.",
        lambda t: max_norm(t.gamma) * _standardized(t) + max_norm(t.beta),
    ),
    row(
        "normalize_product(Y[m G grid], V[m G grid], grid, groups, epsilon) -> field[m G grid]",
        "J V, the derivative of ``normalize`` with γ = 1, β = 0 along V.",
        lambda t: norm(t.V) / math.sqrt(t.epsilon) * max(1.0, _standardized(t)),
    ),
    row(
        "work_units(batches, finest, dimension) -> number",
        "#WU = Σ_{l<L−1} N_l (c_l + c_{l+1}) + N_{L−1} c_{L−1}, c_l = 2^{−dl}, from level ``finest`` on.",
        lambda t: (0.0, 1.0),
    ),
    row(
        "learning_rate(k, total, rate, floor) -> number",
        "η_k = η_min + ½ (η_0 − η_min)(1 + cos(πk/K)) of iteration k = 0 … K − 1.",
        lambda t: t.rate,
    ),
    row(
        "adam_step(theta[p], g[p], m[p], v[p], rate, count) -> array[3 p]",
        "θ, m and v after update ``count`` = 1, 2, … of Adam, β = (0.9, 0.999), ε = 1e-8 outside the root.",
        lambda t: max_norm(t.theta) + t.rate * max_norm(t.m / np.sqrt(t.v)),
    ),
    row(
        "ssim(X[m c grid], Y[m c grid], grid) -> array[m]",
        """SSIM of each example X with Y, images in [0, 1], as a mean over channels and cells.

        Gaussian window of 11 cells, σ = 1.5, Σ = 1, zeros beyond the border; C₁ = 0.01², C₂ = 0.03².
        """,
        _sharpness,
    ),
    row(
        "ssim_gradient(X[m c grid], Y[m c grid], grid) -> field[m c grid]",
        "the gradient of ``ssim`` of each example in X.",
        lambda t: _sharpness(t) ** 2 / t.X[0].size,
    ),
    row(
        "ssim_hessian(X[m c grid], Y[m c grid], V[m c grid], grid) -> field[m c grid]",
        "the Hessian of ``ssim`` of each example in X, applied to V.",
        lambda t: _sharpness(t) ** 3 * max_norm(t.V) / t.X[0].size,
    ),
    row(
        "ssim_gauss_newton(X[m c grid], Y[m c grid], V[m c grid], grid) -> field[m c grid]",
        """the positive semidefinite (2/N)(W(Wv/c) + v W(1/d) − W(Wv/d)) of 1 − SSIM.

        W is the window, c = μ_x² + μ_y² + C₁ and d = σ_x² + σ_y² + C₂ its means and variances in each cell, N
        the numbers of an image.
        """,
        lambda t: _sharpness(t) ** 2 * max_norm(t.V) / t.X[0].size,
    ),
    row(
        "mesh_free(xi[c P], Y[m c grid], grid) -> field[m c grid]",
        """the mesh-free convolution of every channel in two dimensions, v̂(k) = m(k) ŵ(k).

        xi (c, 7) holds a1, a2, θ, g0, gx, gy, log τ of each channel; with λ_i = max(a_i, 0) + 1/1000

            m = (g0 + i(gx k̃x + gy k̃y)) exp(−τ (λ1 u1 + λ2 u2)),
            u1 = cos²θ kx² + sin²θ ky² − sin 2θ k̃x k̃y,  u2 = sin²θ kx² + cos²θ ky² + sin 2θ k̃x k̃y;

        k are whole numbers, kx belongs to the last axis; the Nyquist number n/2 is 0 in k̃.
        """,
        lambda t: _of_symbol(t) * norm(t.Y),
    ),
    row(
        "mesh_free_gradient(xi[c P], Y[m c grid], Z[m c grid], grid) -> array like xi",
        "∂⟨Z, C(ξ)Y⟩/∂ξ, summed over examples and cells.",
        lambda t: 10 * _of_symbol(t) * norm(t.Y) * norm(t.Z),
    ),
    row(
        "coarsen_images(Y[m c grid], grid, pair, level) -> field[m c grid/2^l]",
        "Q_l Y = R^l Y of a transfer pair.",
        lambda t: max(1.0, sum(map(abs, PAIRS[t.pair].r.values()))) ** (t.level * t.x.d) * max_norm(t.Y),
        halvings=1,
    ),
    row(
        "crop_images(Y[m c grid], grid, windows[m d], level) -> field[m c grid/2^l]",
        "of each example the window of n/2^l cells that begins at its row of ``windows``.",
        lambda t: max_norm(t.Y),
        halvings=1,
    ),
    row(
        "draw_windows(grid, levels, examples, seed) -> indices[levels examples d]",
        """first cells of nested windows, n/2^l cells on level l, each uniform inside of the one before.

        Whole numbers (levels, examples, d), counted from the first cell of the image; level 0 is all of it.
        """,
        lambda t: 1.0,
    ),
    row(
        "gradient_difference(S[G G stencil], Y[M G grid], Z[M G grid], times[M], grid, pair, level)"
        " -> array like S",
        """g_l − g_{l+1} of a linear layer K(S) (periodic) for one draw: images Y, noise Z, times t.

        g_l is the gradient of the mean over examples, channels and cells of |K(S) Q_l X − Q_l Y|², Q_l = R^l,
        X = t Y + (1 − t) Z, whatever the profile says of other losses.
        """,
        _of_layer,
        halvings=2,
    ),
    row(
        "mge(S[G G stencil], Y[M G grid], Z[M G grid], times[M], grid, pair, batches, coefficients)"
        " -> array like S",
        """ĝ = Σ_{l<L−1} π_l (g_l − β_l g_{l+1}) + π_{L−1} g_{L−1}, π_0 = 1, π_{l+1} = π_l β_l.

        Term l has its own N_l = ``batches[l]`` examples: the first N_0, then N_1, …; g_l as in
        ``gradient_difference``; β are the ``coefficients``.
        """,
        _of_layer,
        halvings=1,
    ),
    row(
        "full_multiscale(S[G G stencil], gradients[K G G stencil], iterations, pair, rule, rate, floor)"
        " -> array like S",
        """S after stages of so many steps of ``adam_step`` along given gradients, coarsest first.

        The rate is ``learning_rate`` over all iterations, the moments go on; between stages S is kept (rule
        "keep") or becomes the one of the next finer mesh by ``stencil_up`` ("galerkin").
        """,
        _of_stages,
    ),
)
