"""The profile that would be right: everything that one may say is tried, and what is understood is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, TypeVar

from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.profile import ACTIVATIONS, BOUNDARIES, LEVELS, Profile
from refms.conformance.operations import OPERATIONS
from refms.conformance.probing.responses import Answer, Responses
from refms.definition.transfer import PAIRS
from refms.display import changed_fields
from refms.names import DTYPES

T = TypeVar("T")

WEIGHTED = {"with h^d": True, "without h^d": False}
"""What is said of logits."""

SIZES = (1, 3, 5, 7)
"""Stencil sizes that are tried."""


def right_profile(responses: Responses) -> Profile:
    """Return the declared profile with everything that the responses say instead."""
    declared = responses.profile
    for find in (_shapes, _boundaries, _activations, _pairs_and_scales):  # each within what was found before
        responses = replace(responses, profile=find(responses, declared))
    levels = ("everything", "gauss-newton", "gradient", "operators")
    has = {name for name in OPERATIONS if provides(responses.adapter, name)}
    level = next((one for one in levels if has.issuperset(LEVELS[one] or OPERATIONS)), None)
    precision = _only((one for one in responses.dtypes.values() if one in DTYPES), declared.dtype)
    return replace(responses.profile, dtype=precision, level=declared.level or level)


def profile_lines(profiles: Sequence[Profile]) -> list[str]:
    """Return the lines of Python that make profiles; one where they differ in their precision alone.

    >>> both = [Profile("mine", dtype, layout="NCHW") for dtype in ("float64", "float32")]
    >>> profile_lines(both)
    ["Profile('mine', dtype, layout='NCHW')"]
    >>> profile_lines(both[1:])
    ["Profile('mine', 'float32', layout='NCHW')"]
    """

    def line(profile: Profile, dtype: str) -> str:
        others = {
            key: value for key, value in changed_fields(profile).items() if key not in ("name", "dtype")
        }
        values = [repr(profile.name), dtype, *(f"{key}={value!r}" for key, value in others.items())]
        return f"Profile({', '.join(values)})"

    joint = {line(one, "dtype") for one in profiles}
    if 1 < len(profiles) == len({one.dtype for one in profiles}) and len(joint) == 1:
        return list(joint)
    return [line(one, repr(one.dtype)) for one in profiles]


def _shapes(responses: Responses, declared: Profile) -> Profile:
    """Return the layout, dimensions and sizes for which K(s) is a known one; and an activation that is."""
    dimensions = sorted(
        first(declared.dimensions, (1, 2, 3)), key=lambda d: (d not in declared.dimensions, d != 2)
    )
    sizes = [size for size in first(declared.stencil_sizes, SIZES) if size > 1]
    alone = not any(provides(responses.adapter, one) for one in ("convolution", "convolution_matrix"))
    sigmas = first(declared.activations, ACTIVATIONS if alone else ())
    for sigma, d, size in product(sigmas, dimensions, sizes):
        responses = replace(responses, profile=replace(declared, activations=(sigma,)))
        if found := next(_known(responses, (size,) * d), None):
            break
    else:
        return declared
    profile = replace(responses.profile, layout=found.layout or declared.layout)
    responses = replace(responses, profile=profile)
    all_sizes = tuple(n for n in SIZES if n == size or any(_known(responses, (n,) * d)))
    all_dimensions = tuple(n for n in (1, 2, 3) if n == d or any(_known(responses, (size,) * n)))
    most, other = max(all_dimensions), next((n for n in all_sizes if n != size), size)
    unequal = tuple(other if axis % 2 else size for axis in range(most))
    return replace(
        profile,
        dimensions=all_dimensions,
        stencil_sizes=all_sizes,
        rectangular=any(_known(responses, unequal, 1)) if most > 1 else declared.rectangular,
    )


def _known(responses: Responses, stencil: tuple[int, ...], longer: int = 0) -> Iterator[Answer]:
    """Yield the answers that are known ones, on a grid each axis of which is longer than the one before."""
    grid = tuple(2 * size + longer * axis for axis, size in enumerate(stencil))
    for boundary in first(responses.profile.boundaries, BOUNDARIES):
        if (answer := responses.convolution(boundary, stencil, grid)).matches:
            yield answer


def _boundaries(responses: Responses, declared: Profile) -> Profile:
    """Return the boundaries that are what they are called, and the one orientation."""
    matches = {b: responses.convolution(b).matches for b in BOUNDARIES}
    named = (b for b in BOUNDARIES if any(found == b for _, found in matches[b]))
    orientations = (found for one in matches.values() for found, _ in one)
    return replace(
        responses.profile,
        boundaries=_kept(declared.boundaries, named),
        orientation=_only(orientations, declared.orientation),
    )


def _activations(responses: Responses, declared: Profile) -> Profile:
    """Return the activations that are what they are called."""
    named = (one for one in ACTIVATIONS if one in responses.activation(one).matches)
    return replace(responses.profile, activations=_kept(declared.activations, named))


def _pairs_and_scales(responses: Responses, declared: Profile) -> Profile:
    """Return the pairs that are what they are called, whether logits have h^d, and mean or sum."""
    moved = [one for one in ("restrict", "prolong") if provides(responses.adapter, one)]

    def gives(pair: str) -> bool:
        return all(pair in responses.transfer(one, pair).matches for one in moved)

    weighted = (WEIGHTED[one] for one in responses.logits().matches if one in WEIGHTED)
    reductions = (one for _, answer in responses.reductions() for one in answer.matches)
    return replace(
        responses.profile,
        pairs=_kept(declared.pairs, (pair for pair in PAIRS if moved and gives(pair))),
        volume_weighted=_only(weighted, declared.volume_weighted),
        reduction=_only(reductions, declared.reduction),
    )


def first(declared: Iterable[Any], known: Iterable[Any]) -> tuple[Any, ...]:
    """Return all that is known, what is declared first."""
    return tuple(dict.fromkeys((*declared, *known)))


def _kept(declared: tuple[str, ...], found: Iterable[str]) -> tuple[str, ...]:
    """Return what was found, as declared where it is the same, or where nothing was found."""
    names = tuple(found)
    return declared if not names or set(names) == set(declared) else names


def _only(found: Iterable[T], declared: T) -> T:
    """Return what all responses say; what is declared where they do not say one thing."""
    names = set(found)
    return names.pop() if len(names) == 1 else declared
