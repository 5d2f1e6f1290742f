"""How much time and how many checks a reproduction may take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Patience:
    """Most checks on smaller instances and most calls with simpler arrays, and seconds for each of both."""

    checks: int = 200
    seconds: float = 5.0


@dataclass
class Allowance:
    """What is left of the patience; every attempt is asked for.

    >>> left = Allowance(Patience(checks=1))
    >>> left.another(), left.another()
    (True, False)
    """

    patience: Patience
    attempts: int = 0
    start: float = field(default_factory=time.monotonic)

    def another(self) -> bool:
        """Return whether one more attempt may be made, and count it."""
        self.attempts += 1
        within_time = time.monotonic() - self.start < self.patience.seconds
        return self.attempts <= self.patience.checks and within_time
