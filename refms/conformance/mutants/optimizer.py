"""Mistakes in conjugate gradients, line search, Newton step and block coordinate descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refms.conformance.mutants.mutant import Change, Shelf
from refms.conformance.operations import Parameters
from refms.errors import Array

shelf = Shelf("optimizer")

Product = Callable[[Array], Array]


def _cg(beta: Change, *, negative: bool = False, relaxed: float = 1.0, start: float = 0.0) -> Change:
    """Return conjugate gradients with an exchangeable β(new ‖r‖², old ‖r‖²)."""

    def solve(right: Any, product: Product, b: Array, iterations: int) -> Array:
        x, r = start * b, b.copy()
        p, rr = r.copy(), float(r @ r)
        for _ in range(iterations):
            Ap = product(p)
            curvature = float(p @ Ap)
            if rr < 1e-28 * float(b @ b) or (curvature <= 0 and not negative):
                break
            alpha = relaxed * rr / curvature
            x, r = x + alpha * p, r - alpha * Ap
            new = float(r @ r)
            p, rr = r + float(beta(new, rr)) * p, new
        return x

    return solve


def _backtracking(accepted: Callable[..., bool], factor: float = 0.5) -> Change:
    """Return a line search that accepts by (f(x+αp), f, α, c₁, slope)."""

    def search(
        right: Any, value: Change, x: Array, f: float, slope: float, p: Array, decrease: float
    ) -> float:
        alpha = 1.0
        while alpha > 1e-9 and not accepted(value(x + alpha * p), f, alpha, decrease, slope):
            alpha *= factor
        return alpha if alpha > 1e-9 else 0.0

    return search


class _Damped:
    """An objective with the identity added to its Hessian."""

    def __init__(self, objective: Any) -> None:
        self.value = objective.value
        self.value_and_gradient = objective.value_and_gradient
        self.objective = objective

    def curvature(self, x: Array) -> Product:
        """Return v -> (H + I) v."""
        product = self.objective.curvature(x)
        return lambda v: product(v) + v


def _along_gradient(right: Any, objective: Any, x: Array, iterations: int) -> Array:
    return x - objective.value_and_gradient(x)[1] / 4


def _leaking(right: Any, parameters: Parameters, X: Array, C: Array, problem: Any, block: str) -> Parameters:
    found = right.block_step(parameters, X, C, problem, block)
    other = "mu" if block == "propagation" else "biases"
    return {**found, other: np.nextafter(found[other], np.asarray(9, X.dtype))}


def _other_block(
    right: Any, parameters: Parameters, X: Array, C: Array, problem: Any, block: str
) -> Parameters:
    other = "classifier" if block == "propagation" else "propagation"
    found: Parameters = right.block_step(parameters, X, C, problem, other)
    return found


def _backwards(found: Parameters, parameters: Parameters, *rest: Any) -> Parameters:
    return {key: 2 * parameters[key] - found[key] for key in found}


OPTIMIZER = (
    shelf.replaced(
        "β of CG without the squares", conjugate_gradients=_cg(lambda new, old: (new / old) ** 0.5)
    ),
    shelf.replaced("β = 0 in CG, steepest descent", conjugate_gradients=_cg(lambda new, old: 0.0)),
    shelf.replaced("β = 1 in CG", conjugate_gradients=_cg(lambda new, old: 1.0)),
    shelf.replaced("sign of β in CG", conjugate_gradients=_cg(lambda new, old: -new / old)),
    shelf.replaced(
        "negative curvature ignored by CG",
        conjugate_gradients=_cg(lambda new, old: new / old, negative=True),
    ),
    shelf.replaced(
        "steps of CG too short by a tenth", conjugate_gradients=_cg(lambda new, old: new / old, relaxed=0.9)
    ),
    shelf.replaced(
        "CG starts at b with the residual of zero",
        conjugate_gradients=_cg(lambda new, old: new / old, start=1.0),
    ),
    shelf.replaced(
        "CG makes one iteration too many",
        conjugate_gradients=lambda right, product, b, k: right.conjugate_gradients(product, b, k + 1),
    ),
    shelf.replaced(
        "Armijo's bound without the step length",
        line_search=_backtracking(lambda new, f, alpha, c, slope: new <= f + c * slope),
    ),
    shelf.replaced(
        "any decrease accepted by the line search",
        line_search=_backtracking(lambda new, f, alpha, c, slope: new < f),
    ),
    shelf.replaced(
        "NaN accepted by the line search",
        line_search=_backtracking(lambda new, f, alpha, c, slope: not new > f + alpha * c * slope),
    ),
    shelf.replaced("the full step always accepted", line_search=lambda right, *given: 1.0),
    shelf.replaced(
        "sign of the slope in Armijo's bound",
        line_search=_backtracking(lambda new, f, alpha, c, slope: new <= f - alpha * c * slope),
    ),
    shelf.altered("line search halves once too often", line_search=lambda found, *given: found / 2),
    shelf.replaced("Newton step along −g", newton_step=_along_gradient),
    shelf.altered("Newton step uphill", newton_step=lambda found, objective, x, k: 2 * x - found),
    shelf.altered("half of the Newton step", newton_step=lambda found, objective, x, k: (x + found) / 2),
    shelf.replaced(
        "identity added to the Hessian of the Newton step",
        newton_step=lambda right, objective, x, k: right.newton_step(_Damped(objective), x, k),
    ),
    shelf.replaced("a block step moves the other block by a bit", block_step=_leaking),
    shelf.replaced("a block step moves the other block instead", block_step=_other_block),
    shelf.altered("a block step uphill", block_step=_backwards),
)
"""The family."""
