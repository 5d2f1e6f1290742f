"""Mistakes in drawing the examples on which the Gauss-Newton matrix is measured, and in weighing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import by
from refms.conformance.mutants.mutant import Mutant, alter, feed, of_family, substitute
from refms.conformance.operations import Parameters
from refms.errors import Array

Choice = Callable[[int, int, int], Array]
"""(m, size, seed) -> indices."""


def _choose(name: str, choice: Choice) -> Mutant:
    """Return a mutant that draws the subset differently, for indices and product alike."""

    def product(
        right: Any, p: Parameters, v: Parameters, X: Array, C: Array, problem: Any, size: int, seed: int
    ) -> Any:
        S = choice(C.shape[1], size, seed)
        return right.gauss_newton(p, v, X[:, S], C[:, S], problem)

    return substitute(name, subsample=lambda right, *given: choice(*given), subsampled_gauss_newton=product)


def _draw(m: int, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).choice(m, size, replace=False)


def _prefer_early(m: int, size: int, seed: int) -> Array:
    weights = 1.0 / np.arange(1, m + 1)
    return np.random.default_rng(seed).choice(m, size, replace=False, p=weights / weights.sum())


class _Anew:
    """Indices that are drawn anew in every call."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng(0)

    def __call__(self, right: Any, m: int, size: int, seed: int) -> Array:
        return self.generator.choice(m, size, replace=False)


SAMPLING = of_family(
    "sampling",
    alter(
        "product on a subsample divided by m in place of its size",
        subsampled_gauss_newton=by(lambda p, v, X, C, problem, size, seed: size / C.shape[1]),
    ),
    alter(
        "factor m/size on a mean over the subsample",
        subsampled_gauss_newton=by(lambda p, v, X, C, problem, size, seed: C.shape[1] / size),
    ),
    _choose("subsample is always the first examples", lambda m, size, seed: np.arange(size)),
    _choose(
        "subsample drawn with replacement",
        lambda m, size, seed: np.random.default_rng(seed).integers(m, size=size),
    ),
    _choose("seed of the subsample ignored", lambda m, size, seed: _draw(m, size, 0)),
    _choose("last example never in the subsample", lambda m, size, seed: _draw(max(m - 1, size), size, seed)),
    _choose("early examples preferred in the subsample", _prefer_early),
    _choose(
        "subsample of neighbouring examples, from a random one on",
        lambda m, size, seed: (np.random.default_rng(seed).integers(m) + np.arange(size)) % m,
    ),
    feed(
        "subsample in the product of another seed",
        subsampled_gauss_newton=lambda *given: (*given[:-1], given[-1] + 1),
    ),
    alter("indices of the subsample from 1 to m", subsample=lambda found, *given: found + 1),
    substitute("indices of the subsample drawn anew in every call", subsample=_Anew()),
)
"""The family."""
