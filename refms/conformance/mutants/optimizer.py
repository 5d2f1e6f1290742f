"""Mistakes in conjugate gradients, line search, Newton step and block coordinate descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import times, to_first
from refms.conformance.mutants.mutant import Change, alter, feed, of_family, substitute
from refms.conformance.operations import Parameters
from refms.errors import Array

Product = Callable[[Array], Array]


def _right_beta(new: float, old: float) -> float:
    return new / old


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


def _backtrack(accepted: Callable[..., bool]) -> Change:
    """Return a line search that accepts by (f(x+αp), f, α, c₁, slope)."""

    def search(
        right: Any, value: Change, x: Array, f: float, slope: float, p: Array, decrease: float
    ) -> float:
        alpha = 1.0
        while alpha > 1e-9 and not accepted(value(x + alpha * p), f, alpha, decrease, slope):
            alpha *= 0.5
        return alpha if alpha > 1e-9 else 0.0

    return search


class _Damped:
    """An objective with the identity added to its Hessian."""

    def __init__(self, objective: Any) -> None:
        self.value, self.value_and_gradient = objective.value, objective.value_and_gradient
        self.objective = objective

    def curvature(self, x: Array) -> Product:
        """Return v -> (H + I) v."""
        product = self.objective.curvature(x)
        return lambda v: product(v) + v


def _leak(found: Parameters, p: Parameters, X: Array, C: Array, problem: Any, block: str) -> Parameters:
    other = "mu" if block == "propagation" else "biases"
    return {**found, other: np.nextafter(found[other], np.asarray(9, X.dtype))}


OPTIMIZER = of_family(
    "optimizer",
    substitute("β of CG without the squares", conjugate_gradients=_cg(lambda new, old: (new / old) ** 0.5)),
    substitute("β = 0 in CG, steepest descent", conjugate_gradients=_cg(lambda new, old: 0.0)),
    substitute("β = 1 in CG", conjugate_gradients=_cg(lambda new, old: 1.0)),
    substitute("sign of β in CG", conjugate_gradients=_cg(lambda new, old: -new / old)),
    substitute("negative curvature ignored by CG", conjugate_gradients=_cg(_right_beta, negative=True)),
    substitute("steps of CG too short by a tenth", conjugate_gradients=_cg(_right_beta, relaxed=0.9)),
    substitute("CG starts at b with the residual of zero", conjugate_gradients=_cg(_right_beta, start=1.0)),
    feed("CG makes one iteration too many", conjugate_gradients=lambda product, b, k: (product, b, k + 1)),
    substitute(
        "Armijo's bound without the step length",
        line_search=_backtrack(lambda new, f, alpha, c, slope: new <= f + c * slope),
    ),
    substitute(
        "any decrease accepted by the line search",
        line_search=_backtrack(lambda new, f, alpha, c, slope: new < f),
    ),
    substitute(
        "NaN accepted by the line search",
        line_search=_backtrack(lambda new, f, alpha, c, slope: not new > f + alpha * c * slope),
    ),
    substitute("the full step always accepted", line_search=lambda right, *given: 1.0),
    substitute(
        "sign of the slope in Armijo's bound",
        line_search=_backtrack(lambda new, f, alpha, c, slope: new <= f - alpha * c * slope),
    ),
    alter("line search halves once too often", line_search=times(0.5)),
    substitute(
        "Newton step along −g",
        newton_step=lambda right, objective, x, k: x - objective.value_and_gradient(x)[1] / 4,
    ),
    alter("Newton step uphill", newton_step=lambda found, objective, x, k: 2 * x - found),
    alter("half of the Newton step", newton_step=lambda found, objective, x, k: (x + found) / 2),
    feed("identity added to the Hessian of the Newton step", newton_step=to_first(_Damped)),
    alter("a block step moves the other block by a bit", block_step=_leak),
    feed(
        "a block step moves the other block instead",
        block_step=lambda *given: (
            *given[:-1],
            "classifier" if given[-1] == "propagation" else "propagation",
        ),
    ),
    alter(
        "a block step uphill",
        block_step=lambda found, p, *rest: {key: 2 * p[key] - found[key] for key in found},
    ),
)
"""The family."""
