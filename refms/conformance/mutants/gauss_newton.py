"""Mistakes in Jacobian, gradient and Gauss-Newton product of the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.mutants.arrays import by, scale, softmax, times
from refms.conformance.mutants.mutant import Change, alter, feed, of_family, substitute
from refms.conformance.operations import Parameters
from refms.errors import Array
from refms.maps.activation import activation
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer
from refms.maps.map import Map
from refms.maps.time.euler import forward_euler


class _SlopeOff(ReferenceAdapter):
    """refms with σ′ too large by 0.1 % inside the network."""

    def _full(self, parameters: Parameters, problem: Problem) -> tuple[Map, Array]:
        full, x = super()._full(parameters, problem)
        network, sigma = self._network(parameters, problem), activation(problem.activation)
        wrong = replace(
            sigma,
            name=f"{sigma.name} with a wrong slope",
            first=lambda xp, Z: sigma.first(xp, Z) * Z.dtype.type(1.001),
        )
        layer = convolution_layer(network.convolution, wrong)
        steps = forward_euler(layer, network.layers, network.final_time)
        opening, _ = network.map.parts
        return chain(("network", chain(opening, ("propagation", steps))), full.parts[1]), x


def _with_wrong_slope(operation: str) -> Change:
    """Return an operation of refms with the wrong slope, under the profile of the right adapter."""
    return lambda right, *given: getattr(_SlopeOff(profile=right.profile), operation)(*given)


def _with_curvature(hessian: Callable[[Array, Array], Array]) -> Change:
    """Return the product JᵀHJ with H(p, u) of the probabilities in place of the softmax Hessian."""

    def product(right: Any, p: Parameters, v: Parameters, X: Array, C: Array, problem: Problem) -> Any:
        P = softmax(right.logits(p["W"], p["mu"], right.forward(p, X, problem), problem.grid))
        u = right.jacobian_product(p, v, X, problem)
        return right.jacobian_transpose(p, hessian(P, u) / X.shape[1], X, problem)

    return product


def _step_missing(p: Parameters, U: Array, X: Array, problem: Problem) -> float:
    return 1 / (problem.final_time / len(p["stencils"]) + 1e-2)


def _transpose_weights(found: Parameters, *given: Any) -> Parameters:
    W = found["W"]
    return {**found, "W": np.ascontiguousarray(W.reshape(-1, order="F").reshape(W.shape))}


GAUSS_NEWTON = of_family(
    "gauss-newton",
    alter("gradient too large by 0.1 %", gradient=times(1.001)),
    alter("sign of the gradient", gradient=times(-1.0)),
    alter("gradient of the biases left out", gradient=times(0.0, "biases")),
    alter("gradient of the opening left out", gradient=times(0.0, "opening")),
    alter("gradient of W in another order than W", gradient=_transpose_weights),
    alter(
        "gradient of the stencils with the layers reversed",
        gradient=lambda found, *given: {**found, "stencils": found["stencils"][::-1].copy()},
    ),
    substitute(
        "σ′ too large by 0.1 % in Jacobian, gradient and Gauss-Newton product alike",
        jacobian_product=_with_wrong_slope("jacobian_product"),
        jacobian_transpose=_with_wrong_slope("jacobian_transpose"),
        gradient=_with_wrong_slope("gradient"),
        gauss_newton=_with_wrong_slope("gauss_newton"),
    ),
    alter(
        "δt missing in the transposed Jacobian of the stencils",
        jacobian_transpose=by(_step_missing, "stencils"),
    ),
    feed(
        "biases forgotten in the Jacobian",
        jacobian_product=lambda p, v, *rest: (p, scale(v, 0.0, "biases"), *rest),
    ),
    substitute(
        "Gauss-Newton product with diag p in place of diag p − ppᵀ",
        gauss_newton=_with_curvature(lambda p, u: p * u),
    ),
    substitute(
        "Gauss-Newton product JᵀJ without the softmax Hessian", gauss_newton=_with_curvature(lambda p, u: u)
    ),
    alter(
        "a hundredth of the identity in the Gauss-Newton product",
        gauss_newton=lambda found, p, v, *rest: {key: found[key] + v[key] / 100 for key in found},
    ),
    alter("Gauss-Newton product doubled", gauss_newton=times(2.0)),
    alter(
        "Gauss-Newton product divided by a fixed number of examples",
        gauss_newton=by(lambda p, v, X, *rest: X.shape[1] / 5),
    ),
    alter("no curvature in the opening", gauss_newton=times(0.0, "opening")),
)
"""The family."""
