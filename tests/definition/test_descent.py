"""The iteration of the formulas on a function that is told point by point, in fractions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from refms.definition.descent import SUFFICIENT_DECREASE, iterate

C1 = SUFFICIENT_DECREASE


def vector(numbers):
    return np.array(numbers, dtype=object)


@dataclass(frozen=True)
class Told:
    """A function of θ and ω that is `table[θ]` + (ω - 3)²/2; slope -1 and curvature 1 in θ at 0."""

    table: dict
    theta: object = None
    omega: object = None

    @property
    def problem(self):
        return self

    def at(self, theta, omega):
        return replace(self, theta=theta, omega=omega)

    with_omega = property(lambda self: lambda omega: self.at(self.theta, omega))

    def value(self):
        return self.table[self.theta[0]] + (self.omega[0] - 3) ** 2 / 2

    def gradient(self):
        return vector([Fraction(-1)]), self.omega_gradient()

    def omega_gradient(self):
        return self.omega - 3

    def propagation_product(self, v):
        return v

    classifier_product = propagation_product


def run(table):
    zero = vector([Fraction(0)])
    return iterate(Told(table), zero, zero, 1, (1, 1))


def test_the_first_step_with_enough_decrease_is_taken():
    half = Fraction(1, 2)
    found = run({0: Fraction(5), 1: 5 - C1 + Fraction(1, 10**9), half: 5 - C1 / 2})
    assert found.step_lengths == [half, 1]
    assert (found.theta[0], found.omega[0]) == (half, 3)
    assert found.objectives == [5 + Fraction(9, 2), 5 - C1 / 2 + Fraction(9, 2), 5 - C1 / 2]


def test_the_full_step_is_taken_where_it_decreases_just_enough():
    assert run({0: Fraction(5), 1: 5 - C1}).step_lengths == [1, 1]
