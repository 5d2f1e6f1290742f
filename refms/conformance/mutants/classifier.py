"""Mistakes in the logits and in the reduction over examples."""

from __future__ import annotations

import numpy as np

from refms.conformance.mutants.arrays import scale
from refms.conformance.mutants.mutant import Asked, Table
from refms.errors import Array


def _channel_fastest(t: Asked) -> Array:
    """Return the logits with the rows of W in the order of NHWC."""
    turned = t.W.reshape(t.cells, -1, t.W.shape[1]).swapaxes(0, 1)
    return t(W=np.ascontiguousarray(turned.reshape(t.W.shape)))


def _h(t: Asked) -> Array:
    """Return h Wᵀy + μ."""
    mu = t.mu[:, None]
    return mu + (t() - mu) * (t.cells / t.grid[0])


MISTAKES: Table = {
    "logits": {
        "h^d missing in the logits": lambda t: t.W.T @ t.Y + t.mu[:, None],
        "h^d on the bias of the logits as well": lambda t: t() - t.mu[:, None] * (1 - 1 / t.cells),
        "bias of the logits left out": lambda t: t() - t.mu[:, None],
        "h in place of h^d in the logits": _h,
        "rows of W with the channel fastest": _channel_fastest,
    },
    "loss gradient": {"1/m missing in loss and gradient": lambda t: scale(t(), t.examples)},
    "loss": {"1/m missing in the loss": lambda t: scale(t(), t.examples)},
    "gradient": {"1/m missing in the gradient": lambda t: scale(t(), t.examples)},
}
