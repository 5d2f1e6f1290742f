"""Steps in time and layers with tied stencils as refms has them: its maps, and their ``vjp``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from refms.conformance.adapters.reference_images import Shape
from refms.conformance.adapters.reference_layers import LayerReference
from refms.errors import Array
from refms.maps.activation import activation as named_activation
from refms.maps.layers.convolution import convolution_layer
from refms.maps.layers.tied import antisymmetric_layer, symmetric_layer
from refms.maps.map import Map
from refms.maps.time.coupling import leapfrog, verlet
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import MIDPOINT, RK4


def _method(name: str) -> tuple[Callable[..., Array], Callable[..., Array]]:
    """Return the operations of a method: y_N, and the gradient of ⟨Z, y_N⟩ in the stencils of all layers."""

    def value(
        self: StepReference,
        S: Array,
        b: Array,
        Y: Array,
        grid: Shape,
        activation: str,
        final_time: float,
        boundary: str,
    ) -> Array:
        steps = self._steps(name, S, grid, activation, final_time, boundary)
        return self._out(steps.apply(self._in(_all_layers(S, b)), self._in(Y)))

    def gradient(
        self: StepReference,
        S: Array,
        b: Array,
        Y: Array,
        Z: Array,
        grid: Shape,
        activation: str,
        final_time: float,
        boundary: str,
    ) -> Array:
        steps = self._steps(name, S, grid, activation, final_time, boundary)
        at = steps.at(self._in(_all_layers(S, b)), self._in(Y))
        g = self._out(at.vjp(self._in(Z), wrt_input=False)[0])
        return g.reshape(len(S), -1)[:, : S[0].size].reshape(S.shape)

    return value, gradient


class StepReference(LayerReference):
    """These operations on host arrays."""

    def cell_bias_layer(
        self, S: Array, b: Array, Y: Array, grid: Shape, activation: str, boundary: str
    ) -> Array:
        return self._layer_value(self._with_cell_bias(S, grid, activation, boundary), S, b, Y)

    def cell_bias_gradient(
        self, S: Array, b: Array, Y: Array, Z: Array, grid: Shape, activation: str, boundary: str
    ) -> Array:
        g = self._pulled(self._with_cell_bias(S, grid, activation, boundary), S, b, Y, Z)
        return g[S.size :].reshape(b.shape)

    def antisymmetric_layer(
        self, S: Array, b: Array, Y: Array, grid: Shape, activation: str, damping: float, boundary: str
    ) -> Array:
        K, sigma = self._convolution(S, grid, boundary), named_activation(activation)
        return self._layer_value(antisymmetric_layer(K, sigma, damping), S, b, Y)

    def antisymmetric_layer_gradient(
        self,
        S: Array,
        b: Array,
        Y: Array,
        Z: Array,
        grid: Shape,
        activation: str,
        damping: float,
        boundary: str,
    ) -> Array:
        K, sigma = self._convolution(S, grid, boundary), named_activation(activation)
        return self._pulled(antisymmetric_layer(K, sigma, damping), S, b, Y, Z)[: S.size].reshape(S.shape)

    def symmetric_layer(
        self, S: Array, b: Array, Y: Array, grid: Shape, activation: str, boundary: str
    ) -> Array:
        K, sigma = self._convolution(S, grid, boundary), named_activation(activation)
        return self._layer_value(symmetric_layer(K, sigma), S, b, Y)

    def symmetric_layer_gradient(
        self, S: Array, b: Array, Y: Array, Z: Array, grid: Shape, activation: str, boundary: str
    ) -> Array:
        K, sigma = self._convolution(S, grid, boundary), named_activation(activation)
        return self._pulled(symmetric_layer(K, sigma), S, b, Y, Z)[: S.size].reshape(S.shape)

    midpoint, midpoint_gradient = _method("midpoint")
    rk4, rk4_gradient = _method("rk4")
    leapfrog, leapfrog_gradient = _method("leapfrog")
    verlet, verlet_gradient = _method("verlet")

    def _steps(
        self, name: str, S: Array, grid: Shape, activation: str, final_time: float, boundary: str
    ) -> Map:
        """Return N steps of a method."""
        K, sigma, N = self._convolution(S[0], grid, boundary), named_activation(activation), len(S)
        if name == "verlet":
            return verlet(K, sigma, N, final_time)
        layer = convolution_layer(K, sigma)
        if name == "leapfrog":
            return leapfrog(layer, N, final_time)
        return runge_kutta(layer, N, final_time, MIDPOINT if name == "midpoint" else RK4)

    def _with_cell_bias(self, S: Array, grid: Shape, activation: str, boundary: str) -> Map:
        K = self._convolution(S, grid, boundary)
        return convolution_layer(K, named_activation(activation), bias_per_cell=True)

    def _layer_value(self, F: Map, S: Array, b: Array, Y: Array) -> Array:
        return self._out(F.apply(self._in(_joined(S, b)), self._in(Y)))

    def _pulled(self, F: Map, S: Array, b: Array, Y: Array, Z: Array) -> Array:
        """Return the gradient of ⟨Z, F⟩ in all parameters."""
        at = F.at(self._in(_joined(S, b)), self._in(Y))
        return self._out(at.vjp(self._in(Z), wrt_input=False)[0])


def _joined(S: Array, b: Array) -> Array:
    """Return the stencils and the bias of a layer as one vector."""
    return np.concatenate([S.reshape(-1), b.reshape(-1)])


def _all_layers(S: Array, b: Array) -> Array:
    """Return the stencils and the biases of N layers as one vector, layer by layer."""
    return np.concatenate([_joined(*layer) for layer in zip(S, b, strict=True)])
