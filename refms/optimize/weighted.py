"""A weighted sum of objectives, such as the loss on several meshes: Σ_i w_i f_i."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from refms.display import short_repr
from refms.errors import Array, InputError
from refms.linear.product import Operator
from refms.optimize.objective import Objective, work_units_of


def one_after_the_other(objectives: Sequence[Objective], x: Array) -> list[tuple[float, Array]]:
    """Return f(x) and ∇f(x) of each."""
    return [f.value_and_gradient(x) for f in objectives]


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """f = Σ_i w_i f_i of objectives of the same vector.

    Parameters
    ----------
    terms : sequence of (float or array, Objective)
        Weights, of either sign, and objectives. A weight may be an array of the shape of x, such as one
        number for each block of parameters: it multiplies the gradient entry by entry, its mean the value.
    all_of : callable
        (objectives, x) -> value and gradient of each: how the terms come to run at the same time.

    Raises
    ------
    InputError
        If there is no term, or no weight is positive.

    Notes
    -----
    Value and gradient are the sums. A difference of losses is not convex where the losses are, so its
    ``curvature`` is that of the terms with positive weights alone, Σ_{w_i > 0} w_i G_i, positive
    semidefinite, but larger than that of f.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> f = SimpleNamespace(value_and_gradient=lambda x: (float(x @ x), 2 * x))
    >>> WeightedSum(((1.0, f), (-0.5, f))).value_and_gradient(np.ones(1))
    (0.5, array([1.]))
    """

    terms: Sequence[tuple[float | Array, Objective]]
    all_of: Callable[[Sequence[Any], Array], Sequence[tuple[float, Array]]] = one_after_the_other

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if not any(_number(weight) > 0 for weight, _ in self.terms):
            raise InputError("a weighted sum needs a term with a positive weight.")

    @property
    def work_units(self) -> float:
        """Largest reading of the terms' counters, which are usually one."""
        return max(work_units_of(f) for _, f in self.terms)

    def value(self, x: Array) -> float:
        """Return Σ w_i f_i(x)."""
        return sum(_number(weight) * f.value(x) for weight, f in self.terms)

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Return Σ w_i f_i(x) and Σ w_i ∇f_i(x)."""
        found = self.all_of([f for _, f in self.terms], x)
        weights = [weight for weight, _ in self.terms]
        value = sum(_number(weight) * f for weight, (f, _) in zip(weights, found, strict=True))
        gradient = weights[0] * found[0][1]
        for weight, (_, g) in zip(weights[1:], found[1:], strict=True):
            gradient += weight * g
        return value, gradient

    def curvature(self, x: Array) -> Operator:
        """Return Σ_{w_i > 0} w_i G_i."""
        numbers = [(_number(weight), f) for weight, f in self.terms]
        products = [(weight, f.curvature(x)) for weight, f in numbers if weight > 0]

        def product(v: Array) -> Array:
            total = products[0][0] * products[0][1](v)
            for weight, G in products[1:]:
                total += weight * G(v)
            return total

        return Operator.symmetric(product, x)


def _number(weight: float | Array) -> float:
    """Return a weight, or the mean of one that differs from block to block."""
    return float(weight.mean()) if hasattr(weight, "mean") else float(weight)
