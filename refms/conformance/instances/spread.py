"""How an instance of some levels is drawn: shapes, counts, and sizes of numbers over many decades."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_USUAL, _USUAL_SMALL = {1: 16, 2: 8, 3: 5}, {1: 8, 2: 5, 3: 4}
"""Largest extents of most grids by dimension, and where few cells are enough."""

_LARGE, _LARGE_SMALL = {1: 64, 2: 14, 3: 6}, {1: 16, 2: 7, 3: 4}
_LONG, _LONG_SMALL = 48, 16
"""Of some grids, and of the one long axis of others."""

_MOST_ENTRIES, _MOST_ENTRIES_SMALL = 125, 49
"""Of stencils."""

_MOST_CHANNELS = 17


@dataclass(frozen=True)
class Spread:
    """How widely numbers are spread, and how large instances may be.

    >>> Spread().scale(np.random.default_rng(0), "about 1")
    1.0
    >>> 1e-6 < Spread().scale(np.random.default_rng(0), "small") < 1
    True
    """

    # stencils and images that are not about one are scaled by 10**u, u in ±[0.3, decades], each with its own
    decades: float = 6.0
    # where entries of stencils and images are spread over decades, over so many
    within: float = 3.0
    # most cells times channels, so that the dense matrices of the kit stay small
    room: int = 640

    def scale(self, rng: np.random.Generator, level: str) -> float:
        """Return 10**u, and no power of two but 1: scaling by a power of two hides mistakes."""
        u = float(rng.uniform(0.3, self.decades))
        return 1.0 if level == "about 1" else 10.0 ** (u if level == "large" else -u)


SPREAD = Spread()
"""That of all tiers."""


def draw_count(rng: np.random.Generator, level: str, most: int, fits: int = 10**6) -> int:
    """Return a number within a level such as "2 or 3", at most as large as fits.

    >>> draw_count(np.random.default_rng(0), "2 or 3", 40, 1)
    1
    """
    low, _, high = level.partition(" or ")
    top = int(low) if not high else most if high == "more" else int(high)
    return min(int(rng.integers(int(low), top + 1)), max(1, fits))


def draw_time(rng: np.random.Generator, level: str) -> float:
    """Return a final time T: one of ½, 1, 2, or any number about one, of which no δt is a short fraction."""
    return float(rng.choice([0.5, 1.0, 2.0]) if level != "any" else rng.uniform(0.3, 2.5))


def draw_channels(rng: np.random.Generator, level: str, fits: int) -> tuple[int, int]:
    """Return c_in and c_out of a level, each at most as large as fits.

    >>> draw_channels(np.random.default_rng(0), "to more", 9)
    (2, 3)
    """
    few, more = (int(n) for n in np.sort(rng.choice(3, 2, replace=False) + 1))
    many = (int(rng.integers(4, _MOST_CHANNELS + 1)), int(rng.integers(1, _MOST_CHANNELS + 1)))
    c_in, c_out = {
        "1 to 1": (1, 1),
        "equal": (more, more),
        "to more": (few, more),
        "to fewer": (more, few),
        "4 or more": many if rng.random() < 0.5 else many[::-1],
    }[level]
    return min(c_in, fits), min(c_out, fits)


def draw_stencil(
    rng: np.random.Generator, level: str, sizes: Sequence[int], d: int, *, alike: bool, small: bool
) -> tuple[int, ...]:
    """Return the sizes of a stencil of a level, as far as these are allowed and it has not too many entries.

    >>> draw_stencil(np.random.default_rng(0), "5 or more", [1, 3, 5], 2, alike=True, small=False)
    (5, 5)
    """
    most = _MOST_ENTRIES_SMALL if small else _MOST_ENTRIES
    affordable = [size for size in sizes if size**d <= most] or [min(sizes)]
    wanted = {"1": [1], "3": [3], "5 or more": range(5, 99)}.get(level, sizes)
    chosen = [size for size in affordable if size in wanted] or affordable
    size = int(rng.choice(chosen))
    if alike or level != "unequal" or d == 1 or len(sizes) == 1:
        return (size,) * d
    while True:
        drawn = tuple(int(one) for one in rng.choice(sizes, d))
        if len(set(drawn)) > 1 and math.prod(drawn) <= max(most, min(sizes) ** (d - 1) * max(sizes)):
            return drawn


def draw_grid(
    rng: np.random.Generator,
    levels: Mapping[str, Any],
    least: tuple[int, ...],
    stencil: tuple[int, ...],
    multiple: int,
    *,
    small: bool,
    equal: bool,
) -> tuple[int, ...]:
    """Return the extents of a grid of the levels of ``n`` and ``extents``, as far as the domain has them.

    >>> levels = {"n": "1", "extents": "unequal"}
    >>> draw_grid(np.random.default_rng(1), levels, (1, 1), (3, 3), 1, small=False, equal=False)
    (1, 8)
    """
    d, level = len(least), levels["n"]
    # Larger than the stencil, unless the level says otherwise.
    above = least if level in ("1", "< n_K") else tuple(map(max, least, (k + 1 for k in stencil)))
    lows = tuple(_rounded_up(low, multiple) for low in above)
    equal = equal or levels["extents"] == "equal"
    cells = _extents(rng, lows, multiple, small=small, equal=equal)
    axis = int(np.argmax(stencil)) if level == "< n_K" else int(rng.integers(d))
    if level == "1":
        special = least[axis]
    elif level == "< n_K":
        special = _between(rng, max(least[axis], min(2, stencil[axis] - 1)), stencil[axis] - 1, multiple)
    elif level == "n_K":
        special = _rounded_up(max(least[axis], stencil[axis]), multiple)
    else:
        cells = [n if n % 2 == (level == "odd") else n + multiple for n in cells]
        special = cells[axis]
    cells[axis] = special
    if equal:
        # One extent for all: the special one, unless the domain has it not along all axes.
        return (special if all(special >= low for low in least) else max(cells),) * d
    if d > 1 and len(set(cells)) == 1:
        cells[axis - 1] += 2 * multiple
    return tuple(cells)


def _extents(
    rng: np.random.Generator, lows: tuple[int, ...], multiple: int, *, small: bool, equal: bool
) -> list[int]:
    """Return extents: most are usual, some large, and some as small as may be but for one long axis."""
    d, kind = len(lows), rng.random()
    if kind < 1 / 6 and (d == 1 or not equal):
        cells, axis, most = list(lows), int(rng.integers(d)), _LONG_SMALL if small else _LONG
        cells[axis] = _between(rng, max(lows[axis], most // 2), most, multiple)
        return cells
    usual, large = (_USUAL_SMALL, _LARGE_SMALL) if small else (_USUAL, _LARGE)
    return [_between(rng, low, (large if kind < 1 / 3 else usual)[d], multiple) for low in lows]


def _between(rng: np.random.Generator, low: int, high: int, multiple: int) -> int:
    """Return a multiple of a number from the first one above ``low`` to ``high``."""
    first = _rounded_up(low, multiple)
    return int(rng.integers(first // multiple, max(first, high) // multiple + 1)) * multiple


def _rounded_up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple
