"""Where a property fails: the rule on the axes of instances that describes failing and passing ones best.

A rule R joins one or two conditions, such as m = 1 or d = 3, that hold on every failing instance. Of all such
rules the one of the least description length is found,

    L(R) = |R| log₂ A + log₂ C(n_R, f),   L(no rule) = log₂ C(n, f),

|R| conditions out of A that tell instances apart, n instances, n_R of which satisfy R, f of which fail. So a
rule without exceptions costs its conditions alone, and two conditions must explain more than one. It is told
where it is shorter than no rule by ``MARGIN`` bits: of all sets of f failing instances at most a share
Σ_R A^−|R| 2^−MARGIN ≤ 1.5 · 2^−MARGIN, which is 4.7 %, follow some rule so well by chance.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from refms.conformance.instances.instance import Instance

MARGIN = 5.0
"""Bits that a rule must save."""

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


Compare = Callable[[Any, Any], bool]

_ORDER: dict[str, Compare] = {">": operator.gt, "<": operator.lt}


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
    holding = conditions([axes for axes, _ in found])
    price = math.log2(max(len(holding), 2))
    candidates = [(text, mask) for text, mask in holding.items() if mask & fails == fails]
    best, least = None, _bits(n, f) - MARGIN
    for size in (1, 2):
        for chosen in combinations(candidates, size):
            inside = (1 << n) - 1
            for _, mask in chosen:
                inside &= mask
            length = size * price + _bits(inside.bit_count(), f)
            if length < least - 1e-9:
                best, least = Rule(tuple(text for text, _ in chosen), f, inside.bit_count()), length
    return best


def conditions(found: Sequence[Axes]) -> dict[str, int]:
    """Return the conditions that tell instances apart, and on which each holds, as bits; equal ones once."""
    every, once = (1 << len(found)) - 1, dict[int, str]()
    for text, mask in statements(found).items():
        if mask not in (0, every):
            once.setdefault(mask, text)
    return {text: mask for mask, text in once.items()}


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
    words = isinstance(values[0], str)
    signs: dict[str, Compare] = {"=": operator.eq, **({"≠": operator.ne} if words else _ORDER)}
    for sign, holds in signs.items():
        for one in dict.fromkeys(values):
            yield (
                f"{name} {sign} {one if words else f'{one:g}'}",
                _mask(holds(value, one) for value in values),
            )


def _mask(holds: Iterator[bool]) -> int:
    """Return which of some statements hold, as bits."""
    return sum(1 << k for k, one in enumerate(holds) if one)


def _bits(n: int, f: int) -> float:
    """Return log₂ C(n, f): how long it takes to say which f of n fail."""
    return math.log2(math.comb(n, f))
