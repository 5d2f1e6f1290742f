"""The slope of a remainder in a log-log table, fitted over the octaves above the round-off floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from refms.checks.report import Verdict
from refms.display import short_repr

OCTAVES = 12
"""Octaves that a window must span before its slope can pass."""

SAFETY = 4.0
"""Floors that a remainder must exceed to be used; noise then moves its logarithm by less than 0.5 octaves."""

_CLEAR, _DOUBTFUL, _BENT = 0.1, 0.3, 0.5  # slope missing from the expected one: PASS, MARGINAL, at the end
_TAIL = 5  # points of the end of the window; also the fewest through which a line says something


@dataclass(frozen=True)
class TaylorOrder:
    """The rate of one remainder.

    Parameters
    ----------
    order : int
        Order p of the remainder; its expected slope is p + 1.
    slope : float or None
        Fitted slope of log ‖R_p‖ over log t; None if too few points lie above the floor.
    tail : float or None
        The same over the last 4 octaves above the floor, where a wrong lower order shows first.
    window : tuple of (float, float) or None
        Largest and smallest step of the fit.
    octaves : int
        Octaves in the window.
    exact : bool
        Whether the remainder is round-off at every step: F is a polynomial of degree p along v.
    verdict : str
        ``"PASS"``, ``"MARGINAL"`` or ``"FAIL"``.
    """

    order: int
    slope: float | None
    tail: float | None
    window: tuple[float, float] | None
    octaves: int
    exact: bool
    verdict: Verdict

    __repr__ = short_repr

    def describe(self) -> str:
        """Return the clause of this order for the report's sentence."""
        name = f"order {self.order}"
        if self.exact:
            degree = ("constant", "linear", "quadratic")[self.order]
            return f"{name}: round-off at every step, F is exactly {degree} along v"
        if self.slope is None or self.tail is None:
            return f"{name}: too few steps above the round-off floor to fit a slope"
        clause = f"{name}: slope {self.slope:.2f} over {self.octaves} octaves"
        if self.verdict == "FAIL":
            return f"{clause}, {self.tail:.2f} at the smallest steps, instead of {self.order + 1}"
        if self.verdict == "MARGINAL":
            wanted = f"but {OCTAVES} of slope {self.order + 1} are needed"
            return f"{clause}, {wanted}: evaluate in double precision or change largest_step"
        return clause


def fit_order(
    order: int, steps: Sequence[float], remainders: Sequence[float], floors: Sequence[float]
) -> TaylorOrder:
    """Fit the slope of log ‖R_p‖, expected to be p + 1, to steps each half of the one before, and judge it.

    Usable are the points above 4 floors. The window ends at the smallest usable step and begins where
    the line is straightest, 12 octaves or more before. A window that is shorter because the remainder falls
    faster than expected counts as long as it falls as far as 12 octaves of the expected slope would.

    PASS needs a slope of p + 0.9 over the window, or of p + 0.7 if its last 4 octaves have p + 0.9: then what
    bends the line before them are higher orders, not a wrong lower one. FAIL is a slope below p + 0.5 over
    the last 4 octaves, or below p + 0.7 over the window and p + 0.9 over the last 4. All else, fewer than
    12 octaves or 5 usable points too, is MARGINAL.

    >>> t = [2.0**-k for k in range(20)]
    >>> fit_order(1, t, [s * s for s in t], [1e-16] * 20).slope
    2.0
    """
    expected = order + 1
    usable = [k for k, (r, f) in enumerate(zip(remainders, floors, strict=True)) if r > SAFETY * f and r > 0]
    if not usable:
        return TaylorOrder(order, None, None, None, 0, True, "PASS")
    if len(usable) < _TAIL:
        return TaylorOrder(order, None, None, None, 0, False, "MARGINAL")
    last = usable[-1]
    starts = [k for k in usable if last - k >= OCTAVES] or [usable[0]]
    fits = [_line([k for k in usable if k >= start], steps, remainders) for start in starts]
    best = min(range(len(fits)), key=lambda i: fits[i][1])
    slope, start = fits[best][0], starts[best]
    tail, _ = _line(usable[-_TAIL:], steps, remainders)
    octaves = last - start
    enough = octaves >= OCTAVES or (slope > expected + _CLEAR and octaves * slope >= OCTAVES * expected)
    outcome = _judge(slope - expected, tail - expected, enough)
    return TaylorOrder(order, slope, tail, (steps[start], steps[last]), octaves, False, outcome)


def _judge(window: float, tail: float, enough: bool) -> Verdict:
    """Judge how far the slopes over the window and over its last octaves are from the expected one."""
    bent_by_higher_orders = tail >= -_CLEAR
    if tail < -_BENT or (window < -_DOUBTFUL and not bent_by_higher_orders):
        return "FAIL"
    clear = window >= -_CLEAR or (window >= -_DOUBTFUL and bent_by_higher_orders)
    return "PASS" if clear and enough else "MARGINAL"


def _line(points: Sequence[int], steps: Sequence[float], remainders: Sequence[float]) -> tuple[float, float]:
    """Return slope and root mean square deviation of the straight line through some points."""
    t = np.log2([steps[k] for k in points])
    r = np.log2([remainders[k] for k in points])
    t, r = t - t.mean(), r - r.mean()
    slope = float(t @ r / (t @ t))
    return slope, float(np.sqrt(np.mean((r - slope * t) ** 2)))
