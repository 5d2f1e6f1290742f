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

_LARGEST = Fraction(np.finfo("float64").max)


@dataclass(frozen=True, eq=False)
class Quantity:
    """What the formulas say about one quantity, in the shape in which refms returns it.

    ``scale`` is the size against which rounding errors count, by the recipe; ``recipe`` is its formula.
    """

    value: Balls | Number
    scale: Number
    recipe: str


@dataclass(frozen=True, eq=False)
class Golden:
    """A quantity, proved: every number is within ``radius`` of ``digits``, and ``nearest`` is its double.

    ``digits`` uint8 (*shape, width), 40 significant decimal digits in ASCII, filled up with blanks;
    ``radius`` and ``nearest`` float64 (*shape); ``scale`` and ``recipe`` as those of a quantity.
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

        0.0 if all numbers are inside; infinite for another shape, for entries that are not finite, and beyond
        the largest float64. The differences are formed exactly.
        """
        result = np.asarray(got, dtype="float64")
        if result.shape != self.shape or not np.isfinite(result).all():
            return float("inf")
        numbers = zip(self.texts(), self.radius.flat, result.flat, strict=True)
        outside = (abs(Fraction(x) - Fraction(text)) - Fraction(radius) for text, radius, x in numbers)
        rho = max(Fraction(0), *outside) / (EPS[dtype] * Fraction(self.scale))
        return float(rho) if rho <= _LARGEST else float("inf")

    def texts(self) -> list[str]:
        """Return the digits of all entries as strings, in C order."""
        flat = self.digits.reshape(-1, self.digits.shape[-1])
        return [row.tobytes().decode("ascii").strip() for row in flat]


def prove(quantity: Quantity) -> Golden:
    """Return the golden of a quantity: forty digits of every number.

    :class:`TooWideError` is raised if a ball is too wide; compute it with more bits.
    """
    value = np.asarray(quantity.value, dtype=object)
    enclosures = [_enclose(ball) for ball in value.flat]
    width = max(len(enclosure.digits) for enclosure in enclosures)
    text = "".join(enclosure.digits.ljust(width) for enclosure in enclosures)
    return Golden(
        np.frombuffer(text.encode("ascii"), dtype=np.uint8).reshape(*value.shape, width),
        np.array([enclosure.radius for enclosure in enclosures]).reshape(value.shape),
        np.array([enclosure.nearest for enclosure in enclosures]).reshape(value.shape),
        _enclose(quantity.scale).nearest,
        quantity.recipe,
    )


def _enclose(ball: Number) -> Enclosure:
    try:
        return enclose(*interval(ball))
    except ArithmeticError as error:
        raise TooWideError(str(error)) from error
