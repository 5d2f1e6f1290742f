"""refms under other declarations: the loss summed over the examples, logits without h^d, other layouts."""

from __future__ import annotations

import math
from typing import Any

from refms.conformance.adapters.layouts import in_layout
from refms.conformance.adapters.profile import Problem
from refms.conformance.mutants.arrays import by, scale
from refms.conformance.mutants.mutant import Change, alter, substitute
from refms.conformance.operations import Parameters
from refms.errors import Array

_EXAMPLES = by(lambda p, X, *rest: X.shape[1])
_DIRECTED = by(lambda p, v, X, *rest: X.shape[1])
_COLUMNS = by(lambda Z, *rest: Z.shape[1])

SUMMED = alter(
    "loss summed over the examples",
    loss=_EXAMPLES,
    gradient=_EXAMPLES,
    gauss_newton=_DIRECTED,
    subsampled_gauss_newton=_DIRECTED,
    cross_entropy=_COLUMNS,
    cross_entropy_gradient=_COLUMNS,
    cross_entropy_hessian=_COLUMNS,
)


def _with_weights(operation: str, *, directed: bool = False, transposed: bool = False) -> Change:
    """Return an operation at the weights n·W, and by the chain rule their direction and the result in W."""

    def change(right: Any, *given: Any) -> Any:
        problem = next(one for one in given if isinstance(one, Problem))
        n, count = math.prod(problem.grid), 2 if directed else 1
        weighted = *(scale(one, n, "W") for one in given[:count]), *given[count:]
        found = getattr(right, operation)(*weighted)
        return scale(found, n, "W") if transposed else found

    return change


def _block_step(right: Any, p: Parameters, X: Array, C: Array, problem: Problem, block: str) -> Parameters:
    n = math.prod(problem.grid)
    found = right.block_step(scale(p, n, "W"), X, C, problem, block)
    return scale(found, 1 / n, "W") if block == "classifier" else {**found, "W": p["W"].copy()}


UNWEIGHTED = substitute(  # Wᵀy + μ
    "logits without h^d",
    logits=lambda right, W, mu, Y, grid: right.logits(W * math.prod(grid), mu, Y, grid),
    loss=_with_weights("loss"),
    gradient=_with_weights("gradient", transposed=True),
    gauss_newton=_with_weights("gauss_newton", directed=True, transposed=True),
    subsampled_gauss_newton=_with_weights("subsampled_gauss_newton", directed=True, transposed=True),
    jacobian_product=_with_weights("jacobian_product", directed=True),
    jacobian_transpose=_with_weights("jacobian_transpose", transposed=True),
    block_step=_block_step,
)


def as_declared(adapter: Any) -> Any:
    """Return an adapter for weighted logits and mean losses in columns as one for what its profile says."""
    if not adapter.profile.volume_weighted:
        adapter = UNWEIGHTED.around(adapter)
    if adapter.profile.reduction == "sum":
        adapter = SUMMED.around(adapter)
    layout = adapter.profile.layout
    return adapter if layout == "columns" else in_layout(adapter, layout)
