"""The classical Runge–Kutta scheme of order 4: what forward Euler's network converges to as N grows."""

from __future__ import annotations

from collections.abc import Callable

from refms.definition.arrays import Array, Number


def runge_kutta(rate: Callable[[float, Array], Array], y: Array, T: Number, steps: int) -> Array:
    """Return y(T) of y' = rate(t/T, y), y(0) = y, by so many steps.

    >>> import math
    >>> abs(runge_kutta(lambda t, y: y, 1.0, 1.0, 32) - math.e) < 1e-7
    True
    """
    dt = T / steps
    for k in range(steps):
        first = rate(k / steps, y)
        second = rate((k + 0.5) / steps, y + dt / 2 * first)
        third = rate((k + 0.5) / steps, y + dt / 2 * second)
        fourth = rate((k + 1) / steps, y + dt * third)
        y = y + dt / 6 * (first + 2 * second + 2 * third + fourth)
    return y
