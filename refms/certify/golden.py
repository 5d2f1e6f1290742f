"""A golden: numbers that are proved to forty digits, and how far a result is from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from refms.certify.balls import Balls, interval
from refms.certify.enclosure import Enclosure, TooWideError, enclose
from refms.definition.arrays import Number
from refms.errors import Array

EPS: Mapping[str, Fraction] = {"float64": Fraction(1, 2**52), "float32": Fraction(1, 2**23)}
"""The unit in which distances are given."""


@dataclass(frozen=True, eq=False)
class Quantity:
    """What the formulas say about one quantity, in the shape in which refms returns it.

    ``scale`` is the size against which rounding errors count, by the recipe; ``recipe`` is its formula.
    """

    value: Balls
    scale: Number
    recipe: str


@dataclass(frozen=True, eq=False)
class Golden:
    """A quantity, proved: every number is within ``radius`` of ``digits``, and ``nearest`` is its double.

    Parameters
    ----------
    digits : numpy.ndarray
        uint8, shape (*shape, width): 40 significant decimal digits in ASCII, filled up with blanks.
    radius : numpy.ndarray
        float64, shape of the quantity.
    nearest : numpy.ndarray
        float64, shape of the quantity: the numbers rounded correctly.
    scale : float
        See :class:`Quantity`.
    recipe : str
        Its formula.
    """

    digits: Array
    radius: Array
    nearest: Array
    scale: float
    recipe: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the quantity."""
        return tuple(self.nearest.shape)

    def distance(self, got: Array, dtype: str) -> float:
        """Return how far the worst entry is outside its enclosure, in eps of a dtype times the scale.

        0.0 if all numbers are inside; infinite for another shape or for entries that are not finite. The
        differences are formed exactly.
        """
        result = np.asarray(got, dtype="float64")
        if result.shape != self.shape or not np.isfinite(result).all():
            return float("inf")
        entries = zip(self.texts(), self.radius.reshape(-1), result.reshape(-1), strict=True)
        outside = (
            abs(Fraction(float(found)) - Fraction(text)) - Fraction(float(radius))
            for text, radius, found in entries
        )
        worst = max(outside, default=Fraction(0))
        return float(max(worst, Fraction(0)) / (EPS[dtype] * Fraction(self.scale)))

    def texts(self) -> list[str]:
        """Return the digits of all entries as strings, in C order."""
        flat = self.digits.reshape(-1, self.digits.shape[-1])
        return [row.tobytes().decode("ascii").strip() for row in flat]


def prove(quantity: Quantity) -> Golden:
    """Return the golden of a quantity: forty digits of every number.

    :class:`TooWideError` is raised if a ball is too wide; compute it with more bits.
    """
    enclosures = [_enclose(ball) for ball in quantity.value.reshape(-1).tolist()]
    shape = quantity.value.shape
    width = max(len(enclosure.digits) for enclosure in enclosures)
    text = "".join(enclosure.digits.ljust(width) for enclosure in enclosures)
    return Golden(
        np.frombuffer(text.encode("ascii"), dtype=np.uint8).reshape(*shape, width),
        np.array([enclosure.radius for enclosure in enclosures]).reshape(shape),
        np.array([enclosure.nearest for enclosure in enclosures]).reshape(shape),
        _enclose(quantity.scale).nearest,
        quantity.recipe,
    )


def _enclose(ball: Number) -> Enclosure:
    try:
        return enclose(*interval(ball))
    except ArithmeticError as error:
        raise TooWideError(str(error)) from error
