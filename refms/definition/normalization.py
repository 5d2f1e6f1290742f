"""Group norm: x̂ = (x − μ)/√(mean (x − μ)² + ε) over the channels of a group and all cells, then γ x̂ + β."""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, Number, as_double


def group_mean(X: Array) -> Array:
    """Return the mean over all but the first two axes."""
    axes = tuple(range(2, X.ndim))
    return X.sum(axis=axes, keepdims=True) / int(np.prod(X.shape[2:]))


def standardize(Y: Array, groups: int, epsilon: Number) -> tuple[Array, Array]:
    """Return x̂ and ρ = 1/√(mean (x − μ)² + ε), of images as (m, groups, c/groups, *grid)."""
    x = as_double(Y).reshape(len(Y), groups, -1, *Y.shape[2:])
    x = x - group_mean(x)
    rho = 1 / np.sqrt(group_mean(x * x) + epsilon)
    return rho * x, rho


def normalize(Y: Array, groups: int, epsilon: Number, gamma: Array, beta: Array) -> Array:
    """Return γ_c x̂ + β_c for images Y (m, c, *grid).

    >>> normalize(np.array([[[1.0, 3.0]]]), 1, 0.0, np.ones(1), np.ones(1)).tolist()
    [[[0.0, 2.0]]]
    """
    channels = (-1, *(1,) * (Y.ndim - 2))
    unit = standardize(Y, groups, epsilon)[0].reshape(Y.shape)
    return gamma.reshape(channels) * unit + beta.reshape(channels)


def normalization_product(Y: Array, V: Array, groups: int, epsilon: Number) -> Array:
    """Return J v = ρ (v − mean v − x̂ mean(x̂ v)), the derivative of x̂ along v; J = Jᵀ."""
    unit, rho = standardize(Y, groups, epsilon)
    v = as_double(V).reshape(unit.shape)
    return (rho * (v - group_mean(v) - unit * group_mean(unit * v))).reshape(Y.shape)


def normalization_second(Y: Array, V: Array, G: Array, groups: int, epsilon: Number) -> Array:
    """Return D(J)[v] g = −ρ² mean(x̂ v)(g − mean g − x̂ mean(x̂ g)) − ρ (dx̂ mean(x̂ g) + x̂ mean(dx̂ g)).

    dx̂ = J v; the derivative of J g along v.
    """
    unit, rho = standardize(Y, groups, epsilon)
    v, g = (as_double(one).reshape(unit.shape) for one in (V, G))
    moved = normalization_product(Y, V, groups, epsilon).reshape(unit.shape)
    along = group_mean(unit * g)
    flat = g - group_mean(g) - unit * along
    turned = moved * along + unit * group_mean(moved * g)
    return (-rho * (rho * group_mean(unit * v) * flat + turned)).reshape(Y.shape)
