"""The diagnosis of a missing factor: whether one list of numbers is a constant times another, and which."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from refms.linear.vectors import power_of_two

_EXPONENTS = (1, 2, 3, 4, -1, -2, -3, -4)
_NEAR = 1e-5  # relative distance at which a name fits; single precision knows no better


def constant_factor(got: Sequence[complex], expected: Sequence[complex], tolerance: float) -> float | None:
    """Return the real c of least squares if got = c · expected within ``tolerance``, relative to the larger.

    Two pairs are needed to tell a factor from an accident; a c as near to 1 is none.

    >>> constant_factor([0.5, -1.0], [2.0, -4.0], 1e-6)
    0.25
    """
    unit = power_of_two(max(map(abs, (*got, *expected)), default=0.0))  # so that no square overflows
    got, expected = [g / unit for g in got], [e / unit for e in expected]
    square = sum(abs(e) ** 2 for e in expected)
    if len(got) < 2 or not square > 0:
        return None
    c = sum((g * complex(e).conjugate()).real for g, e in zip(got, expected, strict=True)) / square
    misfit = sum(abs(g - c * e) ** 2 for g, e in zip(got, expected, strict=True)) ** 0.5
    size = sum(abs(g) ** 2 for g in got) ** 0.5
    return c if misfit <= tolerance * size and abs(c - 1) > tolerance else None


def name_factor(c: float, lengths: Mapping[str, float]) -> str:
    """Return a factor with its likeliest name: a power of a named quantity first, then a power of two.

    >>> name_factor(0.25, {"h": 0.5})
    '0.25 = h^2'
    >>> name_factor(-8.0, {}), name_factor(1 + 1e-10, {})
    ('-8 = -2^3', '1 + 1e-10')
    """
    if 0 < abs(c - 1) < 1e-5:
        return f"1 + {c - 1:.3g}"
    logarithms = {
        (name if exponent == 1 else f"{name}^{exponent}"): exponent * math.log(value)
        for exponent in _EXPONENTS
        for name, value in lengths.items()
        if 0 < value < math.inf and value != 1
    }
    logarithms.update({f"2^{k}": k * math.log(2.0) for k in sorted(range(-16, 17), key=abs) if k})
    for name, logarithm in logarithms.items():
        if 0 < abs(c) < math.inf and abs(math.log(abs(c)) - logarithm) <= _NEAR:
            return f"{c:.6g} = {'-' if c < 0 else ''}{name}"
    return f"{c:.6g}"
