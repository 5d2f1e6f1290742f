"""Problem (6) of an instance by the definition, under its conventions, between named arrays and vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from refms.conformance.operations.operation import PARAMETERS
from refms.definition.arrays import as_double, norm
from refms.definition.problem import Problem, join
from refms.errors import Array

if TYPE_CHECKING:
    from refms.conformance.instances.instance import Instance

Parameters = Mapping[str, Array]

Weights = tuple[float, float, float, float]
"""α and τ of the parameters in time, α and τ of W in space."""

NO_WEIGHTS: Weights = (0.0, 0.0, 0.0, 0.0)


def training_problem(p: Parameters, X: Array, C: Array, x: Instance, weights: Weights) -> Problem:
    """Return problem (6) of parameters of these shapes, with a learned opening."""
    stencils = p["stencils"]
    fixed = as_double(X), as_double(C), as_double(p["opening"]), True, stencils.shape[3:], len(stencils)
    return Problem(
        *fixed,
        x.final_time,
        *weights,
        activation=x.activation,
        boundary=x.boundary,
        orientation=x.orientation,
        volume_weighted=x.volume_weighted,
        reduction=x.reduction,
    )


def vectors(p: Parameters) -> tuple[Array, Array]:
    """Return θ and ω of parameters, or of a direction, in double precision."""
    q = {key: as_double(p[key]) for key in PARAMETERS}
    layers = np.concatenate([q["stencils"].reshape(len(q["biases"]), -1), q["biases"]], axis=1)
    return join(q["opening"], layers), join(q["W"], q["mu"])


def named(problem: Problem, theta: Array, omega: Array) -> dict[str, Array]:
    """Return vectors as named arrays."""
    W, mu = problem.weights(omega)
    return {**problem.parameters(theta), "W": W, "mu": mu}


def pull(p: Parameters, x: Instance, weights: Weights) -> float:
    """Return the size, in units of the parameters, of what the gradient of R is a difference of."""
    alpha_theta, tau_theta, alpha_W, tau_W = weights
    dt = x.final_time / len(p["stencils"])
    in_time, in_space = (
        4 * alpha_theta / dt + tau_theta * dt,
        4 * alpha_W * sum(n * n for n in x.grid) + tau_W,
    )
    stiffness = {
        "opening": tau_theta,
        "stencils": in_time,
        "biases": in_time,
        "W": in_space / x.cells,
        "mu": 0,
    }
    return sum(stiffness[key] * x.units[key] * norm(p[key]) for key in PARAMETERS)
