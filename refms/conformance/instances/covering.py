"""Covering designs: few rows with every pair of levels of every two axes; and which pairs some rows cover."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

Pair = tuple[tuple[str, Any], tuple[str, Any]]
"""Two axes with a level each, in the order of their names."""

Levels = tuple[tuple[str, tuple[Any, ...]], ...]
"""Axes, each with its levels."""


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


def row(index: int, cycling: Levels, free: Levels) -> Mapping[str, Any]:
    """Return the levels of one row of an endless design that covers all pairs again and again.

    The first axes go round as in :func:`combination`; along the others each row takes the levels that make
    most pairs new, the greedy way to a covering array.

    >>> rows = [row(k, (("a", (0, 1, 2)),), (("b", "xy"), ("c", "uvw"))) for k in range(12)]
    >>> len({(one["b"], one["c"]) for one in rows}), len({(one["a"], one["c"]) for one in rows})
    (6, 9)
    """
    made, more = _design(*(tuple(len(levels) for _, levels in axes) for axes in (cycling, free)))
    made.extend(itertools.islice(more, max(0, index + 1 - len(made))))
    return {name: levels[k] for (name, levels), k in zip((*cycling, *free), made[index], strict=True)}


@lru_cache(maxsize=64)
def _design(
    cycling: tuple[int, ...], free: tuple[int, ...]
) -> tuple[list[tuple[int, ...]], Iterator[tuple[int, ...]]]:
    """Return the rows made so far, of axes with so many levels, and where further ones come from."""
    return [], _rows(cycling, free)


def _rows(cycling: tuple[int, ...], free: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    starts = np.cumsum([0, *cycling, *free])  # the levels of all axes in one sequence
    axis = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    left, used = np.zeros((len(axis), len(axis)), bool), np.zeros(len(axis))
    for index in itertools.count():
        left = left if left.any() else axis[:, None] != axis
        order = np.random.default_rng(index)
        chosen = [
            start + k for start, k in zip(starts, combination(index, *map(range, cycling)), strict=False)
        ]
        for k in len(cycling) + order.permutation(len(free)):
            levels = starts[k] + order.permutation(starts[k + 1] - starts[k])
            news = left[levels][:, chosen].sum(axis=1)
            chosen.append(levels[np.lexsort((used[levels], -news))[0]])
        left[np.ix_(chosen, chosen)] = False
        used[chosen] += 1
        yield tuple(int(one) for one in np.sort(chosen) - starts[:-1])


def pairs(levels: Mapping[str, Any]) -> Iterator[Pair]:
    """Yield all pairs of levels of one row."""
    return itertools.combinations(sorted(levels.items()), 2)


def _all_pairs(axes: Levels) -> Iterator[Pair]:
    for (one, first), (other, second) in itertools.combinations(sorted(axes), 2):
        yield from (((one, a), (other, b)) for a, b in itertools.product(first, second))


@dataclass(frozen=True)
class Coverage:
    """How many pairs of levels came up, of how many of the levels that came up, and which did not."""

    covered: int
    missing: tuple[str, ...]

    @property
    def possible(self) -> int:
        """How many there are."""
        return self.covered + len(self.missing)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {"covered": self.covered, "possible": self.possible, "missing": list(self.missing)}


def coverage(rows: Iterable[Mapping[str, str]]) -> Coverage:
    """Return which pairs of levels came up in some rows, of axes along which these differ.

    >>> coverage([{"m": "1", "d": "1"}, {"m": "2", "d": "1"}, {"m": "2", "d": "2"}]).missing
    ('d = 2 with m = 1',)
    """
    levels: dict[str, dict[str, None]] = {}
    seen: set[Pair] = set()
    for one in rows:
        seen.update(pairs(one))
        for name, level in one.items():
            levels.setdefault(name, {})[level] = None
    possible = list(_all_pairs(tuple((one, tuple(found)) for one, found in levels.items() if len(found) > 1)))
    missing = [f"{a} = {u} with {b} = {v}" for (a, u), (b, v) in possible if ((a, u), (b, v)) not in seen]
    return Coverage(len(possible) - len(missing), tuple(sorted(missing)))
