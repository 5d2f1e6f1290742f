"""The simplest instance on which a property still fails, by greedy descent over its few integers.

An instance may come from anywhere, and hypothesis shrinks only what it has drawn itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from refms.conformance.adapters.profile import ACTIVATIONS, BOUNDARIES, Profile
from refms.conformance.instances.domain import (
    SIMPLEST,
    Domain,
    Instance,
    admits,
    least_multiples,
    stencil_sizes,
)
from refms.conformance.reproduction.patience import Allowance

PLAIN: dict[str, Any] = {"final_time": 1.0, "stencil_scale": 1.0, "image_scale": 1.0, "within": 0.0}
"""The plainest value of every other number."""

_PLAINEST = ("identity", *(name for name in ACTIVATIONS if name != "identity"))

_FEW_SEEDS = 3


def shrink(
    x: Instance, domain: Domain, profile: Profile, still_fails: Callable[[Instance], bool], left: Allowance
) -> Instance:
    """Return the simplest instance of the domain and within the profile that is found to fail.

    Greedy: of the simpler neighbours of the instance the first one that fails in the same way takes its
    place, until none fails or the allowance is used up. The boldest steps come first: everything as small as
    it may be, fewer dimensions, the smallest grid, …
    """
    tried = {x}
    while True:
        for candidate in simpler(x, domain, profile):
            if candidate in tried:
                continue
            if not left():
                return x
            tried.add(candidate)
            if still_fails(candidate):
                x = candidate
                break
        else:
            return x


def simpler(x: Instance, domain: Domain, profile: Profile) -> Iterator[Instance]:
    """Yield instances of a domain of less :func:`complexity` than a given one, each once."""
    seen = {x}
    for candidate in _neighbours(x, domain, profile):
        smaller = complexity(candidate) < complexity(x)
        if smaller and candidate not in seen and admits(domain, profile, candidate):
            seen.add(candidate)
            yield candidate


def complexity(x: Instance) -> tuple[float, ...]:
    """Return what makes an instance simple, in this order: dimensions, cells, entries, counts, others."""
    counts = [getattr(x, name) for name in SIMPLEST]
    unusual = sum(getattr(x, name) != value for name, value in PLAIN.items())
    names = BOUNDARIES.index(x.boundary), _PLAINEST.index(x.activation)
    return (x.d, x.cells, math.prod(x.stencil), sum(counts), unusual, *names, x.seed)


def _neighbours(x: Instance, domain: Domain, profile: Profile) -> Iterator[Instance]:
    """Yield instances with something simpler, in the domain or not, the boldest steps first."""
    sizes = sorted(stencil_sizes(domain, profile, x.pair))
    bare = replace(x, **SIMPLEST, **PLAIN)
    for d in range(1, x.d + 1):
        for size in sizes[:2]:
            yield _on_least(replace(bare, grid=x.grid[:d], stencil=(size,) * d), domain, profile)
    for d in range(1, x.d):
        for axes in (slice(0, d), slice(x.d - d, x.d)):
            yield replace(x, grid=x.grid[axes], stencil=x.stencil[axes])
    yield bare
    for name, value in {**PLAIN, **SIMPLEST}.items():
        yield replace(x, **{name: value})
    yield _on_least(x, domain, profile)
    for size in sizes:
        for stencil in _lower(x.stencil, size):
            yield _on_least(replace(x, stencil=stencil), domain, profile)
            yield replace(x, stencil=stencil)
    for extent in range(domain.multiple, max(x.grid), domain.multiple):
        for grid in _lower(x.grid, extent):
            yield replace(x, grid=grid)
    for name, value in SIMPLEST.items():
        for count in range(value + 1, getattr(x, name)):
            yield replace(x, **dict[str, Any]({name: count}))
    for boundary in BOUNDARIES:
        yield replace(x, boundary=boundary)
    for activation in _PLAINEST:
        yield replace(x, activation=activation)
    for seed in range(_FEW_SEEDS):
        yield replace(x, seed=seed)


def _lower(numbers: tuple[int, ...], most: int) -> Iterator[tuple[int, ...]]:
    """Yield numbers of which all, and then of which one, are at most so large."""
    yield tuple(min(most, n) for n in numbers)
    for axis, n in enumerate(numbers):
        yield (*numbers[:axis], min(most, n), *numbers[axis + 1 :])


def _on_least(x: Instance, domain: Domain, profile: Profile) -> Instance:
    """Return an instance on the smallest grid for its stencil."""
    grid = tuple(domain.multiple * low for low in least_multiples(domain, x.stencil))
    equal = domain.square or not profile.rectangular
    return replace(x, grid=(max(grid),) * x.d if equal else grid)
