"""How well a network restores images: loss, PSNR and SSIM, and what was hidden apart from what was seen."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from refms.backend import backend_of
from refms.errors import Array
from refms.multiscale.image_problem import Draw, ImageProblem
from refms.objective.batches import batch_width
from refms.objective.losses.loss import Loss
from refms.objective.losses.ssim import WIDTH, StructuralSimilarity


@dataclass(frozen=True)
class ImageScore:
    """How well images in [−1, 1] are restored.

    Parameters
    ----------
    loss : float
        Mean of the training's own loss.
    psnr : float
        10 log10(4/MSE) in dB, mean over examples.
    ssim : float
        Mean over examples; NaN where the mesh is smaller than its window.
    psnr_hidden, psnr_seen : float
        10 log10(4/MSE) inside holes and outside, over all examples together; NaN without holes.
    examples : int
        Number of images.
    """

    loss: float
    psnr: float
    ssim: float
    psnr_hidden: float
    psnr_seen: float
    examples: int

    def measured(self) -> dict[str, float]:
        """Return the numbers that are there, for a row of the history."""
        numbers = {name: value for name, value in asdict(self).items() if name != "examples"}
        found = {name: float(value) for name, value in numbers.items() if not math.isnan(value)}
        return {"validation_loss" if name == "loss" else name: value for name, value in found.items()}


@np.errstate(over="ignore", invalid="ignore")
def restore(problem: ImageProblem, theta: Array, draw: Draw, level: int = 0) -> tuple[Array, Array, Array]:
    """Return what the network gets, makes and should find on a level, each (c·n, m) and on the host."""
    examples, network = problem.examples(level, draw, level), problem.map(level, level)
    X = examples.inputs
    width = batch_width(network.stored, X.dtype.itemsize, problem.memory)
    pieces = [network.evaluate(theta, X[:, start : start + width]) for start in range(0, X.shape[1], width)]
    home = backend_of(X)
    rows = examples.targets.shape[0]
    outputs = home.to_host(home.xp.concatenate(pieces, axis=1))
    return home.to_host(X[:rows]), outputs, home.to_host(examples.targets)


@np.errstate(over="ignore", invalid="ignore")
def score_images(problem: ImageProblem, theta: Array, draw: Draw, level: int = 0) -> ImageScore:
    """Return how well a network restores a draw on a level, θ being its parameters there."""
    _, Z, Y = restore(problem, theta, draw, level)
    Z, Y = Z.astype("float64"), Y.astype("float64")
    grid, squares = problem.grid.coarsen(level), (Z - Y) ** 2
    ssim = math.nan
    if min(grid.shape) >= WIDTH:
        ssim = 1.0 - _value(StructuralSimilarity(grid), Z, Y)
    hidden = seen = math.nan
    if draw.corruption.seen is not None:
        M = problem.subsampling.take(draw.corruption.seen, problem.grid, level, draw.windows[level])
        hidden, seen = (float(psnr(_mean_of(squares, weights))) for weights in (1.0 - M, M))
    return ImageScore(
        _value(problem.loss_on(level), Z, Y),
        float(psnr(squares.mean(axis=0)).mean()),
        ssim,
        hidden,
        seen,
        Z.shape[1],
    )


def _value(loss: Loss, Z: Array, Y: Array) -> float:
    return float(loss.evaluate(Z, Y).value.real)


def _mean_of(squares: Array, weights: Array) -> float:
    total = float(weights.sum())
    return float((weights * squares).sum()) / total if total > 0 else math.nan


@np.errstate(divide="ignore")
def psnr(mean_square: Array | float) -> Array:
    """Return 10 log10(4/MSE), the peak signal-to-noise ratio of images in [−1, 1] in dB.

    >>> psnr([4.0, 0.04]).tolist()
    [0.0, 20.0]
    """
    return 10.0 * np.log10(4.0 / np.asarray(mean_square))
