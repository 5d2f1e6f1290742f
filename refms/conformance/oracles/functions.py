"""Functions that optimisers are tried on: quadratic ones, and one that is smooth and strictly convex."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from refms.definition.arrays import as_double
from refms.errors import Array

if TYPE_CHECKING:
    from refms.conformance.instances.instance import Instance

SIZE = 8
"""Number of variables."""


def parabola(kappa: float, t: float) -> float:
    """Return 3 − t + ½κt², of slope −1 at 0."""
    return 3.0 - t + 0.5 * kappa * t * t


def objective(
    value: Callable[[Array], float],
    gradient: Callable[[Array], Array],
    curvature: Callable[[Array], Callable[[Array], Array]],
) -> SimpleNamespace:
    """Return f with its gradient and x -> (v -> H(x) v) as an adapter gets it."""
    return SimpleNamespace(
        value=value, value_and_gradient=lambda x: (value(x), gradient(x)), curvature=curvature
    )


def log_cosh(x: Instance, name: str = "") -> SimpleNamespace:
    """Return f(x) = γl F(x/l), F(u) = Σ log cosh(Cu − d) + ½‖u‖², and its dense Hessian.

    It is smooth, strictly convex and not quadratic; gradients are of size γ, curvatures of size γ/l.
    """
    C, d = x.draw(f"{name}C", SIZE, SIZE, scale=0.5), x.draw(f"{name}d", SIZE)
    gamma, unit = (np.dtype(x.dtype).type(size) for size in (x.stencil_scale, solution_size(x)))
    factor = gamma / unit

    def value(y: Array) -> float:
        u = as_double(y) / float(unit)
        z = as_double(C) @ u - as_double(d)
        F = np.logaddexp(z, -z).sum() - SIZE * np.log(2) + 0.5 * u @ u
        return float(F) * float(gamma) * float(unit)

    def weights(u: Array, C: Array) -> Array:
        return 1 - np.tanh(C @ u - d) ** 2

    def hessian(y: Array) -> Array:
        wide = as_double(C)
        curved = wide.T @ (weights(as_double(y) / float(unit), wide)[:, None] * wide) + np.eye(SIZE)
        return float(gamma) / float(unit) * curved

    def curvature(y: Array) -> Callable[[Array], Array]:
        w = weights(y / unit, C)
        return lambda v: factor * (C.T @ (w * (C @ v)) + v)

    f = objective(value, lambda y: gamma * (C.T @ np.tanh(C @ (y / unit) - d) + y / unit), curvature)
    f.hessian = hessian
    return f


def solution_size(x: Instance) -> float:
    """Return the size of solutions: gradients are of size stencil_scale, curvatures of image_scale."""
    return x.stencil_scale / x.image_scale


def symmetric(x: Instance, eigenvalues: Array, name: str = "A") -> Array:
    """Return a symmetric matrix with the given eigenvalues times image_scale, and random eigenvectors."""
    Q, _ = np.linalg.qr(as_double(x.draw(name, len(eigenvalues), len(eigenvalues))))
    A = x.image_scale * ((Q * eigenvalues) @ Q.T)
    return ((A + A.T) / 2).astype(x.dtype)
