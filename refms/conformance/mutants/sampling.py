"""Mistakes in drawing the examples on which the Gauss-Newton matrix is measured, and in weighing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import scale
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array


def _choose(choice: Callable[[int, int, int], Array]) -> Change:
    """Return a different choice of the subset from (m, size, seed), for indices and product alike."""

    def change(t: Asked) -> Any:
        if t.operation == "subsample":
            return choice(t.m, t.size, t.seed)
        S = choice(t.examples, t.size, t.seed)
        return t.right.gauss_newton(t.parameters, t.direction, t.X[:, S], t.C[:, S], t.problem)

    return change


def _draw(m: int, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).choice(m, size, replace=False)


def _prefer_early(m: int, size: int, seed: int) -> Array:
    weights = 1.0 / np.arange(1, m + 1)
    return np.random.default_rng(seed).choice(m, size, replace=False, p=weights / weights.sum())


def _draw_anew(t: Asked) -> Array:
    return t.kept.setdefault("generator", np.random.default_rng(0)).choice(t.m, t.size, replace=False)


def _labels_of_the_first(t: Asked) -> Any:
    S = t.right.subsample(t.examples, t.size, t.seed)
    return t.right.gauss_newton(t.parameters, t.direction, t.X[:, S], t.C[:, : t.size], t.problem)


MISTAKES: Table = {
    "subsampled_gauss_newton": {
        "labels of the first examples for those of the subsample": _labels_of_the_first,
        "product on a subsample divided by m in place of its size": lambda t: scale(t(), t.size / t.examples),
        "factor m/size on a mean over the subsample": lambda t: scale(t(), t.examples / t.size),
        "subsample in the product of another seed": lambda t: t(seed=t.seed + 1),
    },
    "subsample subsampled_gauss_newton": {
        "subsample is always the first examples": _choose(lambda m, size, seed: np.arange(size)),
        "subsample drawn with replacement": _choose(
            lambda m, size, seed: np.random.default_rng(seed).integers(m, size=size)
        ),
        "seed of the subsample ignored": _choose(lambda m, size, seed: _draw(m, size, 0)),
        "last example never in the subsample": _choose(
            lambda m, size, seed: _draw(max(m - 1, size), size, seed)
        ),
        "early examples preferred in the subsample": _choose(_prefer_early),
        "subsample of neighbouring examples, from a random one on": _choose(
            lambda m, size, seed: (np.random.default_rng(seed).integers(m) + np.arange(size)) % m
        ),
    },
    "subsample": {
        "indices of the subsample from 1 to m": lambda t: t() + 1,
        "indices of the subsample drawn anew in every call": _draw_anew,
    },
}
