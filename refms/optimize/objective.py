"""What an optimiser may ask of a function: its value, its gradient and its curvature at a point."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from refms.errors import Array
from refms.linear.product import Product


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


def preconditioner_of(objective: Objective, x: Array, curvature: Product) -> Product | None:
    """Return the objective's preconditioner at x, or None if it has none.

    Parameters
    ----------
    objective : Objective
        With or without a method ``preconditioner``.
    x : array
        Shape (size,), float32 or float64.
    curvature : callable
        v -> H(x) v.

    Returns
    -------
    callable or None
        r -> M⁻¹ r.
    """
    build = getattr(objective, "preconditioner", None)
    return None if build is None else build(x, curvature)


def work_units_of(objective: Objective) -> float:
    """Return the reading of the objective's work counter, 0.0 if it has none.

    Parameters
    ----------
    objective : Objective
        With or without an attribute ``work_units``.

    Returns
    -------
    float
        Work units spent so far; the objective defines the unit.
    """
    return float(getattr(objective, "work_units", 0.0))
