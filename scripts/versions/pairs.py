"""Ratios of two versions that take turns: pair by pair, so that a machine that slows down slows both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

SHORTEST = 0.05
"""Seconds that one sample takes at least."""


@dataclass(frozen=True)
class Ratio:
    """New over old: quartiles over the pairs, and the median of each version in its own unit."""

    what: str
    first: float
    median: float
    third: float
    old: float
    new: float
    pairs: int

    def __str__(self) -> str:
        spread = f"{self.median:6.3f}  [{self.first:.3f}, {self.third:.3f}]"
        return f"{self.what:48} {spread}  {self.old:.4g} -> {self.new:.4g}, {self.pairs} pairs"


def ratio_of(what: str, pairs: list[tuple[float, float]]) -> Ratio:
    """Return the ratio of several (old, new).

    Examples
    --------
    >>> print(ratio_of("it", [(1.0, 2.0), (2.0, 2.0), (1.0, 3.0)]).median)
    2.0
    """
    ratios = [new / old for old, new in pairs]
    quartiles = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    old, new = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Ratio(what, *quartiles, old, new, len(pairs))


def alternated(
    what: str, ways: tuple[Callable[[], float], Callable[[], float]], seconds: float, least: int = 5
) -> Ratio:
    """Call old and new in turn, every other pair in the other order; return the ratio of what they return."""
    pairs: list[tuple[float, float]] = []
    begun = time.monotonic()
    while len(pairs) < least or time.monotonic() - begun < seconds:
        order = (0, 1) if len(pairs) % 2 == 0 else (1, 0)
        found = {which: ways[which]() for which in order}
        pairs.append((found[0], found[1]))
    return ratio_of(what, pairs)


def verdicts(large: list[Ratio], small: list[Ratio]) -> list[tuple[bool, str]]:
    """Return what is asked of the ratios, and whether it is so."""
    found = []
    if large:
        median = statistics.median(one.median for one in large)
        worst = max(large, key=lambda one: one.median)
        found.append((median <= 1.02, f"median of all {len(large)} ratios {median:.3f} <= 1.02"))
        found.append((worst.median <= 1.08, f"none above 1.08: {worst.median:.3f}, {worst.what}"))
    if small:
        median = statistics.median(one.median for one in small)
        found.append((median <= 0.8, f"small problems, median of {len(small)} ratios {median:.3f} <= 0.8"))
    return found
