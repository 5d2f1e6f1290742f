"""What is timed: forward, gradient, Gauss–Newton product, and one Gauss–Newton step, on any engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.agreement import require, rho
from benchmarks.cases import Problem
from refms.optimize import Objective, conjugate_gradients

OPERATIONS = ("forward", "gradient", "product", "step")
CG_ITERATIONS = 20
MODEL_TOLERANCE = {"float64": 1e-6, "float32": 1e-2}
"""How far the decrease of the quadratic model in 20 CG iterations may deviate, as a share of it."""


def objective(engine: Any, problem: Problem) -> Objective:
    """Return an engine's objective in the propagation parameters."""
    return engine.block("propagation", problem.model.blocks, 1)


def step(risk: Objective, x: Any) -> Any:
    """Return the direction of one Gauss–Newton step: gradient, linearisation, and 20 CG iterations."""
    gradient = risk.value_and_gradient(x)[1]
    return conjugate_gradients(risk.curvature(x), -gradient, tolerance=0.0, max_iterations=CG_ITERATIONS).x


def call(operation: str, risk: Objective, problem: Problem) -> Callable[[], Any]:
    """Return an operation without arguments; for ``product`` the linearisation is made here, once.

    Parameters
    ----------
    operation : str
        One of ``OPERATIONS``.
    risk : Objective
        An engine's objective.
    problem : Problem
        Gives the point and the direction.

    Returns
    -------
    callable
        Returns a number (forward), a vector, or value and gradient.
    """
    x = problem.model.blocks["propagation"]
    if operation == "forward":
        return lambda: risk.value(x)
    if operation == "gradient":
        return lambda: risk.value_and_gradient(x)
    if operation == "product":
        product, v = risk.curvature(x), problem.direction(x.size)
        return lambda: product(v)
    return lambda: step(risk, x)


class Reference:
    """Results of refms in double precision on the numbers of a case.

    Parameters
    ----------
    problem : Problem
        In the precision that is measured.
    """

    def __init__(self, problem: Problem) -> None:
        double = problem.in_double()
        self.case = problem.case
        self.risk = objective(double.control, double)
        self.x = double.model.blocks["propagation"]
        self.product = self.risk.curvature(self.x)
        self.value, self.gradient = self.risk.value_and_gradient(self.x)
        self.direction_product = self.product(double.direction(self.x.size))
        self._decrease: float | None = None

    def require_same(self, operation: str, result: Any, who: str) -> float:
        """Return how far a result is from the reference.

        Parameters
        ----------
        operation : str
            One of ``OPERATIONS``.
        result : object
            What the operation returned.
        who : str
            Name of the engine.

        Returns
        -------
        float
            ρ; for a step the relative deviation of the decrease of the quadratic model.

        Raises
        ------
        DisagreementError
            If that is too far.
        """
        terms, dtype = self.case.examples * self.case.n**2, self.case.dtype
        if operation == "step":
            deviation = abs(self.decrease(result) / self._reference_decrease() - 1)
            return require(f"{who}: {operation}", float(f"{deviation:.2g}"), MODEL_TOLERANCE[dtype])
        pairs = {
            "forward": [(result, self.value)],
            "gradient": list(zip(result, (self.value, self.gradient), strict=True))
            if operation == "gradient"
            else [],
            "product": [(result, self.direction_product)],
        }
        found = max(rho(got, expected, dtype, terms) for got, expected in pairs[operation])
        return require(f"{who}: {operation}", found)

    def decrease(self, direction: Any) -> float:
        """Return how much a direction lowers the quadratic model at x, computed in double precision."""
        p = np.asarray(direction, dtype="float64")
        return float(-self.gradient @ p - 0.5 * p @ self.product(p))

    def _reference_decrease(self) -> float:
        if self._decrease is None:
            self._decrease = self.decrease(step(self.risk, self.x))
        return self._decrease
