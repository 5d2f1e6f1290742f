"""How much time and how many checks a reproduction may take."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

Allowance = Callable[[], bool]
"""Whether one more attempt may be made; every attempt asks, and is counted."""


@dataclass(frozen=True)
class Patience:
    """Most checks on smaller instances and most calls with simpler arrays, and seconds for each of both."""

    checks: int = 200
    seconds: float = 5.0


def allowance(patience: Patience) -> Allowance:
    """Return what is left of the patience."""
    attempts, end = itertools.count(1), time.monotonic() + patience.seconds
    return lambda: next(attempts) <= patience.checks and time.monotonic() < end
