"""The only door to python-flint: balls of Arb from doubles, and intervals of fractions from balls."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from refms.definition.arrays import Number
from refms.errors import Array, required

Balls = Any
"""An object array of ``flint.arb``."""


def balls(array: Array) -> Balls:
    """Return finite doubles as balls of radius zero, an object array of the same shape."""
    arb = _flint().arb
    return np.vectorize(lambda entry: arb(float(entry)), otypes=[object])(array)


def exact_pi() -> Number:
    """Return π as a ball."""
    return _flint().arb.pi()


def interval(ball: Number) -> tuple[Fraction, Fraction]:
    """Return the ends of a ball, an integer or a fraction, exactly; equal if the number is known exactly.

    An ArithmeticError says that a ball is not finite: its computation lost all digits.
    """
    if isinstance(ball, int | Fraction):
        return Fraction(ball), Fraction(ball)
    if not ball.is_finite():
        raise ArithmeticError("a ball is infinitely wide.")
    middle, radius = _dyadic(ball.mid()), _dyadic(ball.rad())
    return middle - radius, middle + radius


@contextlib.contextmanager
def working_precision(bits: int) -> Iterator[None]:
    """Let balls be computed with midpoints of that many bits, here and not elsewhere."""
    context = _flint().ctx
    before = context.prec
    context.prec = bits
    try:
        yield
    finally:
        context.prec = before


def _dyadic(exact: Any) -> Fraction:
    mantissa, exponent = map(int, exact.man_exp())
    return Fraction(mantissa * 2**exponent) if exponent >= 0 else Fraction(mantissa, 2**-exponent)


def _flint() -> Any:
    return required(
        "flint",
        "certified goldens are computed in ball arithmetic, for which python-flint is needed. Install it "
        "with: pip install 'refms[certify]'",
    )
