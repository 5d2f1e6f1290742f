"""Functions on which whole runs of optimisers are judged, and how far rounding errors may lead them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from refms.conformance.oracles.functions import SIZE
from refms.definition.arrays import as_double
from refms.definition.minimization import Function, Step
from refms.errors import Array

if TYPE_CHECKING:
    from refms.conformance.instances.instance import Instance

Noise = Callable[[Array], Array]
"""An array -> the array, or one that is changed a little."""

History = Mapping[str, Array]
"""Arrays whose first axis counts the steps."""

Read = Callable[[Step], Any]
"""A step -> one of its numbers or arrays."""

_DELTA = 1e-9


def rotation(x: Instance, name: str = "rotation") -> Array:
    """Return a random orthogonal matrix."""
    Q: Array = np.linalg.qr(as_double(x.draw(name, SIZE, SIZE)))[0]
    return Q


def separable(Q: Array, f: Callable[[Array], tuple[Array, Array, Array]]) -> Function:
    """Return Σ_i f(u_i), u = Q x, by f, f′ and f″ of numbers."""
    return Function(
        lambda x: float(f(Q @ as_double(x))[0].sum()),
        lambda x: Q.T @ f(Q @ as_double(x))[1],
        lambda x: lambda v: Q.T @ (f(Q @ as_double(x))[2] * (Q @ as_double(v))),
    )


def hyperbola(u: Array) -> tuple[Array, Array, Array]:
    """Return √(1 + u²) and its derivatives: Newton's full step −u(1 + u²) diverges where |u| > 1."""
    root = np.sqrt(1 + u * u)
    return root, u / root, root**-3


def wells(u: Array) -> tuple[Array, Array, Array]:
    """Return (u² − 1)²/4 and its derivatives; the curvature is negative where 3u² < 1."""
    return (u * u - 1) ** 2 / 4, u * (u * u - 1), 3 * u * u - 1


def handed(f: Function, dtype: str) -> SimpleNamespace:
    """Return a function as an adapter gets it, with arrays in its precision."""

    def curvature(x: Array) -> Callable[[Array], Array]:
        product = f.curvature(x)
        return lambda v: product(v).astype(dtype)

    return SimpleNamespace(
        value=f.value,
        value_and_gradient=lambda x: (f.value(x), f.gradient(x).astype(dtype)),
        curvature=curvature,
    )


def noisy(f: Function, noise: Noise) -> Function:
    """Return a function whose gradients, and products at both ends, are changed a little.

    A v that H almost annuls has a product far smaller than what cancels in it.
    """

    def curvature(x: Array) -> Callable[[Array], Array]:
        product = f.curvature(x)
        return lambda v: noise(product(noise(v)))

    return Function(f.value, lambda x: noise(f.gradient(x)), curvature)


def table(steps: Sequence[Step], reads: Mapping[str, Read]) -> dict[str, Array]:
    """Return steps as a history: name of an array -> how it is read from a step."""
    return {key: np.array([read(step) for step in steps]) for key, read in reads.items()}


def scales(exact: History, run: Callable[[Noise], History], x: Instance) -> dict[str, Array]:
    """Return against what errors of a history count in each step: they grow from step to step.

    ‖q_k‖_∞ + max ‖q_k(δ) − q_k‖_∞ / δ over histories that are run with relative errors δ.
    """
    size = {key: _largest(one) for key, one in exact.items()}
    answer = {key: 0 * one for key, one in size.items()}
    for number in range(3):
        rng = x.rng(f"noise {number}")

        def noise(a: Array, rng: Any = rng) -> Array:
            return a + _DELTA * float(np.abs(a).max(initial=0.0)) * rng.standard_normal(np.shape(a))

        moved = run(noise)
        for key, one in exact.items():
            answer[key] = np.maximum(answer[key], _largest(moved[key] - one) / _DELTA)
    return {key: np.maximum.accumulate(size[key] + answer[key]) for key in exact}


def _largest(a: Array) -> Array:
    """Return the largest absolute entry of each step."""
    found: Array = np.abs(a).reshape(len(a), -1).max(axis=1)
    return found
