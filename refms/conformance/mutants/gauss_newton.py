"""Mistakes in Jacobian, gradient and Gauss-Newton product of the network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.mutants.arrays import scaled, softmax
from refms.conformance.mutants.mutant import Change, Shelf
from refms.conformance.operations import Parameters
from refms.errors import Array
from refms.maps.activation import activation
from refms.maps.combinators import chain
from refms.maps.layers.convolution import convolution_layer
from refms.maps.map import Map
from refms.maps.time.euler import forward_euler

shelf = Shelf("gauss-newton")


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


def _of_wrong_slope(operation: str) -> Change:
    """Return an operation of refms with the wrong slope, under the profile of the right adapter."""

    def wrong(right: Any, *given: Any) -> Any:
        return getattr(_SlopeOff(profile=right.profile), operation)(*given)

    return wrong


def _curved_by(hessian: Change) -> Change:
    """Return the product JᵀHJ with H(p, u) of the probabilities in place of the softmax Hessian."""

    def product(
        right: Any, parameters: Parameters, direction: Parameters, X: Array, C: Array, problem: Problem
    ) -> Parameters:
        Y = right.forward(parameters, X, problem)
        p = softmax(right.logits(parameters["W"], parameters["mu"], Y, problem.grid))
        u = right.jacobian_product(parameters, direction, X, problem)
        found: Parameters = right.jacobian_transpose(parameters, hessian(p, u) / X.shape[1], X, problem)
        return found

    return product


def _without_step(
    found: Parameters, parameters: Parameters, U: Array, X: Array, problem: Problem
) -> Parameters:
    dt = problem.final_time / len(parameters["stencils"])
    return scaled(found, 1 / (dt + 1e-2), "stencils")


def _transposed_weights(found: Parameters, *given: Any) -> Parameters:
    W = found["W"]
    return {**found, "W": np.ascontiguousarray(W.reshape(-1, order="F").reshape(W.shape))}


def _last_layer_first(found: Parameters, *given: Any) -> Parameters:
    return {**found, "stencils": found["stencils"][::-1].copy()}


def _damped(found: Parameters, parameters: Parameters, direction: Parameters, *rest: Any) -> Parameters:
    return {key: found[key] + direction[key] / 100 for key in found}


GAUSS_NEWTON = (
    shelf.altered("gradient too large by 0.1 %", gradient=lambda found, *given: scaled(found, 1.001)),
    shelf.altered("sign of the gradient", gradient=lambda found, *given: scaled(found, -1.0)),
    shelf.altered(
        "gradient of the biases left out", gradient=lambda found, *given: scaled(found, 0.0, "biases")
    ),
    shelf.altered(
        "gradient of the opening left out", gradient=lambda found, *given: scaled(found, 0.0, "opening")
    ),
    shelf.altered("gradient of W in another order than W", gradient=_transposed_weights),
    shelf.altered("gradient of the stencils with the layers reversed", gradient=_last_layer_first),
    shelf.replaced(
        "σ′ too large by 0.1 % in Jacobian, gradient and Gauss-Newton product alike",
        **{
            name: _of_wrong_slope(name)
            for name in ("jacobian_product", "jacobian_transpose", "gradient", "gauss_newton")
        },
    ),
    shelf.altered("δt missing in the transposed Jacobian of the stencils", jacobian_transpose=_without_step),
    shelf.replaced(
        "biases forgotten in the Jacobian",
        jacobian_product=lambda right, p, v, *rest: right.jacobian_product(
            p, scaled(v, 0.0, "biases"), *rest
        ),
    ),
    shelf.replaced(
        "Gauss-Newton product with diag p in place of diag p − ppᵀ",
        gauss_newton=_curved_by(lambda p, u: p * u),
    ),
    shelf.replaced(
        "Gauss-Newton product JᵀJ without the softmax Hessian", gauss_newton=_curved_by(lambda p, u: u)
    ),
    shelf.altered("a hundredth of the identity in the Gauss-Newton product", gauss_newton=_damped),
    shelf.altered("Gauss-Newton product doubled", gauss_newton=lambda found, *given: scaled(found, 2.0)),
    shelf.altered(
        "Gauss-Newton product divided by a fixed number of examples",
        gauss_newton=lambda found, p, v, X, *rest: scaled(found, X.shape[1] / 5),
    ),
    shelf.altered(
        "no curvature in the opening",
        gauss_newton=lambda found, *given: scaled(found, 0.0, "opening"),
    ),
)
"""The family."""
