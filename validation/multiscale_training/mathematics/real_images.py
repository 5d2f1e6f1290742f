"""Example 1 and Fig. 2 of [MST] on real images: ‖g_h − g_2h‖ of one convolution, with noise of several σ."""

from __future__ import annotations

from typing import Any

import numpy as np

from mathematics.pixels import Fields, differences, gradient
from refms.data.clean_images import clean_images
from refms.data.dataset import Dataset, subset
from refms.errors import Array
from refms.grid import Grid

RULES = tuple(
    (pair, kernels) for pair in ("averaging-constant", "injection-linear") for kernels in (None, pair)
)
"""Restriction, and the pair of Galerkin's rule; None keeps the stencils."""


def some_images(dataset: Dataset, count: int, edge: int | None = None) -> tuple[Array, Grid]:
    """Return evenly spread images in [−1, 1] as columns: halved, or else cropped, to this many cells."""
    chosen = subset(dataset, np.linspace(0, dataset.count - 1, min(count, dataset.count)).astype(int))
    grid = chosen.grid
    if edge is None or grid.shape == (edge, edge):
        return clean_images(chosen), grid
    if grid.shape == (2 * edge, 2 * edge):
        return clean_images(chosen, Grid((edge, edge))), Grid((edge, edge))
    X = clean_images(chosen).reshape(-1, *grid.shape, chosen.count)[:, :edge, :edge]
    return np.ascontiguousarray(X).reshape(-1, chosen.count), Grid((edge, edge))


def fig_2(images: Array, grid: Grid, sigmas: tuple[float, ...], seed: int) -> list[dict[str, Any]]:
    """Return ‖g_h − g_2h‖ for every σ, restriction and kernel rule: u = x + σ z, y = x, random 3×3 stencil.

    Every channel of every image is one example. Meshes are halved down to an odd number, or four cells.
    """
    rng = np.random.default_rng(seed)
    stencil = rng.standard_normal((1, 3, 3)) / 3
    x = images.reshape(-1, grid.cells, images.shape[1]).swapaxes(0, 1).reshape(grid.cells, -1)
    z = rng.standard_normal(x.shape)
    levels = 1
    while grid.shape[0] % 2**levels == 0 and grid.shape[0] // 2**levels >= 4:
        levels += 1
    rows = []
    for sigma in sigmas:
        fields = Fields(grid, x + sigma * z, x)
        for pair, kernels in RULES:
            found = differences(stencil, fields.on_levels(pair, levels), kernels)
            size = float(np.linalg.norm(gradient(stencil, fields)))
            row = {"sigma": sigma, "pair": pair, "kernels": kernels, "size": size}
            rows.append({**row, "differences": found.tolist()})
    return rows
