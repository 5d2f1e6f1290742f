"""What is made of balls: digits, radii and doubles that are true."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.certify.enclosure import DIGITS, TooWideError, enclose

NUMBERS = st.fractions(max_denominator=10**9) | st.floats(allow_nan=False, allow_infinity=False).map(Fraction)


@given(NUMBERS)
@settings(max_examples=200)
def test_the_number_is_within_the_radius_of_the_digits(number):
    found = enclose(number, number)
    assert abs(Fraction(found.digits) - number) <= Fraction(found.radius)
    assert len(found.digits.lower().split("e")[0].lstrip("-0.").replace(".", "")) <= DIGITS
    assert found.nearest == float(number)


@given(NUMBERS.filter(lambda number: number != 0), st.integers(-3, 3))
@settings(max_examples=200)
def test_a_narrow_interval_gives_what_the_number_gives_or_nothing(number, side):
    width = abs(number) * Fraction(1, 2**200)
    try:
        found = enclose(number + (side - 4) * width, number + (side + 4) * width)
    except TooWideError:
        return  # the number is too near to where the rounding changes
    exact = enclose(number, number)
    assert (found.digits, found.nearest) == (exact.digits, exact.nearest)


def test_a_number_of_forty_digits_has_radius_zero_and_one_of_41_has_not():
    forty = Fraction("0.1234567890123456789012345678901234567891")
    assert enclose(forty, forty).radius == 0.0
    longer = forty + Fraction(1, 10**41)
    assert enclose(longer, longer).radius >= 5e-41
    assert enclose(longer, longer).digits == "0.1234567890123456789012345678901234567891"


def test_ties_go_to_even():
    tie = Fraction("1.0000000000000000000000000000000000000005") + Fraction("2e-39")
    assert enclose(tie, tie).digits == "1.000000000000000000000000000000000000002"


def test_an_interval_around_zero_or_a_wide_one_is_refused():
    for low, high in [
        (Fraction(-1, 10**99), Fraction(1, 10**99)),
        (Fraction(1), Fraction(1) + Fraction(1, 10**9)),
    ]:
        with pytest.raises(TooWideError):
            enclose(low, high)
    assert enclose(Fraction(0), Fraction(0)).digits == "0"


def test_numbers_below_the_smallest_double_keep_their_digits():
    tiny = Fraction(1, 3**1000)
    found = enclose(tiny, tiny)
    assert found.nearest == 0.0
    assert abs(Fraction(found.digits) - tiny) < tiny / 10**39
    assert found.radius == math.ulp(0.0)
