"""Mistakes in the other losses, in the Hessian of the loss, and in the regularised objective."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import scale, softmax
from refms.conformance.mutants.mutant import Asked, Table
from refms.conformance.operations import Parameters
from refms.errors import Array


def _p(Z: Array) -> Array:
    return 1 / (1 + np.exp(-Z))


def _naive(t: Asked) -> float:
    """Return the logistic loss by logarithms of p and 1 − p."""
    with np.errstate(all="ignore"):
        p = _p(t.Z)
        return float(-(t.C * np.log(p) + (1 - t.C) * np.log(1 - p)).sum() / t.examples)


def _overflowing(t: Asked) -> Array:
    with np.errstate(all="ignore"):
        e = np.exp(t.Z)
        found: Array = (e / (1 + e) - t.C) / t.examples
        return found


def _own_class_only(t: Asked) -> float:
    return float((t.C * np.logaddexp(0, -t.Z)).sum() / t.examples)


def _sharp(t: Asked) -> float:
    """Return the hinge without smoothing."""
    terms = t.C * np.maximum(0, 1 - t.Z) + (1 - t.C) * np.maximum(0, 1 + t.Z)
    return float(terms.sum() / t.examples)


def _pieces(t: Asked, straight: Callable[[Array], Array]) -> float:
    """Return the smoothed hinge with another straight piece."""

    def phi(u: Array) -> Array:
        lack = np.maximum(0, 1 - u)
        return np.where(lack <= t.width, lack**2 / (2 * t.width), straight(lack))

    return float((t.C * phi(t.Z) + (1 - t.C) * phi(-t.Z)).sum() / t.examples)


def _halves(t: Asked) -> Parameters:
    """Return the Hessian without the products between (W, μ) and the rest."""
    last = ("W", "mu")
    there = t(direction={key: one * (key in last) for key, one in t.direction.items()})
    here = t(direction={key: one * (key not in last) for key, one in t.direction.items()})
    return {key: (there if key in last else here)[key] for key in here}


def _weights(*factors: float) -> Callable[[Asked], Any]:
    """Return the mistake of weights that are multiplied."""
    return lambda t: t(weights=tuple(w * f for w, f in zip(t.weights, factors, strict=True)))


def _exchanged(t: Asked) -> Any:
    """Return the result with the weights of the blocks exchanged."""
    a, tau, b, tau_W = t.weights
    return t(weights=(b, tau_W, a, tau))


def _times(factor: Callable[[Asked], float]) -> Callable[[Asked], Any]:
    """Return the mistake of a multiple of R, beside the right loss."""

    def change(t: Asked) -> Any:
        f = factor(t)
        return t(weights=tuple(f * w for w in t.weights))

    return change


def _step(t: Asked) -> float:
    return float(t.problem.final_time / len(t.parameters["stencils"]))


def _in_time(power: int) -> Callable[[Asked], Any]:
    """Return the mistake of a power of δt in the smoothness in time."""

    def change(t: Asked) -> Any:
        a, tau, b, tau_W = t.weights
        return t(weights=(a * (0.9 * _step(t)) ** power, tau, b, tau_W))

    return change


def _bound_mu(t: Asked) -> Any:
    """Return the result with τ_W/2 ‖μ‖² as well."""
    tau, mu, found = t.weights[3], t.parameters["mu"], t()
    if t.operation == "regularized_loss":
        return found + tau / 2 * float(mu @ mu)
    held = t.direction["mu"] if "direction" in t.given else mu
    return {**found, "mu": found["mu"] + np.asarray(tau, mu.dtype) * held}


def _free_opening(t: Asked) -> Any:
    """Return the result without the Tikhonov term of the opening."""
    tau, opening, found = t.weights[1], t.parameters["opening"], t()
    if t.operation == "regularized_loss":
        return found - tau / 2 * float((opening**2).sum())
    held = t.direction["opening"] if "direction" in t.given else opening
    return {**found, "opening": found["opening"] - np.asarray(tau, opening.dtype) * held}


def _at_point(t: Asked) -> Parameters:
    """Return JᵀHJ v + ∇R(θ)."""
    none = (0.0,) * 4
    given = t.parameters, t.X, t.C, t.problem
    both, alone = (t.right.regularized_gradient(*given, weights) for weights in (t.weights, none))
    product = t(weights=none)
    return {key: product[key] + both[key] - alone[key] for key in product}


def _gauss_newton(t: Asked) -> Parameters:
    found: Parameters = t.right.gauss_newton(t.parameters, t.direction, t.X, t.C, t.problem)
    return found


_ALL = "regularized_loss regularized_gradient regularized_gauss_newton"
_LEAST = "least_squares least_squares_gradient least_squares_hessian"
_LOGISTIC = "logistic logistic_gradient logistic_hessian"
_HINGE = "smooth_hinge smooth_hinge_gradient smooth_hinge_hessian"

MISTAKES: Table = {
    _LEAST: {
        "½ missing in least squares": lambda t: 2 * t(),
        "least squares as a mean over classes, too": lambda t: t() / len(t.C),
        "1/m missing in least squares": lambda t: t() * t.examples,
    },
    "least_squares least_squares_gradient": {
        "least squares of the probabilities": lambda t: t(Z=softmax(t.Z)),
        "least squares without labels": lambda t: t(C=0 * t.C),
    },
    "least_squares_gradient": {"sign of the gradient of least squares": lambda t: -t()},
    "least_squares_hessian": {"Hessian of least squares forgets the direction": lambda t: t(V=0 * t.V + 1)},
    _LOGISTIC: {
        "1/m missing in logistic regression": lambda t: t() * t.examples,
        "labels −1 and 1 taken for 0 and 1 in logistic regression": lambda t: t(Z=2 * t.Z),
    },
    "logistic": {
        "logistic regression by log p": _naive,
        "the rest of the classes forgotten in logistic regression": _own_class_only,
        "logistic regression in logarithms to base two": lambda t: t() / np.log(2),
    },
    "logistic_gradient": {
        "softmax in the gradient of logistic regression": lambda t: (softmax(t.Z) - t.C) / t.examples,
        "e^z overflows in the gradient of logistic regression": _overflowing,
        "labels forgotten in the gradient of logistic regression": lambda t: t() + t.C / t.examples,
    },
    "logistic_hessian": {
        "p in place of p (1 − p)": lambda t: _p(t.Z) * t.V / t.examples,
        "labels in the Hessian of logistic regression": lambda t: t.C * t(),
    },
    _HINGE: {
        "width of the smoothed hinge squared": lambda t: t(width=t.width**2 if t.width != 1 else 0.9),
        "margins of the wrong sign in the smoothed hinge": lambda t: t(Z=-t.Z),
        "1/m missing in the smoothed hinge": lambda t: t() * t.examples,
    },
    "smooth_hinge": {
        "hinge without smoothing": _sharp,
        "ε/2 forgotten in the straight piece": lambda t: _pieces(t, lambda lack: lack),
        "squared hinge without a straight piece": lambda t: _pieces(t, lambda lack: lack**2 / (2 * t.width)),
    },
    "smooth_hinge_gradient": {"sign of the gradient of the smoothed hinge": lambda t: -t()},
    "smooth_hinge_hessian": {
        "curvature of the smoothed hinge everywhere": lambda t: t.V / t.width / t.examples,
        "no curvature in the smoothed hinge": lambda t: 0 * t(),
    },
    "hessian": {
        "Gauss-Newton product for that of the Hessian": _gauss_newton,
        "sign of the Hessian": lambda t: scale(t(), -1.0),
        "no products between W and the layers in the Hessian": _halves,
        "Hessian doubled": lambda t: scale(t(), 2.0),
        "Hessian without the biases": lambda t: scale(t(), 0.0, "biases"),
        "second derivatives of the network counted twice": lambda t: {
            key: 2 * one - _gauss_newton(t)[key] for key, one in t().items()
        },
    },
    _ALL: {
        "½ missing in all regularisers": _weights(2.0, 2.0, 2.0, 2.0),
        "weights of the two blocks exchanged": _exchanged,
        "h^d missing in the regulariser of W": lambda t: t(
            weights=(*t.weights[:2], *(w * t.cells for w in t.weights[2:]))
        ),
        "δt divided once too often in the regulariser in time": _in_time(-1),
        "δt forgotten in the regulariser in time": _in_time(1),
        "regulariser of μ": _bound_mu,
        "opening without its Tikhonov term": _free_opening,
        "regularisers divided by the number of examples": _times(lambda t: 1 / t.examples),
        "no Tikhonov terms": _weights(1.0, 0.0, 1.0, 0.0),
    },
    "regularized_loss": {
        "regularisers left out of the objective": _weights(0.0, 0.0, 0.0, 0.0),
        "regularisers subtracted": lambda t: 2 * t(weights=(0.0,) * 4) - t(),
    },
    "regularized_gradient": {
        "regularisers left out of the gradient": _weights(0.0, 0.0, 0.0, 0.0),
        "½ kept in the gradient of the regularisers": _weights(0.5, 0.5, 0.5, 0.5),
        "gradient of the loss without that of W's regulariser": _weights(1.0, 1.0, 0.0, 0.0),
    },
    "regularized_gauss_newton": {
        "regularisers left out of the Gauss-Newton product": _weights(0.0, 0.0, 0.0, 0.0),
        "∇R at the parameters in the Gauss-Newton product": _at_point,
        "regularisers twice in the Gauss-Newton product": _weights(2.0, 2.0, 2.0, 2.0),
    },
}
