"""refms under other declarations: the loss summed over the examples, logits without h^d, other layouts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from refms.conformance.adapters.layouts import in_layout
from refms.conformance.mutants.arrays import scale
from refms.conformance.mutants.mutant import Asked, mutants
from refms.conformance.operations import OPERATIONS, Parameters
from refms.errors import Array
from refms.linear.product import Operator
from refms.optimize.options import StepOptions
from refms.optimize.step import descent_step


def _at_weights(t: Asked) -> Any:
    """Return an operation at the weights n·W, and by the chain rule their direction and the result in W."""
    named = {key: scale(t.given[key], t.cells, "W") for key in ("parameters", "direction") if key in t.given}
    found = t(**named)
    return scale(found, t.cells, "W") if OPERATIONS[t.operation].kind == "parameters" else found


def _block_step(t: Asked) -> Parameters:
    if t.block == "propagation":
        return {**t(parameters=scale(t.parameters, t.cells, "W")), "W": t.parameters["W"].copy()}
    return _classifier_step(t)


def _classifier_step(t: Asked) -> Parameters:
    """Return a Newton step in (W, μ) of logits Wᵀy + μ: conjugate gradients know the inner product of W."""
    unweighted, given, W = UNWEIGHTED.around(t.right), (t.X, t.C, t.problem), t.parameters["W"]

    def named(v: Array) -> dict[str, Array]:
        return {"W": v[: W.size].reshape(W.shape), "mu": v[W.size :]}

    def at(v: Array) -> Parameters:
        return {**t.parameters, **named(v)}

    def joined(p: Parameters) -> Array:
        return np.concatenate([p["W"].ravel(), p["mu"]])

    def value(v: Array) -> float:
        return float(unweighted.loss(at(v), *given))

    def value_and_gradient(v: Array) -> tuple[float, Array]:
        return value(v), joined(unweighted.gradient(at(v), *given))

    def curvature(v: Array) -> Operator:
        still = {key: np.zeros_like(one) for key, one in t.parameters.items()}
        return Operator.symmetric(
            lambda d: joined(unweighted.gauss_newton(at(v), {**still, **named(d)}, *given)), v
        )

    objective: Any = SimpleNamespace(value=value, value_and_gradient=value_and_gradient, curvature=curvature)
    found = descent_step(objective, joined(t.parameters), StepOptions(cg_iterations=100)).x
    return {key: one.copy() for key, one in at(found).items()}


(SUMMED,) = mutants(
    "",
    {
        "loss gradient gauss_newton subsampled_gauss_newton"
        " cross_entropy cross_entropy_gradient cross_entropy_hessian": {
            "loss summed over the examples": lambda t: scale(t(), t.examples)
        }
    },
)


def _on_mesh(t: Asked) -> Any:
    """Return a network on another mesh for W that holds h^d w."""
    finer = t.operation == "refine_network"
    there = t.cells * 2 ** len(t.grid) if finer else t.cells // 2 ** len(t.grid)
    return scale(t(parameters=scale(t.parameters, t.cells, "W")), 1 / there, "W")


_UNWEIGHTED = "logits without h^d, Wᵀy + μ"

(UNWEIGHTED,) = mutants(
    "",
    {
        "logits": {_UNWEIGHTED: lambda t: t(W=t.W * t.cells)},
        "loss gradient gauss_newton subsampled_gauss_newton jacobian_product jacobian_transpose": {
            _UNWEIGHTED: _at_weights
        },
        "refine_network coarsen_network": {_UNWEIGHTED: _on_mesh},
        "block_step": {_UNWEIGHTED: _block_step},
    },
)


def as_declared(adapter: Any) -> Any:
    """Return an adapter for weighted logits and mean losses in columns as one for what its profile says."""
    if not adapter.profile.volume_weighted:
        adapter = UNWEIGHTED.around(adapter)
    if adapter.profile.reduction == "sum":
        adapter = SUMMED.around(adapter)
    layout = adapter.profile.layout
    return adapter if layout == "columns" else in_layout(adapter, layout)
