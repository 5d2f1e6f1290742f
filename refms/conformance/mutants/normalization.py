"""Mistakes in group normalisation and its derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import columns, images, per_channel
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array


def _parts(Y: Array, grid: tuple[int, ...], groups: int) -> Array:
    """Return columns as (m, groups, numbers of a group)."""
    return images(Y, grid).astype("float64").reshape(Y.shape[1], groups, -1)


def _normalized(unit: Any, before: bool = False) -> Change:
    """Return the mistake of another x̂, of parts (m, groups, N) and ε; or of weights before it."""

    def change(t: Asked) -> Array:
        shape = (t.Y.shape[1], len(t.gamma), *t.grid)
        gamma, beta = (per_channel(one, np.empty(shape)) for one in (t.gamma, t.beta))
        if before:
            weighted = gamma * images(t.Y, t.grid) + beta
            return t(Y=columns(weighted), gamma=np.ones_like(t.gamma), beta=np.zeros_like(t.beta))
        x = unit(_parts(t.Y, t.grid, t.groups), t.epsilon)
        return columns(gamma * x.reshape(shape) + beta).astype(t.Y.dtype)

    return change


def _centred(x: Array, axis: Any = -1) -> Array:
    found: Array = x - x.mean(axis=axis, keepdims=True)
    return found


def _outside(x: Array, epsilon: float) -> Array:
    found: Array = _centred(x) / (x.std(axis=-1, keepdims=True) + epsilon)
    return found


def _unbiased(x: Array, epsilon: float) -> Array:
    N = x.shape[-1]
    found: Array = _centred(x) / np.sqrt(x.var(axis=-1, keepdims=True) * N / max(N - 1, 1) + epsilon)
    return found


def _root_mean_square(x: Array, epsilon: float) -> Array:
    found: Array = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + epsilon)
    return found


def _over_batch(x: Array, epsilon: float) -> Array:
    found: Array = _centred(x, (0, 2)) / np.sqrt(x.var(axis=(0, 2), keepdims=True) + epsilon)
    return found


def _derivative(product: Any) -> Change:
    """Return the mistake of another J v, of x̂, ρ and v as (m, groups, N)."""

    def change(t: Asked) -> Array:
        x, v = (_parts(one, t.grid, t.groups) for one in (t.Y, t.V))
        rho = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + t.epsilon)
        found = product(rho * _centred(x), rho, v).reshape(t.Y.shape[1], -1)
        return np.ascontiguousarray(found.T).astype(t.Y.dtype)

    return change


def _along(unit: Array, v: Array) -> Array:
    found: Array = unit * (unit * v).mean(axis=-1, keepdims=True)
    return found


MISTAKES: Table = {
    "normalize": {
        "ε of the normalisation outside of the root": _normalized(_outside),
        "variance of the normalisation with N − 1": _normalized(_unbiased),
        "mean not subtracted in the normalisation": _normalized(_root_mean_square),
        "statistics of the normalisation over the batch": _normalized(_over_batch),
        "weights before the normalisation": _normalized(None, before=True),
        "β left out after the normalisation": lambda t: t(beta=np.zeros_like(t.beta)),
        "1 + γ for γ after the normalisation": lambda t: t(gamma=1 + t.gamma),
    },
    "normalize normalize_product": {
        "ε of the normalisation left out": lambda t: t(epsilon=t.epsilon * 1e-6),
        "all channels one group": lambda t: t(groups=1),
        "ε of the normalisation squared": lambda t: t(epsilon=t.epsilon**2),
    },
    "normalize_product": {
        "variance held in the derivative of the normalisation": _derivative(lambda u, r, v: r * _centred(v)),
        "mean held in the derivative of the normalisation": _derivative(
            lambda u, r, v: r * (v - _along(u, v))
        ),
        "1/√variance left out of the derivative of the normalisation": _derivative(
            lambda u, r, v: _centred(v) - _along(u, v)
        ),
        "sum for mean in the derivative of the normalisation": _derivative(
            lambda u, r, v: r * (_centred(v) - v.shape[-1] * _along(u, v))
        ),
        "sign of the derivative of the normalisation": lambda t: -t(),
    },
}
