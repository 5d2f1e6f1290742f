"""The diagonal of the Gauss–Newton matrix as a preconditioner, estimated from products with random signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from refms.backend import backend_of
from refms.errors import Array
from refms.linear.probing import probed_diagonal

if TYPE_CHECKING:
    from refms.linear.product import Product
    from refms.objective.risk import EmpiricalRisk

LEAST = 0.1
"""Entries below this share of the mean are raised to it: few probes tell small ones badly."""


@dataclass(frozen=True)
class ProbedDiagonal:
    """M = Hutchinson's estimate of the diagonal of JᵀHJ + Q, for any block.

    Parameters
    ----------
    probes : int
        Curvature products that are spent on it.
    seed : int
        Of the probes.

    Examples
    --------
    >>> import numpy as np
    >>> G = np.diag([1.0, 2.0, 4.0])  # of a diagonal matrix the estimate is exact
    >>> solve = ProbedDiagonal()(None, np.zeros(3), lambda v: G @ v)
    >>> solve(np.ones(3)).tolist()
    [1.0, 0.5, 0.25]
    """

    probes: int = 8
    seed: int = 0

    def __call__(self, risk: EmpiricalRisk, x: Array, curvature: Product) -> Product | None:
        """Return r -> M⁻¹ r at x, or None where the mean of the diagonal is not positive."""
        xp = backend_of(x).xp
        diagonal = probed_diagonal(curvature, x, self.probes, self.seed)
        mean = diagonal.mean()
        if not bool(mean > 0):
            return None
        raised = xp.maximum(diagonal, LEAST * mean)
        return lambda r: r / raised
