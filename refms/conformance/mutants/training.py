"""Mistakes in counting work, in learning rates, and in Adam."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array


def _work(t: Asked, twin: bool = True, d: int | None = None) -> float:
    """Return the work without the coarse twins, or of another dimension."""
    c = [2.0 ** (-(d or t.dimension) * (t.finest + level)) for level in range(len(t.batches))]
    coarse = [*c[1:], 0.0] if twin else [0.0] * len(c)
    return float(sum(N * (own + other) for N, own, other in zip(t.batches, c, coarse, strict=True)))


def _all_pairs(t: Asked) -> float:
    return float(t() + t.batches[-1] * 2.0 ** (-t.dimension * (t.finest + len(t.batches))))


def _adam(step: Any = None, b1: float = 0.9, b2: float = 0.999, square: Any = None) -> Change:
    """Return the mistake of another step from (m, v, count), other β, or other squares."""

    def change(t: Asked) -> Array:
        g = t.g.astype("float64")
        m = b1 * t.m + (1 - b1) * g
        v = b2 * t.v + (1 - b2) * (square or np.square)(g)
        found = (step or _right)(m, v, t.count)
        return np.stack([t.theta - t.rate * found, m, v]).astype(t.theta.dtype)

    return change


def _right(m: Array, v: Array, count: int) -> Array:
    found: Array = m / (1 - 0.9**count) / (np.sqrt(v / (1 - 0.999**count)) + 1e-8)
    return found


def _inside(m: Array, v: Array, count: int) -> Array:
    found: Array = m / (1 - 0.9**count) / np.sqrt(v / (1 - 0.999**count) + 1e-8)
    return found


def _before_correction(m: Array, v: Array, count: int) -> Array:
    found: Array = m / (1 - 0.9**count) * math.sqrt(1 - 0.999**count) / (np.sqrt(v) + 1e-8)
    return found


def _rate(t: Asked, k: float, total: float, floor: float | None = None) -> float:
    low = t.floor if floor is None else floor
    return float(low + 0.5 * (t.rate - low) * (1 + math.cos(math.pi * k / total)))


MISTAKES: Table = {
    "work_units": {
        "coarse twins not counted as work": lambda t: _work(t, twin=False),
        "4^{−l} as the cost of a level in every dimension": lambda t: _work(t, d=2),
        "a level beyond the coarsest counted as work": _all_pairs,
        "gradients counted three times in the paper's work units": lambda t: 3 * t(),
        "work of every stage as if it began on the finest mesh": lambda t: t(finest=0),
        "batches of work from coarse to fine": lambda t: t(batches=t.batches[::-1]),
    },
    "learning_rate": {
        "cosine that ends at 0": lambda t: _rate(t, t.k, t.total, 0.0),
        "cosine off by one iteration": lambda t: _rate(t, t.k + 1, t.total),
        "cosine that reaches the floor in the last iteration": lambda t: _rate(t, t.k, max(t.total - 1, 1)),
        "learning rate falls linearly": lambda t: t.floor + (t.rate - t.floor) * (1 - t.k / t.total),
        "cosine of a whole period": lambda t: _rate(t, 2 * t.k, t.total),
        "floor added to the whole cosine": lambda t: _rate(t, t.k, t.total, 0.0) + t.floor,
    },
    "adam_step": {
        "ε of Adam inside of the root": _adam(_inside),
        "ε of Adam before the correction of the bias": _adam(_before_correction),
        "correction of the bias off by one": _adam(lambda m, v, k: _right(m, v, k + 1)),
        "no correction of the bias": _adam(lambda m, v, k: m / (np.sqrt(v) + 1e-8)),
        "bias of v not corrected": _adam(lambda m, v, k: m / (1 - 0.9**k) / (np.sqrt(v) + 1e-8)),
        "β of Adam exchanged": _adam(b1=0.999, b2=0.9),
        "β₂ = 0.99 in Adam": _adam(b2=0.99),
        "absolute values for squares in Adam": _adam(square=np.abs),
        "root of v left out in Adam": _adam(lambda m, v, k: m / (1 - 0.9**k) / (v / (1 - 0.999**k) + 1e-8)),
        "the gradient itself over √v in Adam": lambda t: np.stack(
            [t.theta - t.rate * t.g / (np.sqrt(t()[2] / (1 - 0.999**t.count)) + 1e-8), *t()[1:]]
        ).astype(t.theta.dtype),
        "Adam goes uphill": lambda t: np.stack([2 * t.theta - t()[0], *t()[1:]]),
        "moments of Adam come back as they were": lambda t: np.stack([t()[0], t.m, t.v]),
    },
}
