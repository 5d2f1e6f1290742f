"""Mistakes in layers with biases in cells, and in antisymmetric and symmetric layers."""

from __future__ import annotations

import numpy as np

from refms.conformance.mutants.arrays import exchange, flip
from refms.conformance.mutants.mutant import Asked, Table
from refms.errors import Array


def _transposed(S: Array) -> Array:
    """Return τS, the stencils of K(S)ᵀ."""
    return exchange(flip(S), 0, 1)


def _bias(t: Asked) -> Array:
    return np.repeat(t.b, t.cells)[:, None]


def _K(t: Asked, Y: Array, S: Array | None = None) -> Array:
    return np.asarray(t.right.convolution(t.S if S is None else S, Y, t.grid, t.boundary))


def _Kt(t: Asked, Z: Array) -> Array:
    return np.asarray(t.right.convolution_adjoint(t.S, Z, t.grid, t.boundary))


def _sigma(t: Asked, z: Array) -> Array:
    return np.asarray(t.right.activation(z.astype(t.Y.dtype), t.activation))


def _antisymmetric(t: Asked, plus: float, damping: float) -> Array:
    return _sigma(t, _K(t, t.Y) + plus * _Kt(t, t.Y) - damping * t.Y + _bias(t))


def _bent(t: Asked) -> Array:
    """Return σ′ ∘ Z of the antisymmetric layer."""
    z = _K(t, t.Y) - _Kt(t, t.Y) - t.damping * t.Y + _bias(t)
    return np.asarray(t.right.activation_derivative(z.astype(t.Y.dtype), t.activation)) * t.Z


def _pair(t: Asked, Z: Array, Y: Array) -> Array:
    return np.asarray(t.right.stencil_gradient(Z, Y, t.grid, t.S.shape[2:], t.boundary))


def _inner(t: Asked) -> Array:
    """Return the part of the gradient of the symmetric layer from the inner K, without its sign."""
    z = _K(t, t.Y) + _bias(t)
    slope = np.asarray(t.right.activation_derivative(z.astype(t.Y.dtype), t.activation))
    return _pair(t, slope * _K(t, t.Z), t.Y)


def _outer(t: Asked) -> Array:
    return _pair(t, _sigma(t, _K(t, t.Y) + _bias(t)), t.Z)


def _mean_over_cells(b: Array) -> Array:
    return (0 * b + b.mean(axis=tuple(range(1, b.ndim)), keepdims=True)).astype(b.dtype)


def _first(t: Asked) -> Array:
    return np.asarray(t(Y=t.Y[:, :1].copy(), Z=t.Z[:, :1].copy()))


def _after(t: Asked) -> Array:
    return np.asarray(t(b=0 * t.b) + t.b.reshape(-1, 1))


def _inside_out(t: Asked) -> Array:
    """Return −σ(Kᵀ(K y + b))."""
    return -_sigma(t, _Kt(t, _K(t, t.Y) + _bias(t)))


MISTAKES: Table = {
    "cell_bias_layer": {
        "biases of cells averaged over each channel": lambda t: t(b=_mean_over_cells(t.b)),
        "biases of cells left out": lambda t: t(b=0 * t.b),
        "biases of cells added after the activation": _after,
        "biases of cells in reverse order": lambda t: t(b=flip(t.b, *range(1, t.b.ndim))),
    },
    "cell_bias_gradient": {
        "gradient of biases of cells averaged over them": lambda t: _mean_over_cells(t()),
        "gradient of biases of cells averaged over the examples": lambda t: t() / t.examples,
        "gradient of biases of cells without σ′": lambda t: t(activation="identity"),
        "gradient of biases of cells of the first example only": _first,
    },
    "antisymmetric_layer": {
        "K + Kᵀ in the antisymmetric layer": lambda t: _antisymmetric(t, 1.0, t.damping),
        "half of K − Kᵀ": lambda t: t(S=t.S / 2),
        "damping of the other sign": lambda t: _antisymmetric(t, -1.0, -t.damping),
        "damping left out": lambda t: t(damping=0.0),
        "half of the damping in the antisymmetric layer": lambda t: t(damping=t.damping / 2),
        "K minus the flipped kernel, channels not exchanged": lambda t: _sigma(
            t, _K(t, t.Y) - _K(t, t.Y, flip(t.S)) - t.damping * t.Y + _bias(t)
        ),
        "K alone in the antisymmetric layer": lambda t: _antisymmetric(t, 0.0, t.damping),
    },
    "antisymmetric_layer_gradient": {
        "antisymmetric gradient from K alone": lambda t: _pair(t, _bent(t), t.Y),
        "antisymmetric gradient with the sign of K for Kᵀ": lambda t: (
            _pair(t, _bent(t), t.Y) + _pair(t, t.Y, _bent(t))
        ),
        "half of the antisymmetric gradient": lambda t: t() / 2,
        "antisymmetric gradient without σ′": lambda t: t(activation="identity"),
        "antisymmetric gradient averaged over the examples": lambda t: t() / t.examples,
    },
    "symmetric_layer": {
        "minus of the symmetric layer left out": lambda t: -t(),
        "K in place of Kᵀ outside": lambda t: -_K(t, _sigma(t, _K(t, t.Y) + _bias(t))),
        "activation outside of both": _inside_out,
        "bias of the symmetric layer left out": lambda t: t(b=0 * t.b),
        "Kᵀ inside and K outside": lambda t: t(S=_transposed(t.S)),
    },
    "symmetric_layer_gradient": {
        "symmetric gradient of the inner K alone": lambda t: -_inner(t),
        "symmetric gradient of the outer K alone": lambda t: -_outer(t),
        "symmetric gradient with the wrong sign inside": lambda t: _inner(t) - _outer(t),
        "symmetric gradient averaged over the examples": lambda t: t() / t.examples,
    },
}
