"""What is timed: forward, gradient, Gauss–Newton product, and one Gauss–Newton step, on any engine."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.agreement import require, rho
from benchmarks.cases import Problem
from refms.optimize import Objective, conjugate_gradients

OPERATIONS = ("forward", "gradient", "product", "joint", "step")
"""``joint`` is a product with the matrix of all unknowns, those of the classifier included."""

CG_ITERATIONS = 20
MODEL_TOLERANCE = {"float64": 1e-6, "float32": 1e-2}
"""How far the decrease of the quadratic model in 20 CG iterations may deviate, as a share of it."""


def objective(engine: Any, problem: Problem, operation: str = "product") -> Objective:
    """Return an engine's objective in θ, or in all; NotImplementedError if it has no joint block."""
    return engine.block(_block(operation), problem.model.blocks, 1)


def point(problem: Problem, operation: str = "product") -> Any:
    """Return where an operation is done: the problem's parameters as one vector."""
    blocks = problem.model.blocks
    return np.concatenate([blocks[name] for name in BLOCKS[_block(operation)]])


BLOCKS = {"propagation": ("propagation",), "joint": ("propagation", "classifier")}


def _block(operation: str) -> str:
    return "joint" if operation == "joint" else "propagation"


def step(risk: Objective, x: Any, iterations: int = CG_ITERATIONS) -> Any:
    """Return the direction of one Gauss–Newton step: gradient, linearisation, and CG iterations."""
    gradient = risk.value_and_gradient(x)[1]
    return conjugate_gradients(risk.curvature(x), -gradient, tolerance=0.0, max_iterations=iterations).x


def call(
    operation: str, risk: Objective, problem: Problem, iterations: int = CG_ITERATIONS
) -> Callable[[], Any]:
    """Return an operation without arguments; for ``product`` the linearisation is made here, once."""
    x = point(problem, operation)
    if operation == "forward":
        return lambda: risk.value(x)
    if operation == "gradient":
        return lambda: risk.value_and_gradient(x)
    if operation in ("product", "joint"):
        product, v = risk.curvature(x), problem.direction(x.size)
        return lambda: product(v)
    return lambda: step(risk, x, iterations)


class Reference:
    """Results of refms in double precision on the numbers of a case, each computed when first needed."""

    def __init__(self, problem: Problem, iterations: int = CG_ITERATIONS) -> None:
        self.problem = problem.in_double()
        self.case, self.iterations = problem.case, iterations
        self.expected: dict[str, Any] = {}

    def require_same(self, operation: str, result: Any, who: str) -> float:
        """Return ρ of a result, of a step how far the decrease deviates; raise if that is too large."""
        if operation not in self.expected:
            self.expected[operation] = self._result(operation)
        expected, dtype, what = self.expected[operation], self.case.dtype, f"{who}: {operation}"
        if operation == "step":
            deviation = abs(self._decrease(result) / self._decrease(expected) - 1)
            return require(what, float(f"{deviation:.2g}"), MODEL_TOLERANCE[dtype])
        terms = self.case.examples * self.case.n**2
        pairs = zip(result, expected, strict=True) if operation == "gradient" else [(result, expected)]
        return require(what, max(rho(got, want, dtype, terms) for got, want in pairs))

    def _result(self, operation: str) -> Any:
        risk = objective(self.problem.control, self.problem, operation)
        return call(operation, risk, self.problem, self.iterations)()

    def _decrease(self, direction: Any) -> float:
        """Return how much a direction lowers the quadratic model at the point, in double precision."""
        if "model" not in self.expected:
            risk, x = objective(self.problem.control, self.problem), point(self.problem)
            self.expected["model"] = risk.value_and_gradient(x)[1], risk.curvature(x)
        gradient, product = self.expected["model"]
        p = np.asarray(direction, dtype="float64")
        return float(-gradient @ p - 0.5 * p @ product(p))
