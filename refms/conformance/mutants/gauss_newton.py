"""Mistakes in Jacobian, gradient and Gauss-Newton product of the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import scale, softmax
from refms.conformance.mutants.layers import activated, with_layers
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.conformance.operations import Parameters
from refms.errors import Array
from refms.maps.activation import Activation
from refms.maps.map import Map
from refms.maps.step import step


def _steepen(affine: Map, sigma: Activation, dt: float) -> Map:
    """Return a step with σ′ too large by 0.1 %."""
    name = f"{sigma.name} with a wrong slope"
    wrong = replace(sigma, name=name, first=lambda xp, Z: sigma.first(xp, Z) * Z.dtype.type(1.001))
    return step(activated(affine, wrong), dt)


def _with_curvature(hessian: Callable[[Array, Array], Array]) -> Change:
    """Return the product JᵀHJ with H(p, u) of the probabilities in place of the softmax Hessian."""

    def product(t: Asked) -> Any:
        p, right = t.parameters, t.right
        P = softmax(right.logits(p["W"], p["mu"], right.forward(p, t.X, t.problem), t.problem.grid))
        u = right.jacobian_product(p, t.direction, t.X, t.problem)
        return right.jacobian_transpose(p, hessian(P, u) / t.examples, t.X, t.problem)

    return product


def _divide_stencils_by_step(t: Asked) -> Any:
    """Return the stencils divided by about δt."""
    return scale(t(), 1 / (t.problem.final_time / len(t.parameters["stencils"]) + 1e-2), "stencils")


def _transpose_weights(t: Asked) -> Parameters:
    found = t()
    W = found["W"]
    return {**found, "W": np.ascontiguousarray(W.reshape(-1, order="F").reshape(W.shape))}


def _reverse_layers(t: Asked) -> Parameters:
    found = t()
    return {**found, "stencils": found["stencils"][::-1].copy()}


def _add_identity(t: Asked) -> Parameters:
    return {key: one + t.direction[key] / 100 for key, one in t().items()}


MISTAKES: Table = {
    "gradient": {
        "gradient too large by 0.1 %": lambda t: scale(t(), 1.001),
        "sign of the gradient": lambda t: scale(t(), -1.0),
        "gradient of the biases left out": lambda t: scale(t(), 0.0, "biases"),
        "gradient of the opening left out": lambda t: scale(t(), 0.0, "opening"),
        "gradient of W in another order than W": _transpose_weights,
        "gradient of the stencils with the layers reversed": _reverse_layers,
    },
    "jacobian_product jacobian_transpose gradient gauss_newton": {
        "σ′ too large by 0.1 % in Jacobian, gradient and Gauss-Newton product alike": with_layers(_steepen),
    },
    "jacobian_transpose": {
        "δt missing in the transposed Jacobian of the stencils": _divide_stencils_by_step,
    },
    "jacobian_product": {
        "biases forgotten in the Jacobian": lambda t: t(direction=scale(t.direction, 0.0, "biases")),
    },
    "gauss_newton": {
        "Gauss-Newton product with diag p in place of diag p − ppᵀ": _with_curvature(lambda p, u: p * u),
        "Gauss-Newton product JᵀJ without the softmax Hessian": _with_curvature(lambda p, u: u),
        "a hundredth of the identity in the Gauss-Newton product": _add_identity,
        "Gauss-Newton product doubled": lambda t: scale(t(), 2.0),
        "Gauss-Newton product divided by a fixed number of examples": lambda t: scale(t(), t.examples / 5),
        "no curvature in the opening": lambda t: scale(t(), 0.0, "opening"),
    },
}
