"""Mistakes in drawing the examples on which the Gauss-Newton matrix is measured, and in weighing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import scaled
from refms.conformance.mutants.mutant import Mutant, Shelf
from refms.conformance.operations import Parameters
from refms.errors import Array

shelf = Shelf("sampling")

Choice = Callable[[int, int, int], Array]
"""(m, size, seed) -> indices."""


def _chosen(name: str, choice: Choice) -> Mutant:
    """Return a mutant that draws the subset differently, for indices and product alike."""

    def product(
        right: Any, p: Parameters, v: Parameters, X: Array, C: Array, problem: Any, size: int, seed: int
    ) -> Any:
        S = choice(C.shape[1], size, seed)
        return right.gauss_newton(p, v, X[:, S], C[:, S], problem)

    return shelf.replaced(
        name, subsample=lambda right, *given: choice(*given), subsampled_gauss_newton=product
    )


def _drawn(m: int, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).choice(m, size, replace=False)


def _last_left_out(m: int, size: int, seed: int) -> Array:
    return _drawn(max(m - 1, size), size, seed)


def _early_preferred(m: int, size: int, seed: int) -> Array:
    weights = 1.0 / np.arange(1, m + 1)
    return np.random.default_rng(seed).choice(m, size, replace=False, p=weights / weights.sum())


def _neighbours(m: int, size: int, seed: int) -> Array:
    return (np.random.default_rng(seed).integers(m) + np.arange(size)) % m


class _Anew:
    """Indices that are drawn anew in every call."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng(0)

    def __call__(self, right: Any, m: int, size: int, seed: int) -> Array:
        return self.generator.choice(m, size, replace=False)


def _of_another_seed(right: Any, *given: Any) -> Any:
    *others, seed = given
    return right.subsampled_gauss_newton(*others, seed + 1)


SAMPLING = (
    shelf.altered(
        "product on a subsample divided by m in place of its size",
        subsampled_gauss_newton=lambda found, p, v, X, C, problem, size, seed: scaled(
            found, size / C.shape[1]
        ),
    ),
    shelf.altered(
        "factor m/size on a mean over the subsample",
        subsampled_gauss_newton=lambda found, p, v, X, C, problem, size, seed: scaled(
            found, C.shape[1] / size
        ),
    ),
    _chosen("subsample is always the first examples", lambda m, size, seed: np.arange(size)),
    _chosen(
        "subsample drawn with replacement",
        lambda m, size, seed: np.random.default_rng(seed).integers(m, size=size),
    ),
    _chosen("seed of the subsample ignored", lambda m, size, seed: _drawn(m, size, 0)),
    _chosen("last example never in the subsample", _last_left_out),
    _chosen("early examples preferred in the subsample", _early_preferred),
    _chosen("subsample of neighbouring examples, from a random one on", _neighbours),
    shelf.replaced("subsample in the product of another seed", subsampled_gauss_newton=_of_another_seed),
    shelf.altered("indices of the subsample from 1 to m", subsample=lambda found, *given: found + 1),
    shelf.replaced("indices of the subsample drawn anew in every call", subsample=_Anew()),
)
"""The family."""
