"""Armijo's rule with backtracking, every comparison of which is a proof."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

from refms.certify.formulas.tensor import Number

Place = TypeVar("Place")

MOST_HALVINGS = 10
"""How often a step may be halved."""


class UndecidedError(ArithmeticError):
    """Two balls that had to be compared overlap: more bits are needed."""


def armijo(
    moved: Callable[[Fraction], tuple[Place, Number]], before: Number, promised: Number
) -> tuple[Place, Number, Fraction]:
    """Return the first place with f(x + αp) <= f(x) + c₁ α gᵀp for α = 1, 1/2, 1/4, …, its f and its α.

    Parameters
    ----------
    moved : callable
        α -> the place x + αp and its f.
    before : number
        f(x).
    promised : number
        c₁ gᵀp, negative: what a full step has to gain.

    Returns
    -------
    tuple
        As said.

    Raises
    ------
    UndecidedError
        If p cannot be shown to point downhill, a comparison cannot be decided, or no step is short enough.

    Examples
    --------
    >>> armijo(lambda a: (3 - 6 * a, (3 - 6 * a) ** 2), 9, Fraction(-36, 10000))
    (Fraction(0, 1), Fraction(0, 1), Fraction(1, 2))
    """
    if not promised < 0:
        raise UndecidedError("the direction cannot be shown to point downhill.")
    for halvings in range(MOST_HALVINGS + 1):
        alpha = Fraction(1, 2**halvings)
        place, after = moved(alpha)
        bound = before + promised / alpha.denominator
        if after <= bound:
            return place, after, alpha
        if not after > bound:
            raise UndecidedError("Armijo's rule cannot be decided.")
    raise UndecidedError("no step of eleven fulfils Armijo's rule.")
