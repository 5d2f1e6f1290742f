"""refms under other declarations: the loss summed over the examples, logits without h^d, other layouts."""

from __future__ import annotations

import math
from typing import Any

from refms.conformance.adapters.layouts import in_layout
from refms.conformance.mutants.arrays import scaled
from refms.conformance.mutants.mutant import Mutant, Shelf

shelf = Shelf("conventions")

SUMMED = shelf.altered(
    "loss summed over the examples",
    loss=lambda found, p, X, *rest: found * X.shape[1],
    gradient=lambda found, p, X, *rest: scaled(found, X.shape[1]),
    gauss_newton=lambda found, p, v, X, *rest: scaled(found, X.shape[1]),
    subsampled_gauss_newton=lambda found, p, v, X, *rest: scaled(found, X.shape[1]),
    cross_entropy=lambda found, Z, *rest: found * Z.shape[1],
    cross_entropy_gradient=lambda found, Z, *rest: found * Z.shape[1],
    cross_entropy_hessian=lambda found, Z, *rest: found * Z.shape[1],
)


def _cells(problem: Any) -> int:
    return math.prod(problem.grid)


def _unweighted() -> Mutant:
    """Return the convention Wᵀy + μ: refms with the weights n·W, and derivatives by the chain rule."""

    def loss(right: Any, p: Any, X: Any, C: Any, problem: Any) -> Any:
        return right.loss(scaled(p, _cells(problem), "W"), X, C, problem)

    def gradient(right: Any, p: Any, X: Any, C: Any, problem: Any) -> Any:
        n = _cells(problem)
        return scaled(right.gradient(scaled(p, n, "W"), X, C, problem), n, "W")

    def gauss_newton(right: Any, p: Any, v: Any, X: Any, C: Any, problem: Any) -> Any:
        n = _cells(problem)
        return scaled(right.gauss_newton(scaled(p, n, "W"), scaled(v, n, "W"), X, C, problem), n, "W")

    def subsampled_gauss_newton(
        right: Any, p: Any, v: Any, X: Any, C: Any, problem: Any, size: int, seed: int
    ) -> Any:
        n = _cells(problem)
        weighted = scaled(p, n, "W"), scaled(v, n, "W"), X, C, problem
        return scaled(right.subsampled_gauss_newton(*weighted, size, seed), n, "W")

    def jacobian_product(right: Any, p: Any, v: Any, X: Any, problem: Any) -> Any:
        n = _cells(problem)
        return right.jacobian_product(scaled(p, n, "W"), scaled(v, n, "W"), X, problem)

    def jacobian_transpose(right: Any, p: Any, U: Any, X: Any, problem: Any) -> Any:
        n = _cells(problem)
        return scaled(right.jacobian_transpose(scaled(p, n, "W"), U, X, problem), n, "W")

    def block_step(right: Any, p: Any, X: Any, C: Any, problem: Any, block: str) -> Any:
        n = _cells(problem)
        found = right.block_step(scaled(p, n, "W"), X, C, problem, block)
        return scaled(found, 1 / n, "W") if block == "classifier" else {**found, "W": p["W"].copy()}

    return shelf.replaced(
        "logits without h^d",
        logits=lambda right, W, mu, Y, grid: right.logits(W * math.prod(grid), mu, Y, grid),
        loss=loss,
        gradient=gradient,
        gauss_newton=gauss_newton,
        subsampled_gauss_newton=subsampled_gauss_newton,
        jacobian_product=jacobian_product,
        jacobian_transpose=jacobian_transpose,
        block_step=block_step,
    )


UNWEIGHTED = _unweighted()


def as_declared(adapter: Any) -> Any:
    """Return an adapter for weighted logits and mean losses in columns as one for what its profile declares.

    Parameters
    ----------
    adapter : Adapter
        In columns whatever its profile says, such as the reference.

    Returns
    -------
    Adapter
        The same where the profile declares just that.
    """
    if not adapter.profile.volume_weighted:
        adapter = UNWEIGHTED.around(adapter)
    if adapter.profile.reduction == "sum":
        adapter = SUMMED.around(adapter)
    layout = adapter.profile.layout
    return adapter if layout == "columns" else in_layout(adapter, layout)
