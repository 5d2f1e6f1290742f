"""R1-R4: smoothness of the classification weights in space and of the parameters in time."""

from __future__ import annotations

import itertools
import math

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.orders import judge_order
from refms.conformance.measures.outcome import holds
from refms.conformance.property import Claims, Family, agree
from refms.definition.arrays import as_double
from refms.errors import Array

FAMILY = Family("regularizer")
law = FAMILY.law
EQ6 = "[LAS] eq. (6)"
BOTH = (
    "weight_smoothness",
    "weight_smoothness_gradient",
    "time_smoothness",
    "time_smoothness_gradient",
)
SPATIAL = Domain(small=True, smallest=2)


@law("R1", BOTH, source=EQ6, domain=SPATIAL)
def _differences(a: Gate, x: Instance) -> Claims:
    """Regularisers are sums of squared differences, and their gradients belong to them.

    R(W) = h^d/2 Σ‖∇_h w_j‖² over interior faces, R(θ) = ½Σ δt‖(θ_{k+1} − θ_k)/δt‖², R >= 0, gradients by
    differences of differences, R(x+v) = R(x) + ∇R(x)ᵀv + R(v); scale h^{d-2}‖x‖² or ‖x‖²/δt
    Catches: h^d, h² or δt missing, a factor two, a wrong sign, periodic differences.
    """
    W, V = (_weights(x, name) for name in ("W", "V"))
    Theta, Phi = (_layers(x, name, 1 + x.c_in) for name in ("Theta", "Phi"))
    dt = x.final_time / len(Theta)
    value, gradient = _spatial(W, x.grid)
    in_time = np.diff(as_double(Theta), axis=0) / dt
    time_gradient = np.zeros(Theta.shape)
    time_gradient[1:] += in_time
    time_gradient[:-1] -= in_time
    space, time = _stiffness(x.grid), 4 / dt
    sizes = space * _square(W, V), time * _square(Theta, Phi)
    T = x.final_time
    parts = (
        (a.weight_smoothness(W + V, x.grid), a.weight_smoothness(W, x.grid), a.weight_smoothness(V, x.grid)),
        (a.time_smoothness(Theta + Phi, T), a.time_smoothness(Theta, T), a.time_smoothness(Phi, T)),
    )
    gradients = a.weight_smoothness_gradient(W, x.grid), a.time_smoothness_gradient(Theta, T)
    slopes = [float((as_double(g) * as_double(v)).sum()) for g, v in zip(gradients, (V, Phi), strict=True)]
    names = ("W", "θ")
    yield "R(W)", parts[0][1], value, sizes[0]
    yield "R(θ)", parts[1][1], 0.5 * dt * float((in_time**2).sum()), sizes[1]
    yield "∇R(W), scale h^{d-2}‖W‖_∞", gradients[0], gradient, space * float(np.abs(W).max())
    yield "∇R(θ), scale ‖θ‖_∞/δt", gradients[1], time_gradient, time * float(np.abs(Theta).max())
    for name, (together, first, second), rise, scale in zip(names, parts, slopes, sizes, strict=True):
        yield f"R({name}) is quadratic", together, first + rise + second, scale
        yield holds(first >= 0, f"R({name}) >= 0", f"it is {first:.3g}")


@law("R2", BOTH, source="Neumann differences", domain=SPATIAL)
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


@law("R3", BOTH, source=EQ6, domain=SPATIAL)
def _homogeneous(a: Gate, x: Instance) -> Claims:
    """Regularisers are homogeneous of degree two.

    R(ax) = a²R(x) and ∇R(ax) = a∇R(x); not scaled by the number of examples, which they are not told; scale
    as R1, for the gradients too
    Catches: norms that are not squared, smoothed absolute values.
    """
    W, Theta = _weights(x, "W"), _layers(x, "Theta", 3)
    T, three = x.final_time, np.asarray(3, dtype=x.dtype)
    space = 9 * _stiffness(x.grid) * _square(W, W)
    time = 36 * len(Theta) / T * _square(Theta, Theta)
    values = a.weight_smoothness(three * W, x.grid), a.weight_smoothness(W, x.grid)
    in_time = a.time_smoothness(three * Theta, T), a.time_smoothness(Theta, T)
    slopes = a.weight_smoothness_gradient(three * W, x.grid), a.weight_smoothness_gradient(W, x.grid)
    rates = a.time_smoothness_gradient(three * Theta, T), a.time_smoothness_gradient(Theta, T)
    steep = 3 * _stiffness(x.grid) * float(np.abs(W).max())
    fast = 12 * len(Theta) / T * float(np.abs(Theta).max())
    yield from agree("R(3W) = 9R(W)", values[0], 9 * np.asarray(values[1]), space)
    yield from agree("R(3θ) = 9R(θ)", in_time[0], 9 * np.asarray(in_time[1]), time)
    yield from agree("∇R(3W) = 3∇R(W)", slopes[0], three * slopes[1], steep)
    yield from agree("∇R(3θ) = 3∇R(θ)", rates[0], three * rates[1], fast)


@law("R4", ("weight_smoothness", "time_smoothness"), source="weights of [LAS] eq. (6)", domain=SPATIAL)
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


def _weights(x: Instance, name: str) -> Array:
    """Return random weights (c·n, ℓ) of the size of the instance's images."""
    return x.draw(name, x.c_in * x.cells, x.classes, scale=x.image_scale)


def _layers(x: Instance, name: str, p: int) -> Array:
    """Return random parameters (N + 1, p) of the size of the instance's stencils."""
    return x.draw(name, x.layers + 1, p, scale=x.stencil_scale)


def _spatial(W: Array, grid: tuple[int, ...]) -> tuple[float, Array]:
    """Return h^d/2 Σ‖∇_h w‖² and its gradient by differences along each axis."""
    w = as_double(W).reshape(-1, *grid, W.shape[1])
    cells, value, gradient = math.prod(grid), 0.0, np.zeros(w.shape)
    for axis, n in enumerate(grid, start=1):
        change = np.diff(w, axis=axis) * n
        value += 0.5 / cells * float((change**2).sum())
        at = np.moveaxis(gradient, axis, 0)
        along = np.moveaxis(change, axis, 0) * n / cells
        at[1:] += along
        at[:-1] -= along
    return value, gradient.reshape(W.shape)


def _stiffness(grid: tuple[int, ...]) -> float:
    """Return the bound 4 h^d Σ h_j^-2 of the largest eigenvalue."""
    return 4 * sum(n * n for n in grid) / math.prod(grid)


def _square(a: Array, b: Array) -> float:
    return float((as_double(a) ** 2).sum() + (as_double(b) ** 2).sum())
