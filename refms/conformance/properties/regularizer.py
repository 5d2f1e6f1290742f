"""R1-R4: smoothness of the classification weights in space and of the parameters in time."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.orders import judge_order
from refms.conformance.measures.outcome import holds
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import as_double
from refms.definition.norms import max_norm
from refms.definition.regularizers import in_space, in_space_gradient, in_time, in_time_gradient
from refms.errors import Array

law = family("regularizer")
EQ6 = "[LAS] eq. (6)"
FOUR = "weight_smoothness weight_smoothness_gradient time_smoothness time_smoothness_gradient"
SPATIAL = Domain(small=True, smallest=2)


@law("R1", FOUR, EQ6, SPATIAL)
def _differences(a: Gate, x: Instance) -> Claims:
    """Regularisers are sums of squared differences, and their gradients belong to them.

    R(W) = h^d/2 Σ‖∇_h w_j‖² over interior faces, R(θ) = ½Σ δt‖(θ_{k+1} − θ_k)/δt‖², R >= 0, gradients by
    differences of differences, R(x+v) = R(x) + ∇R(x)ᵀv + R(v); scale h^{d-2}‖x‖² or ‖x‖²/δt
    Catches: h^d, h² or δt missing, a factor two, a wrong sign, periodic differences.
    """
    for name, where, R, slope, value, gradient, stiffness, (u, v) in _both(a, x, 1 + x.c_in):
        size, R_u, R_v = stiffness * (_square(u) + _square(v)), R(u, where), R(v, where)
        rise = dot(slope(u, where), v)
        yield f"R({name})", R_u, value(u, where), size
        yield f"∇R({name})", slope(u, where), gradient(u, where), stiffness * max_norm(u)
        yield f"R({name}) is quadratic", R(u + v, where), R_u + rise + R_v, size
        yield holds(R_u >= 0, f"R({name}) >= 0", f"it is {R_u:.3g}")


@law("R2", FOUR, "Neumann differences", SPATIAL)
def _eigenfunctions(a: Gate, x: Instance) -> Claims:
    """Constants are free, and cosines are the eigenfunctions.

    W = Π cos(πk_j(i_j+½)/n_j): ∇R = h^d Σ_j (2 − 2cos(πk_j/n_j))/h_j² W, zero for k = 0 alone; the same in
    time; scale of the largest eigenvalue
    Catches: periodic or one-sided differences at the edges, a Tikhonov term, constants that are not free.
    """
    size, one = x.image_scale * _stiffness(x.grid), x.stencil_scale
    highest = itertools.product(*(range(min(n, 3)) for n in x.grid))
    for k in highest:
        wave, eigenvalue = np.ones(()), 0.0
        for mode, n in zip(k, x.grid, strict=True):
            wave = np.multiply.outer(wave, np.cos(np.pi * mode * (np.arange(n) + 0.5) / n))
            eigenvalue += (2 - 2 * math.cos(math.pi * mode / n)) * n * n / x.cells
        W = np.repeat(x.image_scale * wave.reshape(-1, 1), x.classes, axis=1).astype(x.dtype)
        got = a.weight_smoothness_gradient(W, x.grid)
        yield f"∇R(W) for mode {k}", got, eigenvalue * as_double(W), size
    N = x.layers + 1
    for mode in range(min(N, 3)):
        wave = one * np.cos(np.pi * mode * (np.arange(N) + 0.5) / N)
        Theta = np.repeat(wave[:, None], 2, axis=1).astype(x.dtype)
        eigenvalue = (2 - 2 * math.cos(math.pi * mode / N)) * N / x.final_time
        got = a.time_smoothness_gradient(Theta, x.final_time)
        largest = one * 4 * N / x.final_time
        yield f"∇R(θ), {mode}", got, eigenvalue * as_double(Theta), largest
    ones = np.full((x.cells, x.classes), x.image_scale, dtype=x.dtype)
    still = np.full((N, 2), one, dtype=x.dtype)
    in_space, in_time = x.image_scale * size * x.cells * x.classes, one**2 * 8 * N * N / x.final_time
    yield "R(W) = 0 for W constant", a.weight_smoothness(ones, x.grid), 0.0, in_space
    yield "R(θ) = 0 for θ constant", a.time_smoothness(still, x.final_time), 0.0, in_time


@law("R3", FOUR, EQ6, SPATIAL)
def _homogeneous(a: Gate, x: Instance) -> Claims:
    """Regularisers are homogeneous of degree two.

    R(ax) = a²R(x) and ∇R(ax) = a∇R(x); not scaled by the number of examples, which they are not told; scale
    as R1, for the gradients too
    Catches: norms that are not squared, smoothed absolute values.
    """
    three = np.asarray(3, dtype=x.dtype)
    for name, where, R, slope, _, _, stiffness, (u, _) in _both(a, x, 3):
        size, steep = 18 * stiffness * _square(u), 3 * stiffness * max_norm(u)
        yield from agree(f"R(3{name}) = 9R({name})", R(three * u, where), 9 * R(u, where), size)
        yield from agree(
            f"∇R(3{name}) = 3∇R({name})", slope(three * u, where), three * slope(u, where), steep
        )


@law("R4", "weight_smoothness time_smoothness", "weights of [LAS] eq. (6)", SPATIAL)
def _mesh_independent(a: Gate, x: Instance) -> Claims:
    """Regularisers do not depend on mesh or depth.

    R of a smooth w approaches ½∫|∇w|² with order 2 (criterion: slope in [1.8, 2.2] from n = 16 to 32); θ
    linear in time up to t_{N-1} and constant after has the same R for N and 2N layers, ½(T − δt)|θ′|²; scale
    R
    Catches: h^d, 1/h or δt missing: regularisation that changes from level to level.
    """
    counts, errors = (16, 32), []
    for n in counts:
        grid = (n, *(2 if a.profile.rectangular else n for _ in x.grid[1:]))
        w = x.image_scale * np.cos(np.pi * (np.arange(n) + 0.5) / n)
        W = np.broadcast_to(w.reshape(-1, *(1,) * (x.d - 1)), grid).reshape(-1, 1)
        value = a.weight_smoothness(np.repeat(W, 2, axis=1).astype(x.dtype), grid)
        errors.append(abs(value / x.image_scale**2 - math.pi**2 / 2))
    yield judge_order(counts, errors, 1.8, 2.2, "order of R(W)")
    N, T = x.layers + 1, x.final_time
    dt = T / N
    for layers in (N, 2 * N):
        times = np.minimum(np.arange(layers) * T / layers, T - dt)
        Theta = (x.stencil_scale * np.stack([2 * times, 1 - times], axis=1)).astype(x.dtype)
        expected = x.stencil_scale**2 * 0.5 * (T - dt) * 5
        scale = expected + 4 * layers / T * float((as_double(Theta) ** 2).max())
        yield f"R(θ) for {layers} layers", a.time_smoothness(Theta, T), expected, scale


def _both(a: Gate, x: Instance, p: int) -> tuple[tuple[Any, ...], ...]:
    """Return both regularisers: name, grid or T, R and ∇R, both as defined, bound of ∇²R, two arguments."""
    W, V = (x.draw(name, x.c_in * x.cells, x.classes, scale=x.image_scale) for name in ("W", "V"))
    Theta, Phi = (x.draw(name, x.layers + 1, p, scale=x.stencil_scale) for name in ("Theta", "Phi"))
    space = a.weight_smoothness, a.weight_smoothness_gradient, in_space, in_space_gradient
    time = a.time_smoothness, a.time_smoothness_gradient, in_time, in_time_gradient
    return (
        ("W", x.grid, *space, _stiffness(x.grid), (W, V)),
        ("θ", x.final_time, *time, 4 * len(Theta) / x.final_time, (Theta, Phi)),
    )


def _stiffness(grid: tuple[int, ...]) -> float:
    """Return the bound 4 h^d Σ h_j^-2 of the largest eigenvalue."""
    return 4 * sum(n * n for n in grid) / math.prod(grid)


def _square(u: Array) -> float:
    return float((as_double(u) ** 2).sum())
