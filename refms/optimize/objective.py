"""What an optimiser may ask of a function: its value, its gradient and its curvature at a point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from refms.errors import Array
from refms.linear.product import Product
from refms.linear.vectors import called, require_like


@runtime_checkable
class Objective(Protocol):
    """A function f of one flat real vector x of shape (size,), dtype float32 or float64.

    Two further attributes are used where an objective has them:

    * ``preconditioner(x, curvature)`` returns a symmetric positive definite product r -> M⁻¹ r, or None, for
      the product that ``curvature(x)`` returned;
    * ``work_units`` is a number that counts the work spent; histories record its reading after each step.
    """

    def value(self, x: Array) -> float:
        """Return f(x); a non-finite value is allowed and makes a line search shrink the step."""

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Return f(x) and ∇f(x), a new vector of the shape and dtype of x."""

    def curvature(self, x: Array) -> Product:
        """Return v -> H(x) v, with H the Hessian or the Gauss–Newton matrix, linearised once, here.

        The product may run on a subsample of the data; it must stay the same map between two calls.
        """


class BlockProblem(Protocol):
    """A function of several blocks of parameters, each one flat vector under a name."""

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int) -> Objective:
        """Return the objective in the named block, the others frozen at the given values (to be read only).

        Iterations are counted from 1; a seed for the sample of the Hessian may be drawn from the number.
        """


def value_at(objective: Objective, x: Array) -> float:
    """Return f(x); an objective that changes x is refused, here and below."""
    return float(called(objective.value, x, "value"))


def gradient_at(objective: Objective, x: Array) -> tuple[float, Array]:
    """Return f(x) and ∇f(x), an array of our own."""
    f, gradient = called(objective.value_and_gradient, x, "value_and_gradient")
    return float(f), require_like(gradient, x, "value_and_gradient").copy()


def curvature_at(objective: Objective, x: Array) -> tuple[Product, Product | None]:
    """Return v -> H(x) v and the objective's r -> M⁻¹ r for it, None if it has none."""
    product: Product = called(objective.curvature, x, "curvature")
    build = getattr(objective, "preconditioner", None)
    return product, None if build is None else called(lambda y: build(y, product), x, "preconditioner")


def work_units_of(objective: Objective) -> float:
    """Return the reading of the objective's work counter, 0.0 if it has none."""
    return float(getattr(objective, "work_units", 0.0))
