"""Steps in time other than Euler's: midpoint, RK4, leapfrog and Verlet, and their gradients."""

from __future__ import annotations

import math
from typing import Any

from refms.conformance.operations.networks import STEEPEST
from refms.conformance.operations.operation import Operation, paragraphs, row
from refms.definition.arrays import norm
from refms.definition.convolution import transpose
from refms.definition.norms import max_norm, row_sum_norm

_TIME = """With F(θ, y) = σ(K(s) y + b), N layers S (N, c, c, *stencil) and b (N, c), δt = T/N, T the
``final_time``. Layer k lives at t_k = k δt; θ(t) is linear between the layers, and θ_{N−1} from t_{N−1} on.
"""


def _growth(t: Any) -> float:
    """By how much errors grow in N steps."""
    slopes = [max(row_sum_norm(s), row_sum_norm(transpose(s)), 1.0) for s in t.S]
    return len(t.S) * math.exp(min(t.final_time * max(slopes), 300.0))


def _of_state(t: Any) -> float:
    return _growth(t) * max(float(max_norm(t.Y)), 1.0 + float(max_norm(t.b)))


def _of_gradient(t: Any) -> float:
    state = norm(t.Y) + math.sqrt(t.Y.size) * (1 + float(max_norm(t.b)))
    return float(STEEPEST * t.final_time * _growth(t) ** 2 * norm(t.Z) * state)


def _method(name: str, channels: str, promise: str) -> tuple[Operation, Operation]:
    """Return the rows of a method and of its gradient."""
    given = f"S[N G G stencil], b[N G], Y[m {channels} grid]"
    return (
        row(
            f"{name}({given}, grid, activation, final_time, boundary) -> field[m {channels} grid]",
            paragraphs(promise, _TIME),
            _of_state,
        ),
        row(
            f"{name}_gradient({given}, Z[m {channels} grid], grid, activation, final_time, boundary)"
            " -> array like S",
            f"∂⟨Z, {name}⟩/∂S: of the discrete steps, summed over the examples, in all layers.",
            _of_gradient,
        ),
    )


ROWS = (
    *_method(
        "midpoint",
        "G",
        "y_N of y_{k+1} = y_k + δt F(θ(t_k + δt/2), y_k + δt/2 F(θ_k, y_k)).",
    ),
    *_method(
        "rk4",
        "G",
        "y_N of the classical method of order 4, stages at t_k, t_k + δt/2 twice, and t_{k+1}.",
    ),
    *_method(
        "leapfrog",
        "G",
        "y_N of y″ = F, y′(0) = 0: y_{k+1} = 2y_k − y_{k−1} + δt² F(θ_k, y_k), y_1 = y_0 + δt² F(θ_0, y_0)/2",
    ),
    *_method(
        "verlet",
        "F",
        """(y_N, z_N) of y′ = σ(K z + b), z′ = −σ(Kᵀy + b), Y = (y_0, z_0) by halves of the channels, c each.

        z_{k+½} = z_k − δt/2 σ(K_kᵀ y_k + b_k), y_{k+1} = y_k + δt σ(K_{k+½} z_{k+½} + b_{k+½}), and
        z_{k+1} = z_{k+½} − δt/2 σ(K_{k+1}ᵀ y_{k+1} + b_{k+1}), θ_{k+½} and θ_{k+1} at these times.""",
    ),
)
