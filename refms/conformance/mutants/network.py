"""Mistakes in the propagation of eqs. (1)-(3) and in the activations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.mutants.arrays import scale, times
from refms.conformance.mutants.mutant import Change, alter, feed, of_family, substitute
from refms.conformance.operations import Parameters
from refms.errors import Array


def _in_time(final_time: Change) -> Change:
    """Return the arguments with another T, a function of T and N."""
    return lambda p, X, problem: (
        p,
        X,
        replace(problem, final_time=final_time(problem.final_time, len(p["stencils"]))),
    )


def _with(changed: Change) -> Change:
    """Return the arguments with other parameters."""
    return lambda p, X, problem: ({**p, **changed(p)}, X, problem)


def _without_skip(right: Any, p: Parameters, X: Array, problem: Problem) -> Array:
    return right.forward(p, X, problem) - right.forward(p, X, replace(problem, final_time=0.0))


def _treat_first_cell(found: Array, *given: Any) -> Array:
    Y = found.copy()
    Y[0] *= 1.01
    return Y


NETWORK = of_family(
    "network",
    feed("step δt = 1 whatever T and N are", forward=_in_time(lambda T, N: float(N))),
    feed("step δt = T/(N+1), the index slip", forward=_in_time(lambda T, N: T * N / (N + 1))),
    feed("step δt² in place of δt", forward=_in_time(lambda T, N: T * T / N)),
    feed("stencils of the layers subtracted", forward=_with(lambda p: scale(p, -1.0, "stencils"))),
    substitute("opening not passed on, y_N − y_0 comes back", forward=_without_skip),
    feed(
        "layers in reverse order",
        forward=_with(lambda p: {key: p[key][::-1].copy() for key in ("stencils", "biases")}),
    ),
    feed(
        "first layer used in every step",
        forward=_with(lambda p: {k: np.repeat(p[k][:1], len(p[k]), axis=0) for k in ("stencils", "biases")}),
    ),
    feed(
        "channels of the layers' stencils exchanged",
        forward=_with(lambda p: {"stencils": p["stencils"].swapaxes(1, 2).copy()}),
    ),
    feed("biases left out", forward=_with(lambda p: scale(p, 0.0, "biases"))),
    feed("biases subtracted", forward=_with(lambda p: scale(p, -1.0, "biases"))),
    feed(
        "ReLU in place of every activation",
        forward=lambda p, X, problem: (p, X, replace(problem, activation="relu")),
    ),
    alter(
        "a tenth of the mean over the batch taken off",
        forward=lambda found, *given: found - found.mean(axis=1, keepdims=True) / 10,
    ),
    alter("first cell treated differently", forward=_treat_first_cell),
    alter("σ′ too large by 0.1 %", activation_derivative=times(1.001)),
    substitute("σ in place of σ′", activation_derivative=lambda right, Z, name: right.activation(Z, name)),
)
"""The family."""
