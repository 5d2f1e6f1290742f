"""The options of a step, and how those out of range are refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from refms.errors import InputError, require_whole_fields


def require_option(options: Any, name: str, holds: bool, expected: str) -> None:
    """Refuse an option, an attribute of the given object, that is not as expected."""
    if not holds:
        raise InputError(f"{name} is {getattr(options, name)}; expected {expected}.")


@dataclass(frozen=True)
class StepOptions:
    """How exactly the direction is solved for, and how far a step may go.

    Parameters
    ----------
    cg_tolerance, cg_iterations : float, int
        Relative residual at which conjugate gradients stop, and their largest number of iterations.
    sufficient_decrease : float
        c₁ of Armijo's rule.
    max_backtracks : int
        How often the step may be halved.
    max_step : float or None
        Bound on the max-norm of the step; None sets no bound.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from refms.optimize import StepOptions
    >>> StepOptions(cg_iterations=10).cg_tolerance
    0.01
    """

    cg_tolerance: float = 1e-2
    cg_iterations: int = 20
    sufficient_decrease: float = 1e-4
    max_backtracks: int = 10
    max_step: float | None = None

    def __post_init__(self) -> None:
        require_option(
            self, "cg_tolerance", 0.0 <= self.cg_tolerance < 1.0, "0 or more and below 1, such as 1e-2"
        )
        require_whole_fields(self, cg_iterations=1, max_backtracks=0)
        in_range = 0.0 < self.sufficient_decrease < 1.0
        require_option(self, "sufficient_decrease", in_range, "between 0 and 1, such as 1e-4")
        bounded = self.max_step is None or self.max_step > 0.0
        require_option(self, "max_step", bounded, "a positive bound, or None for no bound")


DEFAULT_STEP = StepOptions()
"""The defaults."""
