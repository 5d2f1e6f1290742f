"""How much time and how many checks a reproduction may take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Patience:
    """The limits of one reproduction.

    Parameters
    ----------
    checks : int
        Most checks of the property on smaller instances, and most calls with simpler arrays.
    seconds : float
        Most seconds for each of both.

    Examples
    --------
    >>> Patience().checks
    200
    """

    checks: int = 200
    seconds: float = 5.0


@dataclass
class Allowance:
    """What is left of the patience; every attempt is asked for.

    Parameters
    ----------
    patience : Patience
        The limits.
    attempts : int
        Made so far.
    start : float
        When, by ``time.monotonic``.

    Examples
    --------
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
