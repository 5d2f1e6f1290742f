"""Support vector machines with a smoothed hinge, each class against the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from refms.errors import Array, require_positive
from refms.objective.losses.separable import SeparableEvaluation, sum_of_terms


@dataclass(frozen=True)
class SmoothHinge:
    """Mean over the examples of ℓ quadratically smoothed hinges, one class against the rest each, eq. (5).

    Parameters
    ----------
    smoothing : float
        ε > 0, the width in which the kink of the hinge is rounded.

    Raises
    ------
    InputError
        If ε is not positive and finite.

    Notes
    -----
    [LAS] names support vector machines among the classifiers of eq. (5). The hinge max(0, 1 − u) of the
    margin u = ±z is replaced by

        φ(u) = 0 for u ≥ 1,   (1 − u)²/(2ε) for 1 − ε ≤ u ≤ 1,   1 − u − ε/2 for u ≤ 1 − ε,

    which is convex, below the hinge, and nowhere further from it than ε/2. Per example with labels c in
    [0, 1] (one-hot or soft)

        E = Σ_i c_i φ(z_i) + (1 − c_i) φ(−z_i),   ∇E = c φ′(z) − (1 − c) φ′(−z),
        ∇²E = diag(c φ″(z) + (1 − c) φ″(−z)).

    φ is once continuously differentiable. φ″ is 1/ε inside the quadratic piece and 0 outside it; at both
    ends, where it jumps, 1/ε is taken, an element of Clarke's generalised Hessian (semismooth Newton).
    Complex steps are exact but at those two points, where φ is not analytic. ε = 2 is a quarter of the
    modified Huber loss of T. Zhang (2004) and has curvature for all margins from −1 to 1. For ε < 1 there is
    none at zero logits, where trainings begin: Newton's method then has no scale for its first step.

    Examples
    --------
    >>> import numpy as np
    >>> E = SmoothHinge(1.0).evaluate(np.array([[-1.0], [-1.0]]), np.array([[1.0], [0.0]]))
    >>> E.value, E.gradient.ravel().tolist(), E.hessian_diagonal.ravel().tolist()
    (1.5, [-1.0, 0.0], [0.0, 1.0])
    """

    smoothing: float = 2.0

    def __post_init__(self) -> None:
        require_positive(self.smoothing, "smoothing of the hinge")

    def evaluate(self, Z: Array, C: Array, count: int | None = None) -> SeparableEvaluation:
        """Return the loss, its gradient and its Hessian at the logits Z.

        Parameters and errors are those of :func:`~refms.objective.losses.separable.sum_of_terms`.
        """
        return sum_of_terms(self._terms, Z, C, count, least=0.0, most=1.0)

    def _terms(self, xp: Any, Z: Array, C: Array) -> tuple[Array, Array, Array]:
        value, slope, curvature = self._hinge(xp, Z)
        other, minus_slope, other_curvature = self._hinge(xp, -Z)
        rest = 1 - C
        return (
            C * xp.where(C != 0, value, 0) + rest * xp.where(rest != 0, other, 0),
            C * slope - rest * minus_slope,
            C * curvature + rest * other_curvature,
        )

    def _hinge(self, xp: Any, U: Array) -> tuple[Array, Array, Array]:
        """Return φ, φ′ and φ″ of the margins U."""
        width = self.smoothing
        lack = 1 - U
        rounded = xp.where(lack.real <= 0, 0, xp.where(lack.real >= width, width, lack))
        share = rounded / width
        inside = (lack.real >= 0) & (lack.real <= width)
        curvature = xp.where(lack.real == lack.real, inside, lack.real) / width  # NaN stays
        return share * (xp.where(share != 0, lack, 0) - rounded / 2), -share, curvature
