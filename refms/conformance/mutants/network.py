"""Mistakes in the propagation of eqs. (1)-(3) and in the activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from refms.conformance.mutants.arrays import flip, scale
from refms.conformance.mutants.layers import NETWORK
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.conformance.operations import OPERATIONS, Parameters
from refms.errors import Array


def _in_time(final_time: Callable[[float, int], float]) -> Change:
    """Return what comes of another final time, a function of T and N."""
    return lambda t: t(
        problem=replace(t.problem, final_time=final_time(t.problem.final_time, len(t.parameters["stencils"])))
    )


def _with(changed: Callable[[Parameters], Mapping[str, Array]]) -> Change:
    """Return y_N of other parameters."""
    return lambda t: t(parameters={**t.parameters, **changed(t.parameters)})


def _of_layers(changed: Callable[[Array], Array]) -> Change:
    """Return y_N of other stencils and biases (N, …)."""
    return _with(lambda p: {key: changed(p[key]).copy() for key in ("stencils", "biases")})


def _treat_first_cell(t: Asked) -> Array:
    Y = t().copy()
    Y[0] *= 1.01
    return Y


def _flip_kernels(t: Asked) -> Any:
    """Return an operation at flipped kernels, and by the chain rule what goes with them flipped as well."""

    def flipped(p: Parameters) -> Parameters:
        layers = range(3, p["stencils"].ndim)
        return {**p, "opening": flip(p["opening"]), "stencils": flip(p["stencils"], *layers)}

    found = t(**{key: flipped(t.given[key]) for key in ("parameters", "direction") if key in t.given})
    return flipped(found) if OPERATIONS[t.operation].kind == "parameters" else found


MISTAKES: Table = {
    NETWORK: {
        "kernels flipped in opening and layers": _flip_kernels,
        "zero boundary in opening and layers": lambda t: t(problem=replace(t.problem, boundary="zero")),
        "step δt = 1 whatever T and N are": _in_time(lambda T, N: float(N)),
        "step δt = T/(N+1), the index slip": _in_time(lambda T, N: T * N / (N + 1)),
        "step δt² in place of δt": _in_time(lambda T, N: T * T / N),
        "ReLU in place of every activation": lambda t: t(problem=replace(t.problem, activation="relu")),
    },
    "forward": {
        "stencils of the layers subtracted": _with(lambda p: scale(p, -1.0, "stencils")),
        "opening not passed on, y_N − y_0 comes back": lambda t: t() - _in_time(lambda T, N: 0.0)(t),
        "layers in reverse order": _of_layers(lambda layers: layers[::-1]),
        "first layer used in every step": _of_layers(lambda layers: layers[:1].repeat(len(layers), 0)),
        "channels of the layers' stencils exchanged": _with(
            lambda p: {"stencils": p["stencils"].swapaxes(1, 2).copy()}
        ),
        "biases left out": _with(lambda p: scale(p, 0.0, "biases")),
        "biases subtracted": _with(lambda p: scale(p, -1.0, "biases")),
        "a tenth of the mean over the batch taken off": lambda t: t() - t().mean(axis=1, keepdims=True) / 10,
        "first cell treated differently": _treat_first_cell,
    },
    "activation_derivative": {
        "σ′ too large by 0.1 %": lambda t: 1.001 * t(),
        "σ in place of σ′": lambda t: t.right.activation(t.Z, t.name),
    },
}
