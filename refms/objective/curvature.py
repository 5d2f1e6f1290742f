"""Second derivatives of the loss of a batch: the Gauss–Newton matrix, or the full Hessian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from refms.display import short_repr
from refms.errors import Array
from refms.linear.product import Product
from refms.maps.map import At, second_of
from refms.objective.losses import LossEvaluation
from refms.objective.losses.loss import positive_product


@dataclass(frozen=True, eq=False)
class Curvature:
    """A kind of curvature, and what it costs.

    Parameters
    ----------
    product : callable
        (map at a batch, loss there) -> v ↦ A v, everything that does not depend on v done before.
    linearization_passes, product_passes : int
        Work of both, in forward passes.
    stored_factor : int
        What is kept, in multiples of ``Map.stored``.
    """

    product: Callable[[At, LossEvaluation], Product]
    linearization_passes: int
    product_passes: int
    stored_factor: int

    __repr__ = short_repr


def gauss_newton_product(F: At, loss: LossEvaluation) -> Product:
    """Return v ↦ Jᵀ ∇²E J v, with a positive semidefinite curvature of the loss where it is not convex."""
    curved = positive_product(loss)

    def product(v: Array) -> Array:
        return F.vjp(curved(F.jvp(v)), wrt_input=False)[0]

    return product


def hessian_product(F: At, loss: LossEvaluation) -> Product:
    """Return v ↦ Jᵀ ∇²E J v + D(Jᵀ)[v] ∇E, the second derivative of E ∘ F.

    With ∇(E ∘ F) = J(x)ᵀ ∇E(F(x)), the derivative along v has one term for each factor: ∇E changes by
    ∇²E J v, and Jᵀ by D(Jᵀ)[v], which meets the ∇E at x. The map's adjoint is linearised at that ∇E, once.
    """
    along, _ = second_of(F)(loss.gradient, wrt_input=False)

    def product(v: Array) -> Array:
        tangent = along(v)
        return tangent.vjp(loss.hessian_product(tangent.output), wrt_input=False)[0]

    return product


GAUSS_NEWTON = Curvature(gauss_newton_product, linearization_passes=1, product_passes=3, stored_factor=1)
"""Forward pass; product with J, and twice that for its transpose."""

HESSIAN = Curvature(hessian_product, linearization_passes=3, product_passes=5, stored_factor=2)
"""Forward pass, pre-activations again and adjoint; J, and the derivatives of the transpose's two products."""
