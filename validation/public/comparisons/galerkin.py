"""PyAMG's interpolation and Galerkin products R A P against K_H = R K_h P and refms' transfer pairs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from comparisons.comparison import Comparison, Inputs
from refms.checks import galerkin_test
from refms.checks.report import worst_rho
from refms.checks.residual import machine_epsilon
from refms.grid import Grid
from refms.stencils.convolution import convolution_matrix
from refms.stencils.galerkin import restrict_stencil
from refms.stencils.transfer import transfer_pair

SIZES = (2, 3, 4, 5)


def draw_stencil(dimensions: int, half: int) -> Any:
    """Return what draws a stencil and a periodic fine grid of 2 n cells an axis, 2 n + 2 in some."""

    def draw(rng: np.random.Generator, n: int) -> Inputs:
        d = int(rng.integers(1, dimensions + 1))
        stencil = tuple(int(2 * r + 1) for r in rng.integers(0, half + 1, d))
        grid = tuple(int(2 * (n + more)) for more in rng.integers(0, 2, d))
        return {"s": rng.standard_normal(stencil), "grid": grid}

    return draw


def fine_matrix(s: np.ndarray, grid: tuple[int, ...]) -> Any:
    """Return K(s), periodic, as PyAMG wants it."""
    return with_short_indices(convolution_matrix(s, Grid(grid)))


def with_short_indices(K: Any) -> Any:
    """Return the matrix with indices of 32 bits."""
    K = K.tocsr()
    K.indptr, K.indices = K.indptr.astype("int32"), K.indices.astype("int32")
    return K


def aggregated(s: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """Return the coarse matrix of ``smoothed_aggregation_solver`` from aggregates of 2^d cells."""
    import pyamg
    import scipy.sparse

    coarse = tuple(n // 2 for n in grid)
    member = np.ravel_multi_index(np.indices(grid).reshape(len(grid), -1) // 2, coarse)
    cells = len(member)
    together = scipy.sparse.csr_array(
        (np.ones(cells, "int8"), member.astype("int32"), np.arange(cells + 1, dtype="int32"))
    )
    ones = np.ones((cells, 1), s.dtype)
    solver = pyamg.smoothed_aggregation_solver(
        fine_matrix(s, grid),
        B=ones,
        BH=ones,
        symmetry="nonsymmetric",
        strength=None,
        aggregate=[("predefined", {"AggOp": together})],
        smooth=None,
        improve_candidates=None,
        presmoother=None,
        postsmoother=None,
        max_levels=2,
        max_coarse=1,
    )
    return solver.levels[1].A.toarray()


def laplacian_interpolation(n: int, dtype: Any) -> Any:
    """Return P of ``direct_interpolation`` for (−1, 2, −1) on a ring, every other cell coarse."""
    from pyamg.classical.interpolate import direct_interpolation

    strong = fine_matrix(np.array([-1.0, 0.0, -1.0], dtype), (n,))
    K = fine_matrix(np.array([-1.0, 2.0, -1.0], dtype), (n,))
    return direct_interpolation(K, strong, (np.arange(n) % 2 == 0).astype("intc"))


def interpolated(s: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """Return that P."""
    return laplacian_interpolation(grid[0], s.dtype).toarray()


def interpolated_product(s: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """Return Pᵀ K(s) P with that P."""
    P = laplacian_interpolation(grid[0], s.dtype)
    return (P.T @ fine_matrix(s, grid) @ P).toarray()


def prolongation(s: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """Return P of the linear pair."""
    return transfer_pair("full-weighting-linear").prolongation_matrix(Grid(grid)).toarray()


def by_stencil(pair: str, factor: float = 1.0) -> Any:
    """Return K(s_H) with the stencil of eq. (8), times a factor."""

    def compute(s: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
        coarse = Grid(tuple(n // 2 for n in grid))
        return factor * convolution_matrix(restrict_stencil(s, pair, d=s.ndim), coarse).toarray()

    return compute


def terms(pair: str) -> Any:
    """Return the largest entry of |R| |K| |P|."""

    def scale(s: np.ndarray, grid: tuple[int, ...]) -> float:
        named, fine = transfer_pair(pair), Grid(grid)
        R, P = named.restriction_matrix(fine), named.prolongation_matrix(fine)
        return float((abs(R) @ abs(fine_matrix(s, grid)) @ abs(P)).max())

    return scale


def draw_weights(rng: np.random.Generator, n: int) -> Inputs:
    """Return the weights of −Σ w_j ∂_j² and a grid of 4 n or a few more cells an axis."""
    d = int(rng.integers(1, 3))
    return {
        "weights": rng.random(d) + 0.5,
        "grid": tuple(int(4 * n + more) for more in rng.integers(0, 4, d)),
    }


def residual_of_levels(weights: np.ndarray, grid: tuple[int, ...]) -> float:
    """Return the largest ρ of ``galerkin_test``, in eps, over the levels of ``ruge_stuben_solver``."""
    import pyamg

    levels = pyamg.ruge_stuben_solver(poisson(weights, grid), max_levels=3, max_coarse=2).levels
    reports = [galerkin_test(a.R, a.A, a.P, b.A) for a, b in itertools.pairwise(levels)]
    return worst_rho(report.rho for report in reports) * machine_epsilon(weights.dtype)


def poisson(weights: np.ndarray, grid: tuple[int, ...]) -> Any:
    """Return −Σ w_j ∂_j² with zeros beyond the border, in units of the mesh."""
    s = np.zeros((3,) * len(grid), weights.dtype)
    centre = (1,) * len(grid)
    s[centre] = 2 * weights.sum()
    for j, w in enumerate(weights):
        for end in (0, 2):
            s[(*centre[:j], end, *centre[j + 1 :])] = -w
    return with_short_indices(convolution_matrix(s, Grid(grid), boundary="zero"))


R_IS_TRANSPOSE = (
    "PyAMG's R is Pᵀ, that of the pair 2^{-d} Pᵀ: its coarse matrix is 2^d times as large, with the same "
    "stencil."
)

COMPARISONS = (
    Comparison(
        "pyamg",
        "smoothed_aggregation_solver(K(s), aggregates of 2^d cells, smooth=None), coarse matrix",
        'convolution_matrix(restrict_stencil(s, "averaging-constant"), coarse grid)',
        draw_stencil(3, 2),
        aggregated,
        by_stencil("averaging-constant"),
        terms("averaging-constant"),
        (1, 2, 3, 4),
    ),
    Comparison(
        "pyamg",
        "P of classical.interpolate.direct_interpolation for (−1, 2, −1), every other cell coarse",
        'transfer_pair("full-weighting-linear").prolongation_matrix(grid)',
        draw_stencil(1, 2),
        interpolated,
        prolongation,
        lambda s, grid: 1.0,
        SIZES,
    ),
    Comparison(
        "pyamg",
        "Pᵀ K(s) P, P of direct_interpolation",
        'convolution_matrix(restrict_stencil(s, "full-weighting-linear"), coarse grid)',
        draw_stencil(1, 2),
        interpolated_product,
        by_stencil("full-weighting-linear"),
        terms("full-weighting-linear"),
        SIZES,
        R_IS_TRANSPOSE,
    ),
    Comparison(
        "pyamg",
        "Pᵀ K(s) P, P of direct_interpolation",
        '2 convolution_matrix(restrict_stencil(s, "full-weighting-linear"), coarse grid)',
        draw_stencil(1, 2),
        interpolated_product,
        by_stencil("full-weighting-linear", 2.0),
        terms("full-weighting-linear"),
        SIZES,
    ),
    Comparison(
        "pyamg",
        "ruge_stuben_solver(−Σ w ∂²), every level",
        "checks.galerkin_test(R, A, P, A of the next level)",
        draw_weights,
        residual_of_levels,
        lambda weights, grid: 0.0,
        lambda weights, grid: 1.0,
        SIZES,
    ),
)
