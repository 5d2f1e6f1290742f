"""Armijo's rule in fractions: the first step that gains enough, and nothing that is not proved."""

from __future__ import annotations

from fractions import Fraction

import pytest

from refms.certify.formulas.line_search import UndecidedError, armijo


def parabola(alpha):
    """From 3 along -6 on x^2: f goes 9, 9 (α = 1), 0 (α = 1/2), 9/4 (α = 1/4)."""
    x = 3 - 6 * alpha
    return x, x * x


@pytest.mark.parametrize(
    ("c_1", "alpha"),
    [(Fraction(1, 10), Fraction(1, 2)), (Fraction(1, 2), Fraction(1, 2)), (Fraction(3, 5), Fraction(1, 4))],
)
def test_the_step_is_the_first_that_gains_its_share(c_1, alpha):
    place, value, found = armijo(parabola, 9, c_1 * -36)
    assert (found, place, value) == (alpha, *parabola(alpha))


def test_the_share_of_half_a_step_is_half():
    """f(1/2) = 4 is below 9 + c₁ (1/2) gᵀp = 4.5, and not below 9 + c₁ gᵀp = 0."""
    told = {Fraction(1): 9, Fraction(1, 2): 4}
    assert armijo(lambda alpha: (alpha, told[alpha]), 9, -9)[2] == Fraction(1, 2)


def test_no_step_is_shorter_than_the_eleventh():
    tried = []

    def moved(alpha):
        tried.append(alpha)
        return alpha, 10

    with pytest.raises(UndecidedError, match="eleven"):
        armijo(moved, 9, -1)
    assert tried == [Fraction(1, 2**k) for k in range(11)]


@pytest.mark.parametrize("promised", [0, 1])
def test_a_direction_that_does_not_point_downhill_is_refused(promised):
    with pytest.raises(UndecidedError, match="downhill"):
        armijo(parabola, 9, promised)
