"""Mistakes in conjugate gradients, line search, Newton step and block coordinate descent."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.conformance.operations import Parameters
from refms.conformance.properties.optimizer import HELD
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
            if rr < 1e-28 * float(t.b @ t.b) or curvature == 0 or (curvature < 0 and not negative):
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


def _decreases(new: float, f: float, alpha: float, c: float, slope: float) -> bool:
    return new <= f + alpha * c * slope


def _damp(t: Asked) -> Array:
    """Return the step with H + I in place of H."""
    f = t.objective

    def curvature(x: Array) -> Callable[[Array], Array]:
        product = f.curvature(x)
        return lambda v: product(v) + v

    wrong = SimpleNamespace(value=f.value, value_and_gradient=f.value_and_gradient, curvature=curvature)
    return t(objective=wrong)


_OTHER = {"classifier": "propagation", "propagation": "classifier"}


def _full_step(t: Asked) -> Array:
    g, product = t.objective.value_and_gradient(t.x)[1], t.objective.curvature(t.x)
    system: Any = SimpleNamespace(product=product, b=-g, iterations=t.iterations)
    return np.asarray(t.x + _cg()(system))


def _newton(t: Asked, iterations: int, damping: float = 0.0, *, steepest: bool = False) -> Parameters:
    """Return a step on one block by conjugate gradients of our own, or along −g."""
    held = HELD[t.block]
    about = (t.X, t.C, t.problem)

    def flat(arrays: Parameters) -> Array:
        return np.concatenate([arrays[key].ravel() for key in held])

    def full(vector: Array, base: Parameters) -> Parameters:
        sizes = np.cumsum([base[key].size for key in held])[:-1]
        parts = dict(zip(held, np.split(vector, sizes), strict=True))
        return {
            key: one + parts[key].reshape(one.shape) if key in parts else one for key, one in base.items()
        }

    def product(v: Array) -> Array:
        direction = full(v, {key: 0 * one for key, one in t.parameters.items()})
        return flat(t.right.gauss_newton(t.parameters, direction, *about)) + damping * v

    g = flat(t.right.gradient(t.parameters, *about))
    system: Any = SimpleNamespace(product=product, b=-g, iterations=iterations)
    p = -g if steepest else _cg()(system)
    asked: Any = SimpleNamespace(
        value=lambda v: float(t.right.loss(full(v, t.parameters), *about)),
        x=0 * g,
        p=p,
        f=float(t.right.loss(t.parameters, *about)),
        slope=float(g @ p),
        decrease=1e-4,
    )
    return full(_backtrack(_decreases)(asked) * p, t.parameters)


def _without_last_layer(t: Asked) -> Parameters:
    found = t()
    kept = {key: np.concatenate([found[key][:-1], t.parameters[key][-1:]]) for key in ("stencils", "biases")}
    return {**found, **kept}


def _shortened(t: Asked) -> Parameters:
    return {key: t.parameters[key] + 0.01 * (one - t.parameters[key]) for key, one in t().items()}


def _leak(t: Asked) -> Parameters:
    found, other = t(), "mu" if t.block == "propagation" else "biases"
    return {**found, other: np.nextafter(found[other], np.asarray(9, t.X.dtype))}


def _give_up(t: Asked) -> Array:
    """Return b where A is not positive definite on the Krylov space."""
    bad = []

    def product(v: Array) -> Array:
        found = t.product(v)
        bad.append(float(v @ found) <= 0)
        return found

    found = t(product=product)
    return t.b.copy() if any(bad) else found


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
        "CG gives b back at any negative curvature": _give_up,
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
        "the smallest step in place of 0.0 if none is accepted": lambda t: t() or 2.0**-30,
        "nine halvings at most in the line search": lambda t: t() if t() >= 2.0**-9 else 0.0,
        "slope of a line search not looked at": _backtrack(_decreases),
        "−∞ accepted by the line search": _backtrack(
            lambda new, f, alpha, c, s: s < 0 and _decreases(new, f, alpha, c, s)
        ),
    },
    "newton_step": {
        "Newton step along −g": lambda t: t.x - t.objective.value_and_gradient(t.x)[1] / 4,
        "Newton step uphill": lambda t: 2 * t.x - t(),
        "Newton step without a line search": _full_step,
        "half of the Newton step": lambda t: (t.x + t()) / 2,
        "identity added to the Hessian of the Newton step": _damp,
        "at most ten inner iterations of the Newton step": lambda t: t(iterations=min(t.iterations, 10)),
    },
    "block_step": {
        "a block step leaves the opening as it is": lambda t: t() | {"opening": t.parameters["opening"]},
        "a block step leaves the biases as they are": lambda t: t() | {"biases": t.parameters["biases"]},
        "a block step leaves μ as it is": lambda t: t() | {"mu": t.parameters["mu"]},
        "a block step leaves the last layer as it is": _without_last_layer,
        "a block step along −g, steepest descent": lambda t: _newton(t, 1, steepest=True),
        "two steps of conjugate gradients in a block step": lambda t: _newton(t, 2),
        "a block step of a hundredth of its length": _shortened,
        "a multiple of the identity added to the Hessian of a block step": lambda t: _newton(t, 100, 1.0),
        "a block step moves the other block by a bit": _leak,
        "a block step moves the other block instead": lambda t: t(block=_OTHER[t.block]),
        "a block step uphill": lambda t: {key: 2 * t.parameters[key] - one for key, one in t().items()},
    },
}
