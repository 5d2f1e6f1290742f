"""SSIM and its gradient of scikit-image, pytorch-msssim and torchmetrics, Gaussian window of 11."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from comparisons.comparison import Comparison, Inputs
from refms.conformance.oracles.scales import sharpness
from refms.definition.similarity import quotients, window
from refms.grid import Grid, columns_from_nchw, nchw_from_columns
from refms.objective.losses.ssim import WIDTH, StructuralSimilarity

EDGE = WIDTH // 2
"""Cells at the border whose window reaches beyond the image."""

SIZES = (11, 12, 13, 16, 20)
TORCHMETRICS = "functional.image.structural_similarity_index_measure(data_range=1.0)"
MSSSIM = "ssim(data_range=1)"
SKIMAGE = (
    "metrics.structural_similarity(data_range=1, gaussian_weights=True, sigma=1.5, "
    "use_sample_covariance=False)"
)


def draw_images(rng: np.random.Generator, n: int) -> Inputs:
    """Return two images in [0, 1], one example and channel, n × (n or n + 1) cells."""
    shape = (1, 1, n, n + int(rng.integers(0, 2)))
    x = rng.random(shape)
    return {"x": x, "y": 0.5 * x + 0.5 * rng.random(shape)}


def skimage(part: str) -> Any:
    """Return scikit-image's SSIM, or its gradient."""

    def compute(x: np.ndarray, y: np.ndarray) -> Any:
        from skimage.metrics import structural_similarity

        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
        value, gradient = structural_similarity(x[0, 0], y[0, 0], gradient=True, **options)
        return value if part == "value" else gradient[None, None]

    return compute


def by_torch(similarity: Any, part: str) -> Any:
    """Return SSIM, or the gradient in x, of a function of PyTorch's tensors."""

    def compute(x: np.ndarray, y: np.ndarray) -> Any:
        import torch

        at = torch.from_numpy(x).requires_grad_()
        value = similarity(at, torch.from_numpy(y))
        return value.item() if part == "value" else torch.autograd.grad(value, at)[0].numpy()

    return compute


def msssim(x: Any, y: Any) -> Any:
    """Return ``pytorch_msssim.ssim``."""
    from pytorch_msssim import ssim

    return ssim(x, y, data_range=1)


