"""Mistakes in the logits and in the reduction over examples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import by
from refms.conformance.mutants.mutant import alter, feed, of_family, substitute
from refms.errors import Array


def _channel_fastest(W: Array, mu: Array, Y: Array, grid: tuple[int, ...]) -> tuple[Any, ...]:
    """Return the arguments with the rows of W in the order of NHWC."""
    turned = W.reshape(math.prod(grid), -1, W.shape[1]).swapaxes(0, 1)
    return np.ascontiguousarray(turned.reshape(W.shape)), mu, Y, grid


_EXAMPLES = by(lambda p, X, *rest: X.shape[1])

CLASSIFIER = of_family(
    "classifier",
    substitute("h^d missing in the logits", logits=lambda right, W, mu, Y, grid: W.T @ Y + mu[:, None]),
    alter(
        "h^d on the bias of the logits as well",
        logits=lambda found, W, mu, Y, grid: found - mu[:, None] * (1 - 1 / math.prod(grid)),
    ),
    alter("bias of the logits left out", logits=lambda found, W, mu, Y, grid: found - mu[:, None]),
    alter(
        "h in place of h^d in the logits",
        logits=lambda found, W, mu, Y, grid: (
            mu[:, None] + (found - mu[:, None]) * (math.prod(grid) / grid[0])
        ),
    ),
    feed("rows of W with the channel fastest", logits=_channel_fastest),
    alter("1/m missing in loss and gradient", loss=_EXAMPLES, gradient=_EXAMPLES),
    alter("1/m missing in the loss", loss=_EXAMPLES),
    alter("1/m missing in the gradient", gradient=_EXAMPLES),
)
"""The family."""
