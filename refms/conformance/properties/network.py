"""N1-N10: propagation in time, eqs. (1)-(3), and its activation."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.orders import judge_order
from refms.conformance.measures.outcome import holds
from refms.conformance.oracles.evolution import limit, mean_errors, several_images, smooth_parameters
from refms.conformance.oracles.network import features, opened, reach
from refms.conformance.property import Claims, agree, family
from refms.definition.activation import activate
from refms.definition.arrays import as_double, norm
from refms.definition.convolution import shift
from refms.definition.norms import max_norm
from refms.definition.symbol import frequencies, symbol
from refms.errors import Array

law = family("network")
EQ3 = "[LAS] eq. (3)"
ANALYTIC = ("tanh", "identity")
SMALL = Domain(small=True)
SMOOTH = Domain(small=True, smallest=3, activations=ANALYTIC, dimensions=(1, 2))
LINEAR = Domain(small=True, boundary="periodic", activations=("identity",))
HOMOGENEOUS = ("relu", "leaky_relu", "identity")


@law("N1", "forward", EQ3, SMOOTH, cost=4)
def _order(a: Gate, x: Instance) -> Claims:
    """Forward Euler converges to the differential equation with order 1.

    ‖y_N − y(T)‖ = O(1/N) for θ(t) smooth in time and T‖s‖₁ <= 2, y(T) by Runge-Kutta; criterion: slope in
    [0.75, 1.25] from N = 32 to 64
    Catches: δt missing or wrong, layers at wrong times, another scheme.
    """

    def errors(one: Instance) -> list[float]:
        exact = limit(one)
        return [norm(_deep(a, one, N) - exact) for N in (32, 64)]

    yield judge_order((32, 64), mean_errors(x, errors), 0.75, 1.25, "order of y_N − y(T)", "N")


@law("N2", "forward", "[LAS] Sec. 3", SMOOTH, cost=4)
def _consistent(a: Gate, x: Instance) -> Claims:
    """Twice as many layers for the same T change the output by O(δt).

    ‖y_N − y_2N‖ = O(1/N) for θ(t) as in N1; criterion: slope in [0.75, 1.25] from N = 32 to 64
    Catches: a step that does not shrink with N.
    """

    def errors(one: Instance) -> list[float]:
        y = [_deep(a, one, N) for N in (32, 64, 128)]
        return [norm(first - second) for first, second in pairwise(y)]

    yield judge_order((32, 64), mean_errors(x, errors), 0.75, 1.25, "order of y_N − y_2N", "N")


@law("N3", "forward", "[LAS] eqs. (1), (3)", SMALL)
def _identity(a: Gate, x: Instance) -> Claims:
    """Without stencils and biases the propagation is the identity.

    θ = 0: y_N = y_0 = L x, since σ(0) = 0; scale ‖L‖₁‖x‖_∞
    Catches: a missing identity (no residual connection), an opening that is applied twice or not at all.
    """
    p, X = x.parameters(), x.image("X")
    p |= {"stencils": 0 * p["stencils"], "biases": 0 * p["biases"]}
    expected = opened(p, X, x) + x.final_time * float(activate(np.zeros(()), x.activation))
    yield "y_N = Lx", a.forward(p, X, x.problem), expected, reach(p, X, x)


@law("N4", "forward", EQ3, SMALL)
def _bias_alone(a: Gate, x: Instance) -> Claims:
    """With biases alone every layer adds the same.

    s = 0, b constant in time: y_N = y_0 + T σ(b); scale as N9
    Catches: δt = T, T/(N+1) or 1 in place of T/N, a bias added after the activation.
    """
    p, X = x.parameters(), x.image("X")
    b = p["biases"][:1]
    p |= {"stencils": 0 * p["stencils"], "biases": np.repeat(b, x.layers, axis=0)}
    step = x.final_time * activate(b, x.activation).reshape(1, -1, *(1,) * x.d)
    yield "y_0 + Tσ(b)", a.forward(p, X, x.problem), opened(p, X, x) + step, reach(p, X, x)


@law("N5", "forward", "linear stability of forward Euler", LINEAR)
def _linear(a: Gate, x: Instance) -> Claims:
    """The linear network multiplies every frequency by (I + δtΛ)^N.

    σ = identity, s constant in time, b = 0: ŷ_N(ω) = (I + δtΛ(ω))^N ŷ_0(ω), Λ the symbol; an antisymmetric
    stencil amplifies, |1 + iδtω| > 1; scale as N9
    Catches: a transposed mixing of channels, an implicit or a midpoint step.
    """
    p, X = x.parameters(), x.image("X")
    p |= {"stencils": np.repeat(p["stencils"][:1], x.layers, axis=0), "biases": 0 * p["biases"]}
    axes = tuple(range(2, 2 + x.d))
    hat = np.fft.fftn(opened(p, X, x), axes=axes).reshape(len(X), x.c_out, -1)
    Lambda = symbol(p["stencils"][0], frequencies(x.grid), x.orientation)
    powered = np.linalg.matrix_power(np.eye(x.c_out) + x.final_time / x.layers * Lambda, x.layers)
    hat = np.einsum("koc,mck->mok", powered, hat).reshape(len(X), x.c_out, *x.grid)
    expected = np.fft.ifftn(hat, axes=axes).real
    yield "Fourier route", a.forward(p, X, x.problem), expected, reach(p, X, x)


@law("N6", "forward", "|tanh| < 1", Domain(small=True, activations=("tanh",)))
def _bounded(a: Gate, x: Instance) -> Claims:
    """A bounded activation bounds the change of the features by T.

    σ = tanh: |y_N − y_0|_∞ <= T, with equality for saturating biases, b = ±40; scale as N9
    Catches: δt applied to the state, an activation outside the step.
    """
    p, X = x.parameters(), x.image("X")
    scale, start = reach(p, X, x), opened(p, X, x)
    change = max_norm(as_double(a.forward(p, X, x.problem)) - start)
    sign = np.where(np.arange(x.c_out) % 2, -1.0, 1.0)
    full = p | {"biases": np.broadcast_to(40 * sign, p["biases"].shape).astype(x.dtype)}
    expected = start + x.final_time * sign.reshape(1, -1, *(1,) * x.d)
    found = f"{change:.6g} exceeds T = {x.final_time:g}"
    yield holds(change <= x.final_time + 30 * x.eps * scale, "|y_N − y_0|_∞ <= T", found)
    yield "y_0 ± T for saturating biases", a.forward(full, X, x.problem), expected, scale


@law("N7", "forward", "equivariance of K(s)", SMALL)
def _equivariant(a: Gate, x: Instance) -> Claims:
    """The network follows the order of the examples and, if periodic, shifts of the images.

    permuting or shifting the images permutes or shifts y_N; an example does not depend on the others; scale
    as N9
    Catches: statistics over the batch, positions that count.
    """
    p, X = x.parameters(), x.image("X", examples=3)
    y, scale = a.forward(p, X, x.problem), reach(p, X, x)
    yield from agree("order of the examples", a.forward(p, X[::-1].copy(), x.problem), y[::-1], scale)
    yield from agree("one example alone", a.forward(p, X[:1].copy(), x.problem), y[:1], scale)
    if x.boundary == "periodic":
        e = (1, *(0,) * (x.d - 1))
        yield from agree("shift by a cell", a.forward(p, shift(X, e), x.problem), shift(y, e), scale)


@law("N8", "forward", "[LAS] eq. (3) as a differential equation", SMALL)
def _time_scales(a: Gate, x: Instance) -> Claims:
    """Time composes and scales.

    the first N_1 layers for N_1 δt and then the others for the rest of T give y_N; with σ homogeneous of
    degree 1, (T, s, b) and (T/4, 4s, 4b) give the same; scale as N9
    Catches: a δt that does not depend on N or T as T/N does.
    """
    N, T = x.layers + 1, x.final_time
    p, X = x.parameters(layers=N), x.image("X")
    y, scale = a.forward(p, X, x.problem), 4 * reach(p, X, x)
    centre = np.zeros((x.c_out, x.c_out, *x.stencil), dtype=x.dtype)
    middle: tuple[Any, ...] = (slice(None), slice(None), *(n // 2 for n in x.stencil))
    centre[middle] = np.eye(x.c_out)
    first, then = ({**p, **{key: p[key][k] for key in _LAYERS}} for k in (slice(1), slice(1, None)))
    half = a.forward(first, X, replace(x.problem, final_time=T / N))
    rest = a.forward(then | {"opening": centre}, half, replace(x.problem, final_time=T * (N - 1) / N))
    yield from agree("the layers in two parts", rest, y, scale)
    if x.activation in HOMOGENEOUS:
        four = {**p, **{key: 4 * p[key] for key in _LAYERS}}
        faster = a.forward(four, X, replace(x.problem, final_time=T / 4))
        yield from agree("a quarter of the time with four times the parameters", faster, y, scale)


@law(
    "N9", "forward", "[LAS] eqs. (1)-(3), with N steps where the paper's k = 0 … N has N+1", SMALL, half=True
)
def _plain_loops(a: Gate, x: Instance) -> Claims:
    """The features are those of N steps by plain loops.

    y_0 = Lx, y_{k+1} = y_k + (T/N) σ(K(s_k)y_k + b_k), k = 0 … N-1, every layer once and in order; scale N
    ∏(1+δt‖s_k‖₁) max(‖L‖₁‖x‖_∞, 1)
    Catches: one step too many or too few, layers in reverse order, another activation.
    """
    p, X = x.parameters(), x.image("X")
    y = features(p, X, x)
    yield "y_N", a.forward(p, X, x.problem), y, x.of_states(reach(p, X, x), x.layers, y)


@law("N10", "activation activation_derivative", "definitions of the activations", SMALL)
def _activations(a: Gate, x: Instance) -> Claims:
    """Activation and derivative are the named functions.

    σ against its closed form and σ′ against the complex step through it; scale max(|z|, 1), or |z| where σ is
    homogeneous
    Catches: a derivative of another function, or wrong by a factor.
    """
    sizes = (("z", 1.0, 40), ("small", 0.05, 20), ("large", 10.0, 20))
    z = np.concatenate([x.draw(name, count, scale=size * x.image_scale) for name, size, count in sizes])
    z = z[z != 0]  # where some have a kink
    derivative = activate(z + 1e-30j, x.activation).imag / 1e-30
    scale = max(max_norm(z), 0.0 if x.activation in HOMOGENEOUS else 1.0)
    yield "σ", a.activation(z, x.activation), activate(z, x.activation), scale
    yield "σ′, scale 1", a.activation_derivative(z, x.activation), derivative, 1.0


_LAYERS = ("stencils", "biases")


def _deep(a: Gate, x: Instance, layers: int) -> Array:
    """Return y_N of the network with smooth parameters."""
    return as_double(a.forward(smooth_parameters(x, layers), several_images(x), x.problem))
