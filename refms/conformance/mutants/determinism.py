"""Mistakes that one call alone does not show: kept between calls, or shared by threads or examples."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import scale
from refms.conformance.mutants.mutant import alter, of_family, substitute
from refms.conformance.operations import Parameters
from refms.errors import Array

PAUSE = 5e-4
"""Seconds: stands for work in which other threads go on."""

Shapes = tuple[tuple[int, ...], ...]


class _Overwritten:
    """Results in one array for each shape, which the next call overwrites."""

    def __init__(self) -> None:
        self.buffers: dict[tuple[int, ...], Array] = {}

    def __call__(self, found: Array, *given: Any) -> Array:
        buffer = self.buffers.setdefault(found.shape, np.empty_like(found))
        buffer[...] = found
        return buffer


class _AddedUp:
    """Gradients that are added to those of the calls before, as where they are never set to zero."""

    def __init__(self) -> None:
        self.sums: dict[Shapes, Parameters] = {}

    def __call__(self, found: Parameters, *given: Any) -> Parameters:
        key = tuple(array.shape for array in found.values())
        before = self.sums.get(key, scale(found, 0.0))
        self.sums[key] = {name: before[name] + found[name] for name in found}
        return dict(self.sums[key])


class _Warming:
    """The first call for each shape with three digits, before the better route is found."""

    def __init__(self) -> None:
        self.known: set[Shapes] = set()

    def __call__(self, found: Array, W: Array, mu: Array, Y: Array, grid: tuple[int, ...]) -> Array:
        key = W.shape, Y.shape
        if key in self.known:
            return found
        self.known.add(key)
        return found * found.dtype.type(1 + 2.0**-12)


class _PutDown:
    """Arguments put down where other threads put theirs, then used."""

    def __init__(self) -> None:
        self.given: tuple[Any, ...] = ()

    def __call__(self, right: Any, *given: Any) -> Any:
        self.given = given
        time.sleep(PAUSE)
        return right.convolution(*self.given)


class _GlobalGenerator:
    """A generator that all share is given the seed, and then asked."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng(0)

    def __call__(self, right: Any, m: int, size: int, seed: int) -> Array:
        self.generator = np.random.default_rng(seed)
        time.sleep(PAUSE)
        return self.generator.choice(m, size, replace=False)


def _normalize(found: Array, *given: Any) -> Array:
    deviation = found - found.mean(axis=1, keepdims=True)
    return deviation / (1 + np.sqrt((deviation**2).mean(axis=1, keepdims=True)))


def _count_as_full(right: Any, p: Parameters, X: Array, C: Array, problem: Any) -> Parameters:
    """Return the mean of the gradients of batches of two, the last of which may be smaller."""
    parts = [
        right.gradient(p, X[:, k : k + 2].copy(), C[:, k : k + 2].copy(), problem)
        for k in range(0, C.shape[1], 2)
    ]
    return {key: sum(part[key] for part in parts) / len(parts) for key in p}


DETERMINISM = of_family(
    "determinism",
    alter(
        "results in an array that the next call overwrites",
        convolution=_Overwritten(),
        restrict=_Overwritten(),
    ),
    alter("gradients added to those of earlier calls", gradient=_AddedUp()),
    alter("first call of each shape computed less accurately", logits=_Warming()),
    substitute("arguments kept where other threads put theirs", convolution=_PutDown()),
    substitute("subsample drawn from a generator that threads share", subsample=_GlobalGenerator()),
    alter("features normalised over the batch", forward=_normalize),
    substitute("last batch of the gradient counts like a full one", gradient=_count_as_full),
)
"""The family."""
