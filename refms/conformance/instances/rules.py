"""Where a property fails: the rule on the axes of instances that describes failing and passing ones best.

A rule R joins up to three conditions, such as m = 1 or d = 3, that hold on every failing instance. Of all
such rules the one of the least description length is found,

    L(R) = Σ_{c in R} (M + log₂ A + log₂ A_c) + log₂ C(n_R, f),   L(no rule) = log₂ C(n, f),

A axes that tell instances apart, A_c conditions along the axis of c, n instances, n_R of which satisfy R, f
of which fail. So one of two words costs less than one of fifty thresholds, and a condition is told where it
saves M = ``MARGIN`` bits more than saying it takes: as Σ_c 2^−(log₂ A + log₂ A_c) = 1, of all sets of f
failing instances at most a share Σ_k 2^−kM / k!, which is 3.2 %, follow some rule so well by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from refms.conformance.instances.instance import Instance

MARGIN = 5.0
"""Bits that every condition must save."""

MOST_CONDITIONS = 3

Axes = Mapping[str, float | str | bool]
"""Name -> a number, a word or a fact; a fact is named by what it says and by its opposite: "n odd|n even"."""


def axes_of(x: Instance) -> dict[str, float | str | bool]:
    """Return the axes along which instances vary, the plainest first.

    >>> x = Instance((4, 5), (3, 3), 1, 2, 1, 2, 1, "periodic", "nearest", "tanh", 1.0, "float32", 0)
    >>> [axes_of(x)[name] for name in ("d", "m", "c_in ≠ c_out|c_in = c_out", "n odd|n even")]
    [2, 1, True, True]
    """
    return {
        "d": x.d,
        "m": x.examples,
        "boundary": x.boundary,
        "pair": x.pair,
        "activation": x.activation,
        "dtype": x.dtype,
        "c_in ≠ c_out|c_in = c_out": x.c_in != x.c_out,
        "c_in": x.c_in,
        "c_out": x.c_out,
        "n_K": max(x.stencil),
        "n odd|n even": any(n % 2 for n in x.grid),
        "last n odd|last n even": x.grid[-1] % 2 == 1,
        "N": x.layers,
        "ℓ": x.classes,
        "T": x.final_time,
        "n_K > n|n_K ≤ n": any(k > n for k, n in zip(x.stencil, x.grid, strict=True)),
        "smallest n": min(x.grid),
        "largest n": max(x.grid),
        "unequal n|equal n": len(set(x.grid)) > 1,
        "unequal n_K|equal n_K": len(set(x.stencil)) > 1,
        "size of stencils": x.stencil_scale,
        "size of images": x.image_scale,
        "decades within": x.within,
    }


@dataclass(frozen=True)
class Rule:
    """Conditions that hold on all failing instances, and on ``inside`` of all, ``failing`` of which fail."""

    conditions: tuple[str, ...]
    failing: int
    inside: int

    def __str__(self) -> str:
        """Return the rule as a phrase, with its exceptions."""
        exceptions = "" if self.failing == self.inside else f" (on {self.failing} of {self.inside})"
        return " and ".join(self.conditions) + exceptions


def best_rule(found: Sequence[tuple[Axes, bool]]) -> Rule | None:
    """Return the rule of least description length for (axes, passed); None where none is worth it.

    Of rules that are as good, the one with plainer axes, which come first.

    >>> found = [({"m": m, "d": d}, m > 1) for m in (1, 2, 3) for d in (1, 2, 3)] * 2
    >>> str(best_rule(found))
    'm = 1'
    """
    n, fails = len(found), _mask(not passed for _, passed in found)
    f = fails.bit_count()
    held = conditions([axes for axes, _ in found])
    bits = [math.log2(math.comb(size, f)) if size >= f else 0.0 for size in range(n + 1)]
    candidates = [
        (text, mask, MARGIN + math.log2(len(held)) + math.log2(len(along)))
        for along in held.values()
        for text, mask in _narrowest({text: mask for text, mask in along.items() if mask & fails == fails})
    ]
    best, least = None, bits[n]
    for size in range(1, MOST_CONDITIONS + 1):
        for chosen in combinations(candidates, size):
            inside, length = (1 << n) - 1, 0.0
            for _, mask, price in chosen:
                inside &= mask
                length += price
            length += bits[inside.bit_count()]
            if length < least - 1e-9:
                best, least = Rule(tuple(text for text, _, _ in chosen), f, inside.bit_count()), length
    return best


def _narrowest(along: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield those conditions on one axis that no other one implies; of a price, the others explain less."""
    for text, mask in along.items():
        if not any(other != mask and other & mask == other for other in along.values()):
            yield text, mask


def conditions(found: Sequence[Axes]) -> dict[str, dict[str, int]]:
    """Return by axis the conditions that tell instances apart, equal ones once: where each holds, as bits."""
    every = (1 << len(found)) - 1
    seen, held = {0, every}, dict[str, dict[str, int]]()
    for name in found[0] if found else ():
        along = dict[str, int]()
        for text, mask in _along(name, [axes[name] for axes in found]):
            if mask not in seen:
                seen.add(mask)
                along[text] = mask
        if along:
            held[name] = along
    return held


def statements(found: Sequence[Axes]) -> dict[str, int]:
    """Return all conditions on the axes of some instances, and on which of them each holds, as bits."""
    names = found[0] if found else ()
    return {text: mask for name in names for text, mask in _along(name, [axes[name] for axes in found])}


def _along(name: str, values: Sequence[Any]) -> Iterator[tuple[str, int]]:
    """Yield the conditions on one axis: a fact or its opposite; = or ≠ a word; =, > or < a number."""
    if isinstance(values[0], bool):
        for text, fact in zip(name.split("|"), (True, False), strict=True):
            yield text, _mask(value is fact for value in values)
        return
    every, at = (1 << len(values)) - 1, dict[Any, int]()
    for k, value in enumerate(values):
        at[value] = at.get(value, 0) | 1 << k
    if isinstance(values[0], str):
        yield from ((f"{name} = {one}", mask) for one, mask in at.items())
        yield from ((f"{name} ≠ {one}", every ^ mask) for one, mask in at.items())
        return
    yield from ((f"{name} = {one:g}", mask) for one, mask in at.items())
    below = 0
    for one in sorted(at):
        yield f"{name} > {one:g}", every ^ below ^ at[one]
        yield f"{name} < {one:g}", below
        below |= at[one]


def _mask(holds: Iterator[bool]) -> int:
    """Return which of some statements hold, as bits."""
    return sum(1 << k for k, one in enumerate(holds) if one)
