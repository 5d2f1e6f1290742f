"""Seeded instances of a domain within a profile.

They are drawn by NumPy and not by hypothesis: a report names its instances by tier and seed, which must give
the same ones wherever the kit is installed, and hypothesis is no dependency of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from refms.conformance.adapters.profile import Profile
from refms.conformance.instances.instance import Instance
from refms.conformance.instances.spread import HARSH, USUAL, Spread, channels, counts, extents
from refms.definition.galerkin import closed
from refms.definition.transfer import PAIRS, Pair
from refms.names import TIERS

if TYPE_CHECKING:
    from refms.conformance.property import Property

__all__ = ["ANY", "Domain", "Instance", "instances", "instances_in_tier", "least_multiples", "stencil_sizes"]

_LARGEST = {1: 16, 2: 8, 3: 5}
"""Largest extent of a grid by dimension."""

_SOME_SINGLE = {2: (0.25, 0.75), 3: (0.2, 0.4, 0.4)}
"""Probabilities of one, two, … channels or examples: with one alone, exchanged channels stay unseen."""

_LARGEST_SMALL = {1: 8, 2: 4, 3: 3}
"""The same where few cells are enough."""


@dataclass(frozen=True)
class Domain:
    """The instances for which a property is stated."""

    boundary: str | None = None  # the boundary it is stated for; None for every one
    multiple: int = 1  # every extent of the grid is a multiple of this
    smallest: int = 1  # smallest extent, in multiples
    resolves: bool = False  # whether the grid has at least n_K cells along every axis
    # which transfer pairs it is stated for; None if pairs do not matter
    pair: Callable[[Pair], bool] | None = None
    # `"any"` odd sizes; `"equal"` sizes along all axes; `"closed"`: equal sizes that the pair maps one to
    # one onto themselves
    stencil: str = "any"
    square: bool = False  # whether all extents of grid and stencil are equal
    sizes: tuple[int, ...] | None = None  # the stencil sizes it is stated for; None for every one
    dimensions: tuple[int, ...] = (1, 2, 3)  # dimensions it is stated for
    activations: tuple[str, ...] | None = None  # the activations it is stated for; None for every one
    small: bool = False  # whether a few cells, stencils up to size 3 and one or two channels are enough


ANY = Domain()
"""No restriction."""


def instances(
    domain: Domain, profile: Profile, count: int, seed: int, spread: Spread = USUAL, first: int = 0
) -> tuple[Instance, ...]:
    """Return random instances of a domain within a profile, going round dimensions, pairs and boundaries.

    >>> len(instances(Domain(boundary="periodic"), Profile("mine"), 4, 0))
    4
    """
    dimensions = [d for d in profile.dimensions if d in domain.dimensions]
    boundaries = [b for b in profile.boundaries if domain.boundary in (None, b)]
    activations = [a for a in profile.activations if domain.activations is None or a in domain.activations]
    if domain.pair is None:
        pairs = [next(iter(PAIRS))]
    else:
        pairs = [name for name in profile.pairs if domain.pair(PAIRS[name])]
    sizes = {name: stencil_sizes(domain, profile, name) for name in pairs}
    pairs = [name for name in pairs if sizes[name]]
    if not (dimensions and boundaries and activations and pairs):
        return ()
    made = []
    for index in range(first, first + max(count, len(pairs))):
        rng = np.random.default_rng([seed, index])
        d, pair, boundary, activation = combination(index, dimensions, pairs, boundaries, activations)
        named = {"boundary": boundary, "pair": pair, "activation": activation, "seed": seed * 10_000 + index}
        usual = _drawn(rng, domain, profile, d, sizes[pair], named)
        made.append(usual if spread == USUAL else _spread_out(rng, domain, profile, usual, spread))
    return tuple(made)


def combination(index: int, *axes: Sequence[Any]) -> tuple[Any, ...]:
    """Return a choice from each axis; all go round at once, and every combination comes up once a period.

    An axis that shares a factor with those before it makes one more step after each common round.

    >>> sorted(combination(k, (1, 2), "ab") for k in range(4))
    [(1, 'a'), (1, 'b'), (2, 'a'), (2, 'b')]
    """
    chosen, period = [], 1
    for axis in axes:
        round_, step = math.lcm(period, len(axis)), math.gcd(period, len(axis))
        chosen.append(axis[(index + index // round_ % step) % len(axis)])
        period *= len(axis)
    return tuple(chosen)


def instances_in_tier(item: Property, profile: Profile, tier: str, seed: int) -> tuple[Instance, ...]:
    """Return the instances on which a property is checked; in ``"torture"`` of all shapes and scales.

    >>> from refms.conformance.properties import PROPERTIES
    >>> len(instances_in_tier(PROPERTIES[0], Profile("mine"), "quick", 0))
    4
    """
    count = max(1, TIERS[tier] // item.cost)
    return instances(item.domain, profile, count, seed, HARSH if tier == "torture" else USUAL)


def further_instances(
    item: Property, profile: Profile, tier: str, seed: int, count: int
) -> tuple[Instance, ...]:
    """Return instances like those of a tier that are not among them, for a property of cost 1 so many."""
    first = len(instances_in_tier(item, profile, tier, seed))
    spread = HARSH if tier == "torture" else USUAL
    return instances(item.domain, profile, max(1, count // item.cost), seed, spread, first)


def stencil_sizes(domain: Domain, profile: Profile, pair: str) -> list[int]:
    """Return the stencil sizes that a domain and a profile allow with a pair."""
    sizes = [size for size in profile.stencil_sizes if domain.sizes is None or size in domain.sizes]
    if domain.small:
        sizes = [size for size in sizes if size <= 3] or sizes[:1]
    if domain.stencil != "closed":
        return sizes
    return [size for size in sizes if size > 1 and closed(PAIRS[pair], size)]


def _drawn(
    rng: np.random.Generator,
    domain: Domain,
    profile: Profile,
    d: int,
    sizes: list[int],
    named: Mapping[str, Any],
) -> Instance:
    """Draw the sizes of one instance of which boundary, pair, activation and seed are known."""
    equal = domain.square or not profile.rectangular
    affordable = [size for size in sizes if size <= (7 if d < 3 else 5)] or sizes
    drawn = [int(rng.choice(affordable)) for _ in range(d)]
    # Half of the stencils have equal sizes, the usual case and the one in which axes can be exchanged unseen.
    alike = equal or domain.stencil != "any" or rng.random() < 0.5
    stencil = (max(drawn),) * d if alike else tuple(drawn)
    cells = []
    for low in least_multiples(domain, stencil):
        high = max(low, (_LARGEST_SMALL if domain.small else _LARGEST)[d] // domain.multiple)
        cells.append(domain.multiple * int(rng.integers(low, high + 1)))
    grid = (max(cells),) * d if equal else tuple(cells)
    most = 2 if domain.small else 3
    c_in, c_out = (int(n) for n in rng.choice(most, 2, p=_SOME_SINGLE[most]) + 1)
    examples = int(rng.choice(3, p=_SOME_SINGLE[3])) + 1
    return Instance(
        grid=grid,
        stencil=stencil,
        c_in=c_in,
        c_out=c_out,
        examples=examples,
        classes=int(rng.integers(2, 5)),
        layers=int(rng.integers(1, 4)),
        final_time=float(rng.choice([0.5, 1.0, 2.0])),
        dtype=profile.dtype,
        volume_weighted=profile.volume_weighted,
        orientation=profile.orientation,
        reduction=profile.reduction,
        **named,
    )


def least_multiples(domain: Domain, stencil: tuple[int, ...]) -> list[int]:
    """Return the smallest extents of a grid that a domain allows with a stencil, in its multiples."""
    return [
        max(domain.smallest, math.ceil(size / domain.multiple) if domain.resolves else 1) for size in stencil
    ]


def _spread_out(
    rng: np.random.Generator, domain: Domain, profile: Profile, usual: Instance, spread: Spread
) -> Instance:
    """Return an instance with another shape and other sizes, within the same domain."""
    shape, equal = spread.shape(rng), domain.square or not profile.rectangular
    least = tuple(domain.multiple * low for low in least_multiples(domain, usual.stencil))
    if equal and shape in ("narrow", "long"):
        shape = "large"
    grid = extents(rng, shape, least, usual.grid, domain.multiple, domain.small)
    grid = (max(grid),) * usual.d if equal else grid
    c_in, c_out = channels(rng, shape, (usual.c_in, usual.c_out), math.prod(grid), domain.small)
    m, classes, layers = counts(rng, shape, (usual.examples, usual.classes, usual.layers))
    return replace(
        usual,
        grid=grid,
        c_in=c_in,
        c_out=c_out,
        examples=m,
        classes=classes,
        layers=layers,
        stencil_scale=spread.scale(rng),
        image_scale=spread.scale(rng),
        within=spread.decades_within(rng),
    )
