"""Mistakes in conjugate gradients, line search, Newton step and block coordinate descent."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.conformance.operations import Parameters
from refms.errors import Array


def _cg(
    beta: Callable[[float, float], float] = lambda new, old: new / old,
    *,
    negative: bool = False,
    relaxed: float = 1.0,
    start: float = 0.0,
) -> Change:
    """Return conjugate gradients with an exchangeable β(new ‖r‖², old ‖r‖²)."""

    def solve(t: Asked) -> Array:
        x, r = start * t.b, t.b.copy()
        p, rr = r.copy(), float(r @ r)
        for _ in range(t.iterations):
            Ap = t.product(p)
            curvature = float(p @ Ap)
            if rr < 1e-28 * float(t.b @ t.b) or (curvature <= 0 and not negative):
                break
            alpha = relaxed * rr / curvature
            x, r = x + alpha * p, r - alpha * Ap
            new = float(r @ r)
            p, rr = r + float(beta(new, rr)) * p, new
        return x

    return solve


def _backtrack(accepted: Callable[..., bool]) -> Change:
    """Return a line search that accepts by (f(x+αp), f, α, c₁, slope)."""

    def search(t: Asked) -> float:
        alpha = 1.0
        while alpha > 1e-9 and not accepted(t.value(t.x + alpha * t.p), t.f, alpha, t.decrease, t.slope):
            alpha *= 0.5
        return alpha if alpha > 1e-9 else 0.0

    return search


def _damp(t: Asked) -> Array:
    """Return the step with H + I in place of H."""
    f = t.objective

    def curvature(x: Array) -> Callable[[Array], Array]:
        product = f.curvature(x)
        return lambda v: product(v) + v

    wrong = SimpleNamespace(value=f.value, value_and_gradient=f.value_and_gradient, curvature=curvature)
    return t(objective=wrong)


_OTHER = {"classifier": "propagation", "propagation": "classifier"}


def _leak(t: Asked) -> Parameters:
    found, other = t(), "mu" if t.block == "propagation" else "biases"
    return {**found, other: np.nextafter(found[other], np.asarray(9, t.X.dtype))}


MISTAKES: Table = {
    "conjugate_gradients": {
        "β of CG without the squares": _cg(lambda new, old: (new / old) ** 0.5),
        "β = 0 in CG, steepest descent": _cg(lambda new, old: 0.0),
        "β = 1 in CG": _cg(lambda new, old: 1.0),
        "sign of β in CG": _cg(lambda new, old: -new / old),
        "negative curvature ignored by CG": _cg(negative=True),
        "steps of CG too short by a tenth": _cg(relaxed=0.9),
        "CG starts at b with the residual of zero": _cg(start=1.0),
        "CG makes one iteration too many": lambda t: t(iterations=t.iterations + 1),
    },
    "line_search": {
        "Armijo's bound without the step length": _backtrack(lambda new, f, alpha, c, s: new <= f + c * s),
        "any decrease accepted by the line search": _backtrack(lambda new, f, alpha, c, s: new < f),
        "NaN accepted by the line search": _backtrack(
            lambda new, f, alpha, c, s: not new > f + alpha * c * s
        ),
        "the full step always accepted": lambda t: 1.0,
        "sign of the slope in Armijo's bound": _backtrack(
            lambda new, f, alpha, c, s: new <= f - alpha * c * s
        ),
        "line search halves once too often": lambda t: 0.5 * t(),
    },
    "newton_step": {
        "Newton step along −g": lambda t: t.x - t.objective.value_and_gradient(t.x)[1] / 4,
        "Newton step uphill": lambda t: 2 * t.x - t(),
        "half of the Newton step": lambda t: (t.x + t()) / 2,
        "identity added to the Hessian of the Newton step": _damp,
    },
    "block_step": {
        "a block step moves the other block by a bit": _leak,
        "a block step moves the other block instead": lambda t: t(block=_OTHER[t.block]),
        "a block step uphill": lambda t: {key: 2 * t.parameters[key] - one for key, one in t().items()},
    },
}
