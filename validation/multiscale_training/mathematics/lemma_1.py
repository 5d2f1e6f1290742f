"""Lemma 1 of [MST]: ‖g_h − g_2h‖ for smooth data, for white noise, and for mesh-free convolutions.

On smooth periodic data it is O(h) with kept stencils and O(h²) where the coarse mesh has the stencils of
K_H = R K_h P. White noise z of variance σ² on the finest mesh keeps a variance of 2^{−dl} σ² after l means of
2^d cells; a linear net with target y gets σ² s more in its gradient from it, so that

    E ‖g_l − g_{l+1}‖ → (1 − 2^{−d}) 2^{−dl} σ² ‖s‖,     order −d in h,

once that is more than the smooth part. Injection keeps the variance, and nothing grows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mathematics.pixels import (
    Fields,
    differences,
    mesh_free_differences,
    smooth_problem,
    telescoped_differences,
)
from refms.errors import Array
from refms.grid import Grid

XI = np.array([0.5, 0.5, 0.05, 0.01, 0.3, -0.2, np.log(0.02)])
"""Mesh-free parameters: a diffusion that damps what the finest mesh alone can hold."""

Measure = Callable[[Array, list[Fields]], Array]


def root_mean_squares(
    measure: Measure, grid: Grid, levels: int, pair: str, noise: float, seeds: Sequence[int], layers: int
) -> Array:
    """Return √(mean over random stencils and fields of ‖…‖²) of what a measure gives on each mesh."""
    rows = []
    for seed in seeds:
        stencils, fields = drawn(seed, grid, noise, layers)
        rows.append(measure(stencils, fields.on_levels(pair, levels)))
    return np.sqrt(np.mean(np.square(rows), axis=0))


def drawn(seed: int, grid: Grid, noise: float, layers: int) -> tuple[Array, Fields]:
    """Return random stencils of 3^d entries, and two examples; many cells of noise need no more."""
    rng = np.random.default_rng([seed, grid.dimension])
    stencils = rng.standard_normal((layers, *[3] * grid.dimension)) / np.sqrt(3**grid.dimension)
    return stencils, smooth_problem(rng, grid, 2, noise)


def lemma_1(
    grid: Grid,
    levels: int,
    *,
    pair: str = "averaging-constant",
    kernels: str | None = None,
    noise: float = 0.0,
    layers: int = 1,
    seeds: Sequence[int] = range(4),
    telescoped: bool = False,
) -> Array:
    """Return ‖g_h − g_2h‖ from the finest mesh on; ``kernels`` names the pair of Galerkin's rule."""
    measured = telescoped_differences if telescoped else differences

    def measure(stencils: Array, fields: list[Fields]) -> Array:
        return measured(stencils, fields, kernels)

    return root_mean_squares(measure, grid, levels, pair, noise, seeds, layers)


def mesh_free(
    cells: int, levels: int, *, pair: str, noise: float = 0.0, seeds: Sequence[int] = range(4)
) -> Array:
    """Return the same for the mesh-free convolution with the parameters ``XI``, in one dimension."""
    return root_mean_squares(
        lambda _, fields: mesh_free_differences(XI, fields), Grid((cells,)), levels, pair, noise, seeds, 1
    )


def noise_limit(grid: Grid, levels: int, noise: float, seeds: Sequence[int] = range(4)) -> Array:
    """Return (1 − 2^{−d}) 2^{−dl} σ² ‖s‖, root mean squares over the same stencils."""
    norms = [np.linalg.norm(drawn(seed, grid, 0.0, 1)[0]) for seed in seeds]
    share = 2.0 ** (-grid.dimension)
    factors = (1 - share) * share ** np.arange(levels - 1) * noise**2
    return np.asarray(factors * np.sqrt(np.mean(np.square(norms))))
