"""Seeded instances of a domain within a profile, spread over all axes by a covering design.

They are drawn by NumPy and not by hypothesis: a report names its instances by tier and seed, which must give
the same ones wherever the kit is installed, and hypothesis is no dependency of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from refms.conformance.adapters.profile import Profile
from refms.conformance.instances.axes import CHOSEN, LEVELS
from refms.conformance.instances.covering import row
from refms.conformance.instances.instance import Instance
from refms.conformance.instances.spread import (
    SPREAD,
    Spread,
    draw_channels,
    draw_count,
    draw_grid,
    draw_stencil,
    draw_time,
)
from refms.conformance.measures.precision import storage
from refms.definition.galerkin import closed
from refms.definition.transfer import PAIRS, Pair
from refms.names import DRAWS, HALVES, TIERS

if TYPE_CHECKING:
    from refms.conformance.property import Property

__all__ = [
    "ANY",
    "SIMPLEST",
    "Domain",
    "Instance",
    "admits",
    "instances",
    "instances_in_tier",
    "least_multiples",
    "stencil_sizes",
]

FREE = tuple(LEVELS.items())
"""Axes that neither domain nor profile restrict, with their levels."""

SIMPLEST: dict[str, Any] = {"c_in": 1, "c_out": 1, "examples": 1, "classes": 2, "layers": 1}
"""The smallest value of every count."""

_SHIFT, _SHIFTS = 13, 16
"""Other seeds begin elsewhere in the design."""


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
    soft: bool = False  # whether labels are any numbers from 0 on
    small: bool = False  # whether a few cells and stencils of few entries are enough


ANY = Domain()
"""No restriction."""


def instances(
    domain: Domain, profile: Profile, count: int, seed: int, spread: Spread = SPREAD, first: int = 0
) -> tuple[Instance, ...]:
    """Return instances of a domain within a profile: rows of a covering design, of which ``first`` is one.

    They go round dimensions, pairs, boundaries and activations, and soon every pair of levels of all axes has
    come up, as far as the domain has it.

    >>> len(instances(Domain(boundary="periodic"), Profile("mine"), 4, 0))
    4
    """
    pairs = list(profile.pairs) if domain.pair else [next(iter(PAIRS))]
    allowed: dict[str, list[Any]] = {
        "d": [d for d in profile.dimensions if d in domain.dimensions],
        "pair": [
            name
            for name in pairs
            if stencil_sizes(domain, profile, name) and (not domain.pair or domain.pair(PAIRS[name]))
        ],
        "boundary": [b for b in profile.boundaries if domain.boundary in (None, b)],
        "activation": [
            a for a in profile.activations if domain.activations is None or a in domain.activations
        ],
    }
    if not all(allowed.values()) or (domain.soft and not profile.soft_labels):
        return ()
    cycling = tuple((name, tuple(allowed[name])) for name in CHOSEN)
    made = []
    for index in range(first, first + max(count, len(allowed["pair"]))):
        rng = np.random.default_rng([seed, index])
        levels = row(index + _SHIFT * (seed % _SHIFTS), cycling, FREE)
        made.append(_drawn(rng, domain, profile, levels, seed * 10_000 + index, spread))
    return tuple(made)


def instances_in_tier(item: Property, profile: Profile, tier: str, seed: int) -> tuple[Instance, ...]:
    """Return the instances on which a property is checked; a larger tier has more of the same kind.

    >>> from refms.conformance.properties import PROPERTIES
    >>> len(instances_in_tier(PROPERTIES[0], Profile("mine"), "quick", 0))
    6
    """
    count = max(1, TIERS[tier] // item.cost)
    drawn = instances(item.domain, profile, count, seed, first=_first(item))
    return tuple(replace(x, draws=DRAWS[tier]) for x in drawn)


def further_instances(
    item: Property, profile: Profile, tier: str, seed: int, count: int
) -> tuple[Instance, ...]:
    """Return instances like those of a tier that are not among them, for a property of cost 1 so many."""
    first = _first(item) + len(instances_in_tier(item, profile, tier, seed))
    drawn = instances(item.domain, profile, max(1, count // item.cost), seed, first=first)
    return tuple(replace(x, draws=DRAWS[tier]) for x in drawn)


def _first(item: Property) -> int:
    """Return where a property enters the design: those of a family one after the other, so that few do."""
    return TIERS["quick"] * int("".join(one for one in item.id if one.isdigit()) or 0)


def stencil_sizes(domain: Domain, profile: Profile, pair: str) -> list[int]:
    """Return the stencil sizes that a domain and a profile allow with a pair."""
    sizes = [size for size in profile.stencil_sizes if domain.sizes is None or size in domain.sizes]
    if domain.stencil != "closed":
        return sizes
    return [size for size in sizes if size > 1 and closed(PAIRS[pair], size)]


def _drawn(
    rng: np.random.Generator,
    domain: Domain,
    profile: Profile,
    levels: Mapping[str, Any],
    seed: int,
    spread: Spread,
) -> Instance:
    """Draw an instance with levels as given, as far as the domain has them."""
    d, pair = levels["d"], levels["pair"]
    equal = domain.square or not profile.rectangular
    alike = equal or domain.stencil != "any"
    sizes = stencil_sizes(domain, profile, pair)
    stencil = draw_stencil(rng, levels["n_K"], sizes, d, alike=alike, small=domain.small)
    least = tuple(domain.multiple * low for low in least_multiples(domain, stencil))
    grid = draw_grid(rng, levels, least, stencil, domain.multiple, small=domain.small, equal=equal)
    c_in, c_out = draw_channels(rng, levels["c"], max(1, spread.room // math.prod(grid)))
    fits = 10 * spread.room // (math.prod(grid) * max(c_in, c_out))
    return Instance(
        grid=grid,
        stencil=stencil,
        c_in=c_in,
        c_out=c_out,
        examples=draw_count(rng, levels["m"], 40, fits),
        classes=draw_count(rng, levels["ℓ"], 12),
        layers=draw_count(rng, levels["N"], 12, spread.room // 40),
        final_time=draw_time(rng, levels["T"]),
        dtype=storage(profile.dtype),
        half="bfloat16" if profile.dtype == "bfloat16" else "",
        volume_weighted=profile.volume_weighted,
        orientation=profile.orientation,
        reduction=profile.reduction,
        **sizes_of_numbers(rng, levels, spread, half=profile.dtype in HALVES),
        seed=seed,
        pair=pair,
        **{name: levels[name] for name in ("boundary", "activation")},
    )


def sizes_of_numbers(
    rng: np.random.Generator, levels: Mapping[str, Any], spread: Spread, *, half: bool
) -> dict[str, Any]:
    """Return the sizes of stencils and images; about one in half precision, which has few exponents."""
    if half:
        return {}
    return {
        "stencil_scale": spread.scale(rng, levels["stencils"]),
        "image_scale": spread.scale(rng, levels["images"]),
        "within": spread.within * (levels["entries"] == "over decades"),
    }


def least_multiples(domain: Domain, stencil: tuple[int, ...]) -> list[int]:
    """Return the smallest extents of a grid that a domain allows with a stencil, in its multiples."""
    return [
        max(domain.smallest, math.ceil(size / domain.multiple) if domain.resolves else 1) for size in stencil
    ]


def admits(domain: Domain, profile: Profile, x: Instance) -> bool:
    """Return whether an instance lies in a domain and within a profile, as all that are drawn of them do."""
    sizes = stencil_sizes(domain, profile, x.pair)
    least = [domain.multiple * low for low in least_multiples(domain, x.stencil)]
    equal = domain.square or not profile.rectangular
    return (
        x.d in profile.dimensions
        and x.d in domain.dimensions
        and x.boundary in profile.boundaries
        and domain.boundary in (None, x.boundary)
        and x.activation in profile.activations
        and (domain.activations is None or x.activation in domain.activations)
        and (domain.pair is None or (x.pair in profile.pairs and domain.pair(x.weights)))
        and all(size in sizes for size in x.stencil)
        and all(n % domain.multiple == 0 for n in x.grid)
        and all(n >= low for n, low in zip(x.grid, least, strict=True))
        and (len(set(x.stencil)) == 1 or not (equal or domain.stencil != "any"))
        and (len(set(x.grid)) == 1 or not equal)
        and all(getattr(x, name) >= value for name, value in SIMPLEST.items())
    )
