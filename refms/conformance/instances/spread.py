"""How widely instances are drawn: shapes out of the ordinary, and sizes of numbers over many decades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHAPES = ("usual", "large", "least", "narrow", "long", "many channels", "alone", "many examples", "deep")
"""Kinds of instances; ``"narrow"`` and ``"long"`` have one axis unlike the others."""

_LARGE = {1: 64, 2: 14, 3: 6}
_LARGE_SMALL = {1: 16, 2: 6, 3: 4}
_LONG, _LONG_SMALL = 48, 16
_MANY = 8
_MOST_ENTRIES = 640
"""Most cells times channels, so that the dense matrices of the kit stay small."""


@dataclass(frozen=True)
class Spread:
    """What instances may be besides the usual ones.

    >>> USUAL.scale(np.random.default_rng(0))
    1.0
    >>> 1e-6 < HARSH.scale(np.random.default_rng(0)) < 1e6
    True
    """

    # stencils and images are scaled by 10**u with u uniform in [-decades, decades], each with its own
    decades: float = 0.0
    # in half of the instances, entries of stencils and images are spread over so many decades
    within: float = 0.0
    shapes: tuple[str, ...] = ("usual",)  # which of `SHAPES` are drawn, with equal probability

    def scale(self, rng: np.random.Generator) -> float:
        """Return 10**u, and no power of two but 1: scaling by a power of two hides mistakes."""
        return float(10.0 ** rng.uniform(-self.decades, self.decades)) if self.decades else 1.0

    def decades_within(self, rng: np.random.Generator) -> float:
        """Return over how many decades the entries of one array are spread."""
        return self.within if self.within and rng.random() < 0.5 else 0.0

    def shape(self, rng: np.random.Generator) -> str:
        """Return one of the kinds of shape."""
        return self.shapes[0] if len(self.shapes) == 1 else str(rng.choice(self.shapes))


USUAL = Spread()
"""Sizes of about one and shapes of the usual kind."""

HARSH = Spread(decades=6.0, within=3.0, shapes=SHAPES)
"""Scales from 1e-6 to 1e6, entries over three decades, and shapes of all kinds."""


def extents(
    rng: np.random.Generator,
    shape: str,
    least: tuple[int, ...],
    usual: tuple[int, ...],
    multiple: int = 1,
    small: bool = False,
) -> tuple[int, ...]:
    """Return the extents of a grid of some kind.

    >>> extents(np.random.default_rng(0), "least", (1, 2), (5, 6))
    (1, 2)
    """
    d = len(least)

    def between(low: int, high: int) -> int:
        return multiple * int(rng.integers(low // multiple, max(low, high) // multiple + 1))

    if shape == "least":
        return least
    if shape == "large":
        return tuple(between(low, (_LARGE_SMALL if small else _LARGE)[d]) for low in least)
    if shape not in ("narrow", "long"):
        return usual
    axis = int(rng.integers(d))
    if shape == "narrow":
        return (*usual[:axis], least[axis], *usual[axis + 1 :])
    most = _LONG_SMALL if small else _LONG
    return (*least[:axis], between(max(least[axis], most // 2), most), *least[axis + 1 :])


def channels(
    rng: np.random.Generator, shape: str, usual: tuple[int, int], cells: int, small: bool
) -> tuple[int, int]:
    """Return c_in and c_out of an instance of some kind.

    >>> channels(np.random.default_rng(0), "alone", (2, 3), 16, False)
    (1, 1)
    """
    if shape == "alone":
        return 1, 1
    c_in, c_out = usual
    if shape == "many channels":
        most = _MANY // 2 if small else _MANY
        c_in, c_out = (int(n) for n in rng.integers(1, most + 1, 2))
    affordable = max(1, _MOST_ENTRIES // cells)
    return min(c_in, affordable), min(c_out, affordable)


def counts(rng: np.random.Generator, shape: str, usual: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the numbers of examples, classes and layers of an instance of some kind.

    >>> counts(np.random.default_rng(0), "alone", (3, 4, 2))
    (1, 2, 1)
    """
    if shape == "alone":
        return 1, 2, 1
    m, classes, layers = usual
    if shape == "many examples":
        return int(rng.integers(4, 17)), int(rng.integers(5, 11)), layers
    return m, classes, int(rng.integers(4, 11)) if shape == "deep" else layers
