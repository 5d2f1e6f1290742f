"""Where to go: an inexact minimiser of the quadratic model m(p) = gᵀp + ½ pᵀHp."""

from __future__ import annotations

from dataclasses import dataclass

from refms.errors import Array
from refms.linear.cg import CGResult, conjugate_gradients
from refms.linear.product import Product
from refms.linear.vectors import add_scaled, dot


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction and what the quadratic model says of it."""

    p: Array  # shape (size,)
    slope: float  # gᵀp
    curvature: float  # pᵀHp, without the damping
    cg: CGResult  # how the direction was computed

    def predicted_decrease(self, alpha: float) -> float:
        """Return −m(αp) = −α gᵀp − ½ α² pᵀHp."""
        return -alpha * self.slope - 0.5 * alpha * alpha * self.curvature


def newton_direction(
    gradient: Array,
    product: Product,
    *,
    damping: float = 0.0,
    tolerance: float = 1e-2,
    max_iterations: int = 20,
    preconditioner: Product | None = None,
) -> Direction:
    """Solve (H + λI) p = −g by conjugate gradients, inexactly.

    With H the Hessian this is Newton's direction, with H the Gauss–Newton matrix that of Gauss and Newton,
    and with λ > 0 that of Levenberg and Marquardt.

    A descent direction; zero if the very first product is not finite. Conjugate gradients minimise
    q(p) = ½ pᵀ(H + λI)p + gᵀp, so pᵀHp = 2(q(p) − gᵀp) − λ pᵀp.

    >>> import numpy as np
    >>> newton_direction(np.array([2.0, 4.0]), lambda v: 2.0 * v).p.tolist()
    [-1.0, -2.0]
    """

    def shift(v: Array) -> Array:
        return add_scaled(product(v), damping, v)

    cg = conjugate_gradients(
        shift if damping else product,
        -gradient,
        tolerance=tolerance,
        max_iterations=max_iterations,
        preconditioner=preconditioner,
    )
    slope = dot(gradient, cg.x)
    curvature = 2.0 * (cg.model_values[-1] - slope) - damping * dot(cg.x, cg.x)
    return Direction(cg.x, slope, curvature, cg)
