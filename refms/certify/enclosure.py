"""From an interval to what a golden keeps: forty digits, the radius they leave, the nearest double."""

from __future__ import annotations

import decimal
import math
from dataclasses import dataclass
from fractions import Fraction

DIGITS = 40
"""Significant digits of a golden, all of them correct."""


class TooWideError(ArithmeticError):
    """An interval does not determine its digits: more bits are needed."""


@dataclass(frozen=True)
class Enclosure:
    """A number known to 40 significant digits, rounded correctly (half to even), in decimal notation.

    |number − digits| <= radius, which is 0.0 if the digits are the number itself; ``nearest`` is the number
    rounded correctly to a double. All three are properties of the number: whoever computes it with enough
    bits, in whatever way, finds the same characters.
    """

    digits: str
    radius: float
    nearest: float


def enclose(lower: Fraction, upper: Fraction) -> Enclosure:
    """Return the digits, radius and nearest double that all numbers of an interval share.

    :class:`TooWideError` is raised if the ends do not round to the same.

    >>> third = enclose(Fraction(1, 3), Fraction(1, 3))
    >>> third.digits, third.nearest
    ('0.3333333333333333333333333333333333333333', 0.3333333333333333)
    >>> enclose(Fraction(5, 4), Fraction(5, 4))
    Enclosure(digits='1.25', radius=0.0, nearest=1.25)
    """
    digits, exact = _round(lower)
    if lower == upper:
        return Enclosure(digits, 0.0 if exact else _half_unit(digits), _double(lower))
    if digits != _round(upper)[0] or _double(lower) != _double(upper) or lower <= 0 <= upper:
        raise TooWideError("an interval does not determine 40 digits.")
    return Enclosure(digits, _half_unit(digits), _double(lower))


def _round(number: Fraction) -> tuple[str, bool]:
    """Return the correctly rounded digits, and whether they are exact."""
    context = decimal.Context(prec=DIGITS, rounding=decimal.ROUND_HALF_EVEN, Emin=-9999, Emax=9999)
    quotient = context.divide(decimal.Decimal(number.numerator), decimal.Decimal(number.denominator))
    exact = not context.flags[decimal.Inexact]
    return str(context.normalize(quotient)), exact  # no zeros at the end, which would depend on the way


def _half_unit(digits: str) -> float:
    """Return a double not below half a unit in the fortieth significant digit."""
    exponent = decimal.Decimal(digits).adjusted() - DIGITS + 1
    half = Fraction(1, 2) * Fraction(10) ** exponent
    nearest = float(half)
    return nearest if Fraction(nearest) >= half else math.nextafter(nearest, math.inf)


def _double(number: Fraction) -> float:
    return number.numerator / number.denominator  # Python rounds the quotient of integers correctly
