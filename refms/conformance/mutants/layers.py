"""Networks of other layers than eq. (3), with the derivatives that automatic differentiation gives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cached_property

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.mutants.conventions import as_declared
from refms.conformance.mutants.mutant import Change, Table
from refms.conformance.operations import Parameters
from refms.errors import Array
from refms.grid import Grid
from refms.maps.activation import IDENTITY, Activation, activation
from refms.maps.architectures.residual import Residual
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer
from refms.maps.layers.entrywise import entrywise
from refms.maps.layers.norms import normalization
from refms.maps.map import At, Gradients, Map
from refms.maps.parameterless import Point, parameterless
from refms.maps.step import step

NETWORK = "forward loss gradient jacobian_product jacobian_transpose gauss_newton"
"""The operations that follow from the layers."""

Layer = Callable[[Map, Activation, float], Map]
"""K(s) y + b, σ and δt -> what takes y_k to y_{k+1}."""


def with_layers(layer: Layer) -> Change:
    """Return what refms does with N such layers between opening and classifier."""

    class Other(Residual):
        @cached_property
        def propagation(self) -> Map:
            affine = convolution_layer(self.convolution, IDENTITY)
            one = layer(affine, activation(self.activation), self.final_time / self.layers)
            return chain(*[(f"layer{k}", one) for k in range(self.layers)])

    class Wrong(ReferenceAdapter):
        def _network(self, parameters: Parameters, problem: Problem) -> Residual:
            right = super()._network(parameters, problem)
            return Other(**{one.name: getattr(right, one.name) for one in fields(right)})

    return lambda t: getattr(as_declared(Wrong(profile=t.right.profile)), t.operation)(*t.given.values())


def activated(affine: Map, sigma: Activation) -> Map:
    """Return σ(K(s) y + b)."""
    return chain(("", affine), ("", entrywise(affine.rows_out, sigma)))


def _activate_sum(affine: Map, sigma: Activation, dt: float) -> Map:
    """Return σ(y + δt (K(s) y + b))."""
    return activated(step(affine, dt), sigma)


def _normalize_batch(affine: Map, sigma: Activation, dt: float) -> Map:
    """Return y + δt σ(BN(K(s) y + b))."""
    channels = dict(affine.layout.parts)["bias"][0]
    return step(activated(chain(("", affine), ("", _batch_norm(affine.rows_out, channels))), sigma), dt)


def _batch_norm(rows: int, channels: int) -> Map:
    """Return the normalisation of a channel over cells and examples, which are cells of one long example."""

    def of(Y: Array) -> Map:
        return normalization(Grid((Y.size // channels,)), channels, groups=channels)

    def long(Y: Array) -> Array:
        return Y.reshape(-1, 1)

    def at(Y: Array) -> Point:
        F = of(Y).linearize(np.zeros(0), long(Y))

        def product(V: Array) -> Array:
            return F.jvp(None, long(V)).reshape(V.shape)

        return F.output.reshape(Y.shape), product, product, None

    return parameterless(rows, rows, lambda Y: of(Y).evaluate(np.zeros(0), long(Y)).reshape(Y.shape), at)


def _detach(affine: Map, sigma: Activation, dt: float) -> Map:
    """Return y + δt σ(K(s) y + b) with the derivative of δt σ(K(s) y + b)."""
    whole = step(activated(affine, sigma), dt)

    def linearize(theta: Array, Y: Array) -> At:
        right = whole.linearize(theta, Y)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            found = right.jvp(dtheta, dY)
            return found if dY is None else found - dY

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            gtheta, gY = right.vjp(G, wrt_theta=wrt_theta, wrt_input=wrt_input)
            return gtheta, None if gY is None else gY - G

        return At(right.output, jvp, vjp)

    return replace(whole, linearize=linearize)


MISTAKES: Table = {
    NETWORK: {
        "activation after the sum, σ(y + δt(K y + b))": with_layers(_activate_sum),
        "batch norm in the layers": with_layers(_normalize_batch),
    },
    "gradient jacobian_product jacobian_transpose gauss_newton": {
        "skip connection detached, no gradient through the identity": with_layers(_detach),
    },
}
