"""D1-D3: parameters between depths, for the same final time."""

from __future__ import annotations

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Instance
from refms.conformance.measures.orders import judge_order
from refms.conformance.oracles.evolution import mean_errors, several_images, smooth_parameters
from refms.conformance.properties.network import SMOOTH
from refms.conformance.property import Claims, family
from refms.definition.arrays import as_double, norm
from refms.definition.depth import prolong_in_time
from refms.definition.norms import max_norm
from refms.errors import Array

law = family("depth")
SEC3 = "[LAS] Sec. 3"


@law("D1", "depth_prolong", SEC3, half=True)
def _interpolation(a: Gate, x: Instance) -> Claims:
    """Depth prolongation interpolates linearly in time and is constant beyond the last layer.

    new θ_j = θ(j T/N_new) on the polygon through (t_k, θ_k), constant after t_{N-1}: constants and linear
    functions exact, no overshoot, N → 2N → 4N = N → 4N, N → N + 1, ⌈3N/2⌉, 3N from N = 1 on; scale ‖θ‖_∞
    Catches: copied layers, the wrong neighbour, halves of the wrong parameter, extrapolation at the end.
    """
    N = x.layers
    Theta = x.draw("Theta", N, x.c_in + 1, scale=x.stencil_scale)
    size = max_norm(Theta)
    doubled_once, direct = a.depth_prolong(Theta, 2 * N), a.depth_prolong(Theta, 4 * N)
    twice = a.depth_prolong(doubled_once, 4 * N)
    constant = np.full((N, 2), x.stencil_scale, dtype=x.dtype)
    for layers in (N + 1, -(-3 * N // 2), 2 * N, 3 * N):
        yield f"{N} → {layers} layers", a.depth_prolong(Theta, layers), prolong_in_time(Theta, layers), size
    yield "N → 4N", direct, prolong_in_time(Theta, 4 * N), size
    yield "N → 2N → 4N", twice, prolong_in_time(Theta, 4 * N), size
    yield "constants", a.depth_prolong(constant, 2 * N), np.repeat(constant, 2, axis=0), float(constant[0, 0])


@law("D2", "depth_prolong", "linear interpolation")
def _order(a: Gate, x: Instance) -> Claims:
    """Smooth parameters are interpolated with order 2.

    max |θ_j − θ(t_j)| = O(δt²) for t_j <= t_{N-1}; criterion: slope in [1.8, 2.2] from N = 16 to 32
    Catches: times that are off by half a step.
    """
    shift = 0.3 * (x.seed % 7)
    counts, errors = (16, 32), []
    for N in counts:
        old, new = np.arange(N) / N, np.arange(2 * N) / (2 * N)
        Theta = (x.stencil_scale * np.sin(3 * old + shift))[:, None].astype(x.dtype)
        got = as_double(a.depth_prolong(Theta, 2 * N))[:, 0] / x.stencil_scale
        inside = new <= old[-1]
        errors.append(float(np.abs(got - np.sin(3 * new + shift))[inside].max()))
    yield judge_order(counts, errors, 1.8, 2.2, "order of the interpolated parameters", "N")


@law("D3", "depth_prolong forward", SEC3, SMOOTH, cost=4)
def _output(a: Gate, x: Instance) -> Claims:
    """The output of the deeper network differs by O(δt), because T is kept.

    ‖y_N(θ) − y_2N(prolonged θ)‖ = O(1/N) for θ(t) as in N1; criterion: slope in [0.75, 1.25] from N = 64 to
    128
    Catches: a final time that doubles with the depth.
    """
    counts = (64, 128)

    def errors(one: Instance) -> list[float]:
        return [norm(_change(a, one, N)) for N in counts]

    yield judge_order(counts, mean_errors(x, errors), 0.75, 1.25, "order of the change of y_N", "N")


def _change(a: Gate, x: Instance, layers: int) -> Array:
    """Return y_N − y_2N for smooth parameters and the prolonged ones."""
    X, p = several_images(x), smooth_parameters(x, layers)
    rows = np.concatenate([p["stencils"].reshape(layers, -1), p["biases"]], axis=1)
    longer = a.depth_prolong(rows, 2 * layers)
    split = rows.shape[1] - x.c_out
    stencils = longer[:, :split].reshape(2 * layers, *p["stencils"].shape[1:])
    deep = {**p, "stencils": stencils.copy(), "biases": longer[:, split:].copy()}
    return as_double(a.forward(p, X, x.problem)) - as_double(a.forward(deep, X, x.problem))
