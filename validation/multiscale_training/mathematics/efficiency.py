"""What MGE gains for a net that denoises: V_l/v and η by sub-sampling, kernel rule and convolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refms.data.corruption import Denoise
from refms.errors import Array
from refms.grid import Grid
from refms.maps.architectures.residual_image import ResidualImage
from refms.multiscale.estimation import Batches, doubled_batches, estimate_objective
from refms.multiscale.full_multiscale import Schedule, Stage, TrainingPlan, TrainingState
from refms.multiscale.image_problem import ImageProblem
from refms.multiscale.subsampling import Subsampling
from refms.multiscale.variance import bootstrap_variance, measure_variance

MEAN, NEAREST, CROP = Subsampling(), Subsampling(pair="nearest"), Subsampling("crop")

CASES: tuple[tuple[str, Subsampling, str | None, str], ...] = (
    ("nearest, keep", NEAREST, None, "stencil"),
    ("mean, keep", MEAN, None, "stencil"),
    ("mean, Galerkin averaging-bilinear", MEAN, "averaging-bilinear", "stencil"),
    ("mean, Galerkin averaging-constant", MEAN, "averaging-constant", "stencil"),
    ("nearest, Galerkin averaging-constant", NEAREST, "averaging-constant", "stencil"),
    ("crops, keep", CROP, None, "stencil"),
    ("mean, keep, mesh-free", MEAN, None, "mesh-free"),
    ("nearest, keep, mesh-free", NEAREST, None, "mesh-free"),
)
"""What a row is called, Q_l, the pair of Galerkin's rule (None keeps stencils), and the convolutions."""


@dataclass(frozen=True)
class Protocol:
    """A residual net with two blocks, trained by single scale, and then measured with everything else.

    The closing has the factor 1 instead of 10⁻³, so that so few steps train it; float32.
    """

    width: int = 16
    edge: int = 48
    levels: int = 3
    steps: int = 150
    batch: int = 8
    rate: float = 2e-3
    examples: int = 24
    seed: int = 0

    def problem(self, images: Array, convolution: str) -> ImageProblem:
        """Return denoising with a net of this kind on all levels, means and kept stencils."""
        grid = Grid((self.edge, self.edge))
        channels = images.shape[0] // grid.cells
        net = ResidualImage(grid, channels, self.width, 2, closing_scale=1.0, convolution=convolution)
        return ImageProblem(net, images, Denoise(), self.levels, seed=self.seed, dtype="float32")

    def trained(self, problem: ImageProblem) -> tuple[Array, float]:
        """Return θ after Adam's steps at a constant rate, and the mean loss of the last quarter of them."""
        net = problem.architecture
        stage = Stage(0, self.steps, Batches((self.batch,)))
        plan = TrainingPlan((stage,), schedule=Schedule(self.rate, kind="constant"))
        start = TrainingState(net.map.layout.pack(net.initial(self.seed, problem.dtype)))
        states, losses, _ = zip(*plan.run(problem, start), strict=True)
        return states[-1].theta, float(np.mean(losses[-(self.steps // 4) :]))


def efficiencies(images: Array, protocol: Protocol) -> Iterator[dict[str, Any]]:
    """Yield a row of numbers a case; nets with the same convolutions are trained once."""
    trained: dict[str, tuple[ImageProblem, Array, float]] = {}
    for title, subsampling, pair, convolution in CASES:
        if convolution not in trained:
            posed = protocol.problem(images, convolution)
            trained[convolution] = (posed, *protocol.trained(posed))
        posed, theta, loss = trained[convolution]
        rule = {"kernel_rule": "galerkin", "kernel_pair": pair} if pair else {}
        own = replace(posed, subsampling=subsampling, **rule)
        yield {"case": title, "loss": loss, **measured(own, theta, protocol)}


def measured(problem: ImageProblem, theta: Array, protocol: Protocol) -> dict[str, Any]:
    """Return V_l/v, η with a bootstrap interval, how many levels pay, and ρ of the degenerate telescope."""
    levels = protocol.levels
    variance, products = measure_variance(problem, theta, protocol.examples, iteration=1)
    again = bootstrap_variance(variance, products, seed=protocol.seed)
    low, high = np.quantile([one.best_efficiency(levels) for one in again], (0.05, 0.95))
    return {
        "terms": [V / variance.single for V in variance.terms(levels)],
        "betas": list(variance.betas(levels)),
        "doubled": variance.efficiency(Batches(tuple(doubled_batches(16, levels)))),
        "best": variance.best_efficiency(levels),
        "best_interval": [float(low), float(high)],
        "regressed": variance.best_efficiency(levels, regressed=True),
        "paying": variance.paying_levels(),
        "largest_shares": [largest_share(products[level, :, level]) for level in (0, levels - 1)],
        "telescope": telescope_residual(problem, theta, levels),
    }


def largest_share(products: Array) -> float:
    """Return max_i ‖g_i − ḡ‖² / Σ_i ‖g_i − ḡ‖² from inner products: what one example adds to a variance.

    >>> largest_share(np.diag([1.0, 0.0, 0.0]))  # ‖e − ⅓e‖² = 4/9, twice 1/9
    0.666667
    """
    mean = products.mean(axis=1)
    squares = np.diagonal(products) - 2 * mean + mean.mean()
    return round(float(squares.max() / squares.sum()), 6)


def telescope_residual(problem: ImageProblem, theta: Array, levels: int, count: int = 2) -> float:
    """Return ρ of Σ (g_l − g_{l+1}) + g_{L−1} = g_0 with one batch for all terms: units of eps Σ ‖g_l‖."""
    draw = problem.draw(count)
    found = [problem.risk(level, draw).value_and_gradient(theta)[1] for level in range(levels)]
    one_batch = Batches((count,) * levels, shared=True)
    telescoped = estimate_objective(problem, one_batch).value_and_gradient(theta)[1]
    scale = sum(float(np.linalg.norm(g)) for g in found) * np.finfo(problem.dtype).eps
    return float(np.linalg.norm(telescoped - found[0]) / scale)
