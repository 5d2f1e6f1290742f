"""Armijo's rule in fractions: the first step that gains enough, and nothing that is not proved."""

from __future__ import annotations

from fractions import Fraction

import pytest

from refms.definition.search import UndecidedError, armijo


def square(x):
    return x * x


@pytest.mark.parametrize(
    ("c_1", "k"), [(Fraction(1, 10), 2), (Fraction(1, 2), 2), (Fraction(3, 5), 4)], ids=str
)
def test_the_step_is_the_first_that_gains_its_share(c_1, k):
    """From 3 along -6 on x^2: f goes 9, 9 (α = 1), 0 (α = 1/2), 9/4 (α = 1/4)."""
    x = 3 - Fraction(6, k)
    assert armijo(square, 3, Fraction(-6), 9, c_1 * -36) == (x, x * x, k)


def test_the_share_of_half_a_step_is_half():
    """f(1/2) = 4 is below 9 + c₁ (1/2) gᵀp = 4.5, and not below 9 + c₁ gᵀp = 0."""
    told = {Fraction(1): 9, Fraction(1, 2): 4}
    assert armijo(told.get, 0, Fraction(1), 9, Fraction(-9))[2] == 2


def test_no_step_is_shorter_than_the_eleventh():
    tried = []

    def never_less(x):
        tried.append(x)
        return 10

    with pytest.raises(UndecidedError, match="eleven"):
        armijo(never_less, 0, Fraction(1), 9, Fraction(-1))
    assert tried == [Fraction(1, 2**k) for k in range(11)]


@pytest.mark.parametrize("promised", [0, 1])
def test_a_direction_that_does_not_point_downhill_is_refused(promised):
    with pytest.raises(UndecidedError, match="downhill"):
        armijo(square, 3, Fraction(-6), 9, promised)


class Unordered(Fraction):
    """A number that, like two balls that overlap, is neither below nor above any other."""

    __le__ = __gt__ = __ge__ = __lt__ = lambda self, other: False


def test_balls_that_overlap_are_not_compared():
    with pytest.raises(UndecidedError, match="cannot be decided"):
        armijo(lambda x: Unordered(0), 3, Fraction(-6), 9, Fraction(-36))