def torchmetrics(x: Any, y: Any) -> Any:
    """Return ``structural_similarity_index_measure`` of torchmetrics."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    return structural_similarity_index_measure(x, y, data_range=1.0)


def refms(part: str) -> Any:
    """Return SSIM with zeros beyond the image, a mean over all cells, or its gradient."""

    def compute(x: np.ndarray, y: np.ndarray) -> Any:
        grid = Grid(x.shape[2:])
        found = StructuralSimilarity(grid, 0.0, 1.0).evaluate(columns_from_nchw(x), columns_from_nchw(y))
        return found.similarity[0] if part == "value" else -nchw_from_columns(found.gradient, grid)

    return compute


def inner(part: str) -> Any:
    """Return the mean of refms' S over cells whose window lies inside the image, or its gradient.

    ∇ = W p + 2x W q + y W r as in ``refms.definition.similarity``, with p, q, r zero at the other cells.
    """

    def compute(x: np.ndarray, y: np.ndarray) -> Any:
        *_, mu, nu, a, b, c, d = quotients(x, y)
        S, inside = a * b / (c * d), np.zeros(x.shape)
        inside[..., EDGE:-EDGE, EDGE:-EDGE] = 1 / inner_cells(x)
        if part == "value":
            return (inside * S).sum()
        q, r = -S / d, 2 * a / (c * d)
        p = 2 * nu * b / (c * d) - 2 * mu * S / c - 2 * mu * q - nu * r
        return window(inside * p) + 2 * x * window(inside * q) + y * window(inside * r)

    return compute


def mirrored(mode: str, part: str) -> Any:
    """Return the mean of refms' S over all cells of images mirrored as ``np.pad`` does, or its gradient.

    With B, which fills the border: the mean over inner cells of B x and B y, and Bᵀ of its gradient.
    """

    def compute(x: np.ndarray, y: np.ndarray) -> Any:
        B = [np.pad(np.eye(n), ((EDGE, EDGE), (0, 0)), mode) for n in x.shape[2:]]
        found = inner(part)(*(B[0] @ image @ B[1].T for image in (x, y)))
        return found if part == "value" else B[0].T @ found @ B[1]

    return compute


def inner_cells(x: np.ndarray) -> int:
    """Return how many cells have their window inside the image."""
    return int(np.prod([n - 2 * EDGE for n in x.shape[2:]]))


def value_scale(x: np.ndarray, y: np.ndarray) -> float:
    """Return max 1/c + max 1/d."""
    return sharpness(x, y)


def gradient_scale(x: np.ndarray, y: np.ndarray) -> float:
    """Return (max 1/c + max 1/d)² over the number of inner cells."""
    return sharpness(x, y) ** 2 / inner_cells(x)


def swapped(gradient: Any) -> Any:
    """Return the gradient in the second image."""
    return lambda x, y: gradient(y, x)


INNER = (
    "The library takes the mean over inner cells, whose window of 11 lies inside the image (a valid "
    "window); refms over all cells, with zeros beyond the border."
)
MIRRORED = (
    "Both take the mean over all cells; beyond the border the library mirrors the image at its edge cells, "
    "where refms has zeros."
)
SINGLE = "The window's weights are computed in single precision, also for images in double."
NO_DERIVATIVE = (
    "The gradient is no derivative of the value returned beside it: it is that in the second image, of the "
    "mean over all cells with a mirrored border, whereas the value is the mean over inner cells."
)
PARTS = {"value": "{}", "gradient": "{}, gradient"}


def row(
    library: str, function: str, theirs: Any, refms: str, ours: Any, part: str, **more: Any
) -> Comparison:
    """Return a comparison of values or gradients."""
    names = (PARTS[part].format(name) for name in (function, refms))
    scale = value_scale if part == "value" else gradient_scale
    return Comparison(library, *names, draw_images, theirs(part), ours(part), scale, SIZES, **more)


OWN = "StructuralSimilarity(grid, 0, 1)", refms
OVER_INNER = "definition.similarity, mean over inner cells", inner
OVER_MIRRORED = "definition.similarity, mirrored at edge cells", partial(mirrored, "reflect")
FROM_SKIMAGE = "scikit-image", SKIMAGE, skimage
FROM_MSSSIM = "pytorch-msssim", MSSSIM, partial(by_torch, msssim)
FROM_TORCHMETRICS = "torchmetrics", TORCHMETRICS, partial(by_torch, torchmetrics)

COMPARISONS = (
    row(*FROM_SKIMAGE, *OWN, "value", why=INNER),
    row(*FROM_SKIMAGE, *OVER_INNER, "value"),
    row(*FROM_SKIMAGE, *OVER_INNER, "gradient", why=NO_DERIVATIVE),
    Comparison(
        "scikit-image",
        f"{SKIMAGE}, gradient",
        "definition.similarity, mirrored at the border, gradient in the second image",
        draw_images,
        skimage("gradient"),
        swapped(mirrored("symmetric", "gradient")),
        gradient_scale,
        SIZES,
    ),
    row(*FROM_MSSSIM, *OWN, "value", why=INNER),
    row(*FROM_MSSSIM, *OWN, "gradient", why=INNER),
    row(*FROM_MSSSIM, *OVER_INNER, "value", why=SINGLE, differs_in=("float64",)),
    row(*FROM_MSSSIM, *OVER_INNER, "gradient", why=SINGLE, differs_in=("float64",)),
    row(*FROM_TORCHMETRICS, *OWN, "value", why=MIRRORED),
    row(*FROM_TORCHMETRICS, *OWN, "gradient", why=MIRRORED),
    row(*FROM_TORCHMETRICS, *OVER_MIRRORED, "value"),
    row(*FROM_TORCHMETRICS, *OVER_MIRRORED, "gradient"),
)
