"""Variances of estimates of a gradient from samples: of a plain mean, and of MGE.

One example is a smooth x with white noise z, u = t x + (1 − t) z, target x, and the net K(s) u in one
dimension: thousands of gradients cost little.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mathematics.pixels import Fields, draw_waves, pixel_gradients
from refms.errors import Array
from refms.grid import Grid


def sample_gradients(
    rng: np.random.Generator, stencils: Array, grid: Grid, levels: int, count: int, pair: str
) -> Array:
    """Return g_l of so many examples that all levels share, shape (levels, p, count)."""
    x, t = draw_waves(rng, 1, count).on(grid), rng.uniform(size=count)
    fields = Fields(grid, t * x + (1 - t) * rng.standard_normal(x.shape), x)
    return np.array([pixel_gradients(stencils, one).mean(axis=1) for one in fields.on_levels(pair, levels)])


def total_variance(samples: Array) -> float:
    """Return tr Var of vectors (p, count)."""
    return float(samples.var(axis=1, ddof=1).sum())


def level_variances(found: Array) -> list[float]:
    """Return V_l = tr Var(g_l − g_{l+1}), and V_{L−1} = tr Var g_{L−1}, of gradients (levels, p, count)."""
    return [*(total_variance(fine - coarse) for fine, coarse in pairwise(found)), total_variance(found[-1])]


def means(samples: Array, size: int) -> Array:
    """Return the means of groups of ``size`` samples, shape (p, groups)."""
    groups = samples.shape[1] // size
    return samples[:, : groups * size].reshape(len(samples), groups, size).mean(axis=2)


def multiscale_estimates(
    rng: np.random.Generator, stencils: Array, grid: Grid, batches: tuple[int, ...], count: int, pair: str
) -> Array:
    """Return ĝ = Σ_l mean_{N_l}(g_l − g_{l+1}) + mean_{N_{L−1}} g_{L−1} so many times, shape (p, count)."""
    total, last = 0.0, len(batches) - 1
    for level, size in enumerate(batches):
        samples = sample_gradients(rng, stencils, grid, len(batches), count * size, pair)
        total = total + means(samples[level] - (samples[level + 1] if level < last else 0.0), size)
    return np.asarray(total)
