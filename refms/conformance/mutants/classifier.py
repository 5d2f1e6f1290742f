"""Mistakes in the logits and in the reduction over examples."""

from __future__ import annotations

import math

import numpy as np

from refms.conformance.mutants.arrays import scaled
from refms.conformance.mutants.mutant import Shelf
from refms.errors import Array

shelf = Shelf("classifier")


def _channel_fastest(W: Array, grid: tuple[int, ...]) -> Array:
    """Return the rows of W in the order of NHWC."""
    turned = W.reshape(math.prod(grid), -1, W.shape[1]).swapaxes(0, 1)
    return np.ascontiguousarray(turned.reshape(W.shape))


CLASSIFIER = (
    shelf.replaced("h^d missing in the logits", logits=lambda right, W, mu, Y, grid: W.T @ Y + mu[:, None]),
    shelf.altered(
        "h^d on the bias of the logits as well",
        logits=lambda found, W, mu, Y, grid: found - mu[:, None] * (1 - 1 / math.prod(grid)),
    ),
    shelf.altered("bias of the logits left out", logits=lambda found, W, mu, Y, grid: found - mu[:, None]),
    shelf.altered(
        "h in place of h^d in the logits",
        logits=lambda found, W, mu, Y, grid: (
            mu[:, None] + (found - mu[:, None]) * (math.prod(grid) / grid[0])
        ),
    ),
    shelf.replaced(
        "rows of W with the channel fastest",
        logits=lambda right, W, mu, Y, grid: right.logits(_channel_fastest(W, grid), mu, Y, grid),
    ),
    shelf.altered(
        "1/m missing in loss and gradient",
        loss=lambda found, p, X, *rest: found * X.shape[1],
        gradient=lambda found, p, X, *rest: scaled(found, X.shape[1]),
    ),
    shelf.altered("1/m missing in the loss", loss=lambda found, p, X, *rest: found * X.shape[1]),
    shelf.altered(
        "1/m missing in the gradient", gradient=lambda found, p, X, *rest: scaled(found, X.shape[1])
    ),
)
"""The family."""
