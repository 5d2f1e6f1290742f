"""Armijo's rule, f(x + αp) <= f(x) + c₁ α gᵀp, with halving; every comparison is a proof."""

from __future__ import annotations

from collections.abc import Callable

from refms.definition.arrays import Array, Number

MOST_HALVINGS = 10
"""How often a step may be halved."""


class UndecidedError(ArithmeticError):
    """Two balls that had to be compared overlap: more bits are needed."""


def armijo(
    f: Callable[[Array], Number], x: Array, p: Array, before: Number, promised: Number
) -> tuple[Array, Number, int]:
    """Return the first x + p/k, k = 1, 2, 4, …, with f <= before + promised/k, its f and its k.

    ``promised`` is c₁ gᵀp, negative: what a full step has to gain.

    >>> from fractions import Fraction
    >>> armijo(lambda x: x**2, 3, Fraction(-6), 9, Fraction(-36, 10000))
    (Fraction(0, 1), Fraction(0, 1), 2)
    """
    if not promised < 0:
        raise UndecidedError("the direction cannot be shown to point downhill.")
    for k in (2**halvings for halvings in range(MOST_HALVINGS + 1)):
        there = x + p / k
        after, bound = f(there), before + promised / k
        if after <= bound:
            return there, after, k
        if not after > bound:
            raise UndecidedError("Armijo's rule cannot be decided.")
    raise UndecidedError("no step of eleven fulfils Armijo's rule.")
