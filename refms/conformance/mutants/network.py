"""Mistakes in the propagation of eqs. (1)-(3) and in the activations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.mutants.arrays import scaled, with_first
from refms.conformance.mutants.mutant import Change, Shelf
from refms.conformance.operations import Parameters
from refms.errors import Array

shelf = Shelf("network")


def _in_time(final_time: Change) -> Change:
    """Return a forward pass with another T, a function of T and N."""

    def forward(right: Any, parameters: Parameters, X: Array, problem: Problem) -> Array:
        T = final_time(problem.final_time, len(parameters["stencils"]))
        return right.forward(parameters, X, replace(problem, final_time=T))

    return forward


def _with(changed: Change) -> Change:
    """Return a forward pass with other parameters."""

    def forward(right: Any, parameters: Parameters, X: Array, problem: Problem) -> Array:
        return right.forward({**parameters, **changed(parameters)}, X, problem)

    return forward


def _without_skip(right: Any, parameters: Parameters, X: Array, problem: Problem) -> Array:
    opened = right.forward(parameters, X, replace(problem, final_time=0.0))
    return right.forward(parameters, X, problem) - opened


NETWORK = (
    shelf.replaced("step δt = 1 whatever T and N are", forward=_in_time(lambda T, N: float(N))),
    shelf.replaced("step δt = T/(N+1), the index slip", forward=_in_time(lambda T, N: T * N / (N + 1))),
    shelf.replaced("step δt² in place of δt", forward=_in_time(lambda T, N: T * T / N)),
    shelf.replaced("stencils of the layers subtracted", forward=_with(lambda p: scaled(p, -1.0, "stencils"))),
    shelf.replaced("opening not passed on, y_N − y_0 comes back", forward=_without_skip),
    shelf.replaced(
        "layers in reverse order",
        forward=_with(lambda p: {key: p[key][::-1].copy() for key in ("stencils", "biases")}),
    ),
    shelf.replaced(
        "first layer used in every step",
        forward=_with(lambda p: {k: np.repeat(p[k][:1], len(p[k]), axis=0) for k in ("stencils", "biases")}),
    ),
    shelf.replaced(
        "channels of the layers' stencils exchanged",
        forward=_with(lambda p: {"stencils": p["stencils"].swapaxes(1, 2).copy()}),
    ),
    shelf.replaced("biases left out", forward=_with(lambda p: scaled(p, 0.0, "biases"))),
    shelf.replaced("biases subtracted", forward=_with(lambda p: scaled(p, -1.0, "biases"))),
    shelf.replaced(
        "ReLU in place of every activation",
        forward=lambda right, p, X, problem: right.forward(p, X, replace(problem, activation="relu")),
    ),
    shelf.altered(
        "a tenth of the mean over the batch taken off",
        forward=lambda found, *given: found - found.mean(axis=1, keepdims=True) / 10,
    ),
    shelf.altered("first cell treated differently", forward=lambda found, *given: with_first(found, 1.01)),
    shelf.altered("σ′ too large by 0.1 %", activation_derivative=lambda found, *given: found * 1.001),
    shelf.replaced(
        "σ in place of σ′",
        activation_derivative=lambda right, Z, name: right.activation(Z, name),
    ),
)
"""The family."""
