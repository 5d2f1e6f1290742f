"""Derivatives by complex step, Im f(x + iεv)/ε: nothing cancels, exact to round-off for ε = 10⁻³⁰."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from refms.definition.arrays import Array, as_double

STEP = 1e-30
"""ε."""

Parameters = Mapping[str, Array]


def derivative(f: Callable[[Parameters], Array], p: Parameters, v: Parameters) -> Array:
    """Return the derivative at p along v of an f that lets complex numbers through.

    >>> float(derivative(lambda p: p["x"] ** 3, {"x": np.array(2.0)}, {"x": np.array(1.0)}))
    12.0
    """
    return np.imag(f({key: as_double(p[key]) + 1j * STEP * as_double(v[key]) for key in p})) / STEP


def gradient(f: Callable[[Parameters], Array], p: Parameters) -> dict[str, Array]:
    """Return the derivative at p in every entry."""
    zero = {key: np.zeros(p[key].shape) for key in p}
    found = {}
    for key in p:
        units = np.eye(p[key].size).reshape(-1, *p[key].shape)
        found[key] = np.reshape([derivative(f, p, {**zero, key: unit}) for unit in units], p[key].shape)
    return found
