"""When a stage of Full-Multiscale training ends by what its steps still gain, not by their number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from refms.errors import InputError, require_whole_fields


@dataclass(frozen=True)
class Switch:
    """Ends a stage where the loss fell too little from one window of iterations to the next.

    Parameters
    ----------
    window : int
        Iterations n ≥ 1 of a window.
    gain : float
        g ≥ 0: the stage ends after a window with L̄ > (1 − g) L̄', where L̄' and L̄ are the mean estimates of the
        loss in the window before and in this one. Below the relative standard deviation of L̄ noise decides.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    [MST] states the iterations of each stage. The work that a stage leaves goes to the last one, which never
    ends early, so that the work of the plan stays.

    Examples
    --------
    >>> Switch(2, 0.1).is_due([4.0, 4.0, 3.0, 3.0]), Switch(2, 0.1).is_due([4.0, 4.0, 4.0, 3.8])
    (False, True)
    """

    window: int
    gain: float = 0.03

    def __post_init__(self) -> None:
        require_whole_fields(self, window=1)
        if not 0 <= self.gain < 1:
            raise InputError(f"gain is {self.gain}; expected a number from 0 to below 1.")

    def is_due(self, losses: Sequence[float]) -> bool:
        """Return whether a stage with these estimates, the last two windows of them, ends now."""
        if len(losses) < 2 * self.window:
            return False
        before, after = math.fsum(losses[: self.window]), math.fsum(losses[self.window :])
        return after > (1.0 - self.gain) * before

    def kept(self, losses: Sequence[float], loss: float) -> tuple[float, ...]:
        """Return the estimates of the last two windows, the one that is being filled among them."""
        found = (*losses, loss)
        return found if len(found) <= 2 * self.window else found[self.window :]
