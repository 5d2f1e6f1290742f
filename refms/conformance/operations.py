"""The one table of the kit's operations: arguments and result with their axes, promise, scale of errors.

A signature such as ``restrict(Y[m c grid], grid, pair) -> field[m c grid/2]`` names the axes of every array:
``grid`` and ``stencil`` stand for one axis a dimension, ``grid/2`` for those of the coarse grid. A small
letter is an extent that can be cut, ``m`` that of independent examples; a capital letter is one that other
numbers hang on. The base class of adapters, gate, layouts, trials, cases and reproductions follow.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from refms.conformance.oracles import network as oracle
from refms.definition.arrays import norm
from refms.definition.convolution import transpose
from refms.definition.galerkin import stencil_map
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.similarity import quotients
from refms.definition.transfer import PAIRS, Pair
from refms.errors import Array

Parameters = Mapping[str, Array]
"""All numbers of a network under the names of ``PARAMETERS``."""

PARAMETER_AXES = {
    "opening": "O B stencil",
    "stencils": "l O O stencil",
    "biases": "l O",
    "W": "D y",
    "mu": "y",
}
"""Of each array of the parameters; rows of W channel slowest, D = c·n."""

PARAMETERS = tuple(PARAMETER_AXES)
"""Shapes (c, c_image, *stencil), (N, c, c, *stencil), (N, c), (c·n, ℓ), (ℓ,); rows of W channel slowest."""


def parameter_shapes(stencil: tuple[int, ...], **extents: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of the parameters from the extents of their axes.

    >>> parameter_shapes((3,), O=2, B=1, l=4, D=10, y=5)["stencils"]
    (4, 2, 2, 3)
    """
    known = {axis: (n,) for axis, n in extents.items()} | {"stencil": stencil}
    return {
        key: tuple(n for axis in axes.split() for n in known[axis]) for key, axes in PARAMETER_AXES.items()
    }


Scale = Callable[[Any], "float | tuple[float, float]"]
"""(arguments and the instance x) -> against which bound errors count, and against how much of ‖result‖."""

STEEPEST = 5.0
"""Largest slope of the slopes of the kit's activations, 1/(2η) of the smoothed ReLU."""


@dataclass(frozen=True)
class Argument:
    """A name and the axes of the array; no axes for what is no array."""

    name: str
    axes: tuple[str, ...] = ()

    @property
    def is_field(self) -> bool:
        """Whether it is images, which come in the layout of the profile."""
        return self.axes[-1:] in (("grid",), ("grid/2",))

    @property
    def is_mapping(self) -> bool:
        """Whether it is one array for each of ``PARAMETERS``."""
        return self.name in ("parameters", "direction")


@dataclass(frozen=True)
class Operation:
    """One row: what an adapter gets, returns and promises, and the scale of its errors.

    ``kind`` of the result: field, array, number, parameters, matrix, stencils (of any odd size) or indices;
    ``reduced``: whether it is the mean or the sum over the examples, as the profile says.
    """

    name: str
    arguments: tuple[Argument, ...]
    kind: str
    axes: tuple[str, ...]
    promise: str
    scale: Scale | None
    reduced: bool

    @cached_property
    def given(self) -> tuple[Argument, ...]:
        """What the gate takes: the arguments, but no grid where images show it."""
        shown = any(one.is_field for one in self.arguments)
        return tuple(one for one in self.arguments if not (shown and one.name == "grid"))

    @cached_property
    def signature(self) -> inspect.Signature:
        """Of the gate; a boundary is periodic unless it is given."""
        return _signature(self.given, boundary="periodic")

    def bind(self, *values: Any, **named: Any) -> dict[str, Any]:
        """Return what the gate was given, by name, and the grid of the images."""
        bound = self.signature.bind(*values, **named)
        bound.apply_defaults()
        found: dict[str, Any] = dict(bound.arguments)
        for one in self.given:
            if one.is_field and "grid" not in found:
                half = 2 if one.axes[-1] == "grid/2" else 1
                found["grid"] = tuple(half * n for n in found[one.name].shape[2:])
        return found

    def shape(self, by_name: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the shape of the result; fields as images (m, c, *grid)."""
        if self.axes[0] == "like":
            return tuple(by_name[self.axes[1]].shape)
        extents = {name: value for name, value in by_name.items() if isinstance(value, tuple)}
        extents |= {name: (int(n),) for name, n in by_name.items() if isinstance(n, int | np.integer)}
        for one in self.arguments:
            if one.axes:
                extents |= _extents(one.axes, by_name[one.name].shape)
            for key, axes in PARAMETER_AXES.items() if one.is_mapping else ():
                extents |= _extents(tuple(axes.split()), by_name[one.name][key].shape)
        if "problem" in by_name:
            extents["grid"] = by_name["problem"].grid
        extents["grid/2"] = tuple(n // 2 for n in extents.get("grid", ()))
        extents["grid/2^l"] = tuple(n >> by_name.get("level", 0) for n in extents.get("grid", ()))
        extents["d"] = (len(extents.get("grid", ())),)
        found: list[int] = []
        for axis in self.axes:
            factors = [(int(one),) if one.isdigit() else extents[one] for one in axis.split("*")]
            found += factors[0] if len(factors) == 1 else [math.prod(map(math.prod, factors))]
        return tuple(found)

    @property
    def needs_grid(self) -> bool:
        """Whether it knows a dimension: that of a grid or of stencils."""
        axes = {axis for one in self.arguments for axis in (one.name, *one.axes)}
        return bool(axes & {"grid", "grid/2", "stencil", "problem"})

    @cached_property
    def examples(self) -> dict[int, int]:
        """Which argument of the gate has independent examples, along which axis."""
        return {k: one.axes.index("m") for k, one in enumerate(self.given) if "m" in one.axes}

    @property
    def joined(self) -> int | None:
        """Axis of the result along which the examples lie; None where it is reduced over them."""
        axes = self.axes
        if axes[:1] == ("like",):
            axes = next(one.axes for one in self.arguments if one.name == self.axes[1])
        return axes.index("m") if self.examples and "m" in axes else None

    def placeholder(self) -> Callable[..., Any]:
        """Return the method of an adapter that lacks the operation."""

        def missing(self: Any, *values: Any, **named: Any) -> Any:
            raise NotImplementedError("this operation is not implemented")

        missing.__name__ = missing.__qualname__ = self.name
        missing.__doc__ = self.promise
        missing.__signature__ = _signature((Argument("self"), *self.arguments))  # type: ignore[attr-defined]  # for inspect
        return missing


def _signature(arguments: tuple[Argument, ...], **defaults: Any) -> inspect.Signature:
    kind, none = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    return inspect.Signature(
        [inspect.Parameter(one.name, kind, default=defaults.get(one.name, none)) for one in arguments]
    )


def _extents(axes: tuple[str, ...], shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return the extent of every axis; the last name may stand for several of them."""
    several = axes[-1] in ("grid", "grid/2", "stencil")
    found: dict[str, tuple[int, ...]] = {axis: (n,) for axis, n in zip(axes, shape, strict=False)}
    return found | {axes[-1]: tuple(shape[len(axes) - 1 :])} if several else found


def _row(text: str, promise: str, scale: Scale | None = None, *, reduced: bool = False) -> Operation:
    """Return the row that a signature describes."""
    parsed = re.fullmatch(r"(\w+)\((.*)\) -> (\w+)(?: (like \w+)|\[(.*)\])?", text)
    assert parsed is not None, text
    name, arguments, kind, like, axes = parsed.groups()
    found = [
        Argument(one, tuple(named.split())) for one, named in re.findall(r"(\w+)(?:\[([^\]]*)\])?", arguments)
    ]
    result = tuple((like or axes or "").split())
    return Operation(name, tuple(found), kind, result, f"Return {promise}", scale, reduced)


def _condition(pair: Pair, size: int) -> float:
    """Return by how much the map of stencils enlarges errors in one dimension."""
    return float(np.linalg.cond(stencil_map(pair.r, pair.p, size)))


def _growth(t: Any) -> float:
    """By how much errors grow on the way through the network."""
    return oracle.growth(t.parameters, t.x)


def _of_gradient(t: Any) -> tuple[float, float]:
    return _growth(t), _growth(t)


def _of_loss(t: Any) -> tuple[float, float]:
    return oracle.loss_scale(t.parameters, t.X, t.x), 1.0


def _standardized(t: Any) -> float:
    """Bound of x̂ before its mean is subtracted, against which its errors count."""
    return float(max_norm(t.Y)) / math.sqrt(t.epsilon)


def _sharpness(t: Any) -> float:
    """Largest 1/c + 1/d of SSIM, which is by how much it answers to means and squares of images."""
    *_, c, d = quotients(t.X, t.Y)
    return float((1 / c).max() + (1 / d).max())


def _of_symbol(t: Any) -> float:
    """Largest value of the symbols and their derivatives, by bounds."""
    xi, k = np.abs(t.xi), max(t.Y.shape[2:])
    return float(((1 + xi[:, 0] + xi[:, 1]) * (1 + xi[:, 3:6].sum(axis=1) * k)).max() * k)


def _of_layer(t: Any) -> float:
    """Size of the gradient of a linear layer on any mesh."""
    gain = max(1.0, sum(map(abs, PAIRS[t.pair].r.values()))) ** (4 * t.x.d)
    return float(gain * (row_sum_norm(t.S) + 1) * max(max_norm(t.Y), max_norm(t.Z)) ** 2)


def _of_stages(t: Any) -> float:
    """Size of stencils after the last stage, times what prolongation makes of errors."""
    condition = _condition(PAIRS[t.pair], t.S.shape[-1]) ** (t.x.d * (len(t.iterations) - 1))
    moved = float(norm(t.S) + 10 * t.rate * math.sqrt(t.S.size))
    return condition * moved if t.rule == "galerkin" else moved


_MULTISCALE = (
    _row(
        "resize(Y[m c grid], grid, to, kernel, antialias, border) -> field[m c to]",
        """A Y on the grid ``to``, A = A_1 ⊗ … ⊗ A_d with (A_1)_{Ij} = k((x_I − j)/a)/Σ_i k((x_I − i)/a).

        x_I = (I + ½) n_in/n_out − ½, a = max(1, n_in/n_out) if ``antialias``, else 1. ``kernel`` is "box",
        "linear", "cubic" (Keys, −½), or "nearest": cell ⌊I n_in/n_out⌋. ``border`` is "clamp" or "periodic".
        """,
        lambda t: 2**t.x.d * max_norm(t.Y),
    ),
    _row(
        "blur(Y[m c grid], grid, sigma) -> field[m c grid]",
        "B Y with the periodic Gaussian g_k ∝ exp(−k²/2σ²), |k| <= ⌈4σ⌉, Σ g_k = 1, along every axis.",
        lambda t: max_norm(t.Y),
    ),
    _row(
        "normalize(Y[m G grid], grid, groups, epsilon, gamma[G], beta[G]) -> field[m G grid]",
        "γ_c (x − μ)/√(mean (x − μ)² + ε) + β_c, μ the mean over the channels of a group and all cells.",
        lambda t: max_norm(t.gamma) * _standardized(t) + max_norm(t.beta),
    ),
    _row(
        "normalize_product(Y[m G grid], V[m G grid], grid, groups, epsilon) -> field[m G grid]",
        "J V, the derivative of ``normalize`` with γ = 1, β = 0 along V.",
        lambda t: norm(t.V) / math.sqrt(t.epsilon) * max(1.0, _standardized(t)),
    ),
    _row(
        "work_units(batches, finest, dimension) -> number",
        "#WU = Σ_{l<L−1} N_l (c_l + c_{l+1}) + N_{L−1} c_{L−1}, c_l = 2^{−dl}, from level ``finest`` on.",
        lambda t: (0.0, 1.0),
    ),
    _row(
        "learning_rate(k, total, rate, floor) -> number",
        "η_k = η_min + ½ (η_0 − η_min)(1 + cos(πk/K)) of iteration k = 0 … K − 1.",
        lambda t: t.rate,
    ),
    _row(
        "adam_step(theta[p], g[p], m[p], v[p], rate, count) -> array[3 p]",
        "θ, m and v after update ``count`` = 1, 2, … of Adam, β = (0.9, 0.999), ε = 1e-8 outside the root.",
        lambda t: max_norm(t.theta) + t.rate * max_norm(t.m / np.sqrt(t.v)),
    ),
    _row(
        "ssim(X[m c grid], Y[m c grid], grid) -> array[m]",
        """SSIM of each example X with Y, images in [0, 1], as a mean over channels and cells.

        Gaussian window of 11 cells, σ = 1.5, Σ = 1, zeros beyond the border; C₁ = 0.01², C₂ = 0.03².
        """,
        _sharpness,
    ),
    _row(
        "ssim_gradient(X[m c grid], Y[m c grid], grid) -> field[m c grid]",
        "the gradient of ``ssim`` of each example in X.",
        lambda t: _sharpness(t) ** 2 / t.X[0].size,
    ),
    _row(
        "ssim_hessian(X[m c grid], Y[m c grid], V[m c grid], grid) -> field[m c grid]",
        "the Hessian of ``ssim`` of each example in X, applied to V.",
        lambda t: _sharpness(t) ** 3 * max_norm(t.V) / t.X[0].size,
    ),
    _row(
        "ssim_gauss_newton(X[m c grid], Y[m c grid], V[m c grid], grid) -> field[m c grid]",
        "the positive semidefinite (2/N)(W(Wv/c) + v W(1/d) − W(Wv/d)) of 1 − SSIM.",
        lambda t: _sharpness(t) ** 2 * max_norm(t.V) / t.X[0].size,
    ),
    _row(
        "mesh_free(xi[c P], Y[m c grid], grid) -> field[m c grid]",
        """the mesh-free convolution of every channel in two dimensions, v̂(k) = m(k) ŵ(k).

        xi holds a1, a2, θ, g0, gx, gy, log τ of each channel; m = (g0 + i(gx k̃x + gy k̃y)) exp(−τ kᵀCk) with
        eigenvalues max(a_i, 0) + 1/1000 of C; kx belongs to the last axis; the Nyquist number is 0 in k̃.
        """,
        lambda t: _of_symbol(t) * norm(t.Y),
    ),
    _row(
        "mesh_free_gradient(xi[c P], Y[m c grid], Z[m c grid], grid) -> array like xi",
        "∂⟨Z, C(ξ)Y⟩/∂ξ, summed over examples and cells.",
        lambda t: 10 * _of_symbol(t) * norm(t.Y) * norm(t.Z),
    ),
    _row(
        "coarsen_images(Y[m c grid], grid, pair, level) -> field[m c grid/2^l]",
        "Q_l Y = R^l Y of a transfer pair.",
        lambda t: max(1.0, sum(map(abs, PAIRS[t.pair].r.values()))) ** (t.level * t.x.d) * max_norm(t.Y),
    ),
    _row(
        "crop_images(Y[m c grid], grid, windows[m d], level) -> field[m c grid/2^l]",
        "of each example the window of n/2^l cells that begins at its row of ``windows``.",
        lambda t: max_norm(t.Y),
    ),
    _row(
        "draw_windows(grid, levels, examples, seed) -> indices[levels examples d]",
        "first cells of nested windows, n/2^l cells on level l, each uniform inside of the one before.",
        lambda t: 1.0,
    ),
    _row(
        "gradient_difference(S[G G stencil], Y[M G grid], Z[M G grid], times[M], grid, pair, level)"
        " -> array like S",
        """g_l − g_{l+1} of a linear layer K(S) (periodic) for one draw: images Y, noise Z, times t.

        g_l is the gradient of the mean over examples, channels and cells of |K(S) Q_l X − Q_l Y|², Q_l = R^l,
        X = t Y + (1 − t) Z, whatever the profile says of other losses.
        """,
        _of_layer,
    ),
    _row(
        "mge(S[G G stencil], Y[M G grid], Z[M G grid], times[M], grid, pair, batches, coefficients)"
        " -> array like S",
        """ĝ = Σ_{l<L−1} π_l (g_l − β_l g_{l+1}) + π_{L−1} g_{L−1}, π_0 = 1, π_{l+1} = π_l β_l.

        Term l has its own N_l = ``batches[l]`` examples: the first N_0, then N_1, …; g_l as in
        ``gradient_difference``; β are the ``coefficients``.
        """,
        _of_layer,
    ),
    _row(
        "full_multiscale(S[G G stencil], gradients[K G G stencil], iterations, pair, rule, rate, floor)"
        " -> array like S",
        """S after stages of so many steps of ``adam_step`` along given gradients, coarsest first.

        The rate is ``learning_rate`` over all iterations, the moments go on; between stages S is kept (rule
        "keep") or becomes the one of the next finer mesh by ``stencil_up`` ("galerkin").
        """,
        _of_stages,
    ),
)

MULTISCALE = frozenset(row.name for row in _MULTISCALE)
"""The operations of [MST]: an adapter that has none of them is not asked for any."""

_TABLE = (
    # -- convolution ---------------------------------------------------------------------------------------
    _row(
        "convolution(S[o c stencil], Y[m c grid], grid, boundary) -> field[m o grid]",
        "K(S) Y, eq. (2) of [LAS].",
        lambda t: row_sum_norm(t.S) * max_norm(t.Y),
    ),
    _row(
        "convolution_adjoint(S[o c stencil], Z[m o grid], grid, boundary) -> field[m c grid]",
        "K(S)ᵀ Z, the transpose in the Euclidean inner product.",
        lambda t: row_sum_norm(transpose(t.S)) * max_norm(t.Z),
    ),
    _row(
        "stencil_gradient(Z[m o grid], Y[m c grid], grid, stencil, boundary) -> array[o c stencil]",
        "∂⟨Z, K(S)Y⟩/∂S, summed over the examples, shape (c_out, c_in, *stencil).",
        lambda t: norm(t.Z) * norm(t.Y),
    ),
    _row(
        "convolution_matrix(S[o c stencil], grid, boundary) -> matrix[o*grid c*grid]",
        "K(S), dense or SciPy sparse, shape (c_out·n, c_in·n), channel slowest, grid in C order.",
        lambda t: row_sum_norm(t.S),
    ),
    # -- transfer ------------------------------------------------------------------------------------------
    _row(
        "restrict(Y[m c grid], grid, pair) -> field[m c grid/2]",
        "R Y, from the fine ``grid`` to the one with half as many cells along every axis.",
        lambda t: sum(map(abs, PAIRS[t.pair].r.values())) ** t.x.d * max_norm(t.Y),
    ),
    _row(
        "prolong(Y[m c grid/2], grid, pair) -> field[m c grid]",
        "P Y, to the fine ``grid`` from the one with half as many cells along every axis.",
        lambda t: sum(map(abs, PAIRS[t.pair].p.values())) ** t.x.d * max_norm(t.Y),
    ),
    _row(
        "stencil_down(S[o c stencil], pair) -> stencils[o c]",
        "the coarse stencils with K(s_H) = R K(s_h) P, eq. (8) of [LAS], shape (c_out, c_in, …).",
        lambda t: sum(map(abs, PAIRS[t.pair].correlation.values())) ** t.x.d * row_sum_norm(t.S),
    ),
    _row(
        "stencil_up(S[o c stencil], pair) -> array like S",
        "the fine stencils of the same size with R K(s_h) P = K(s_H), eq. (9) of [LAS].",
        lambda t: _condition(PAIRS[t.pair], t.S.shape[-1]) ** t.x.d * norm(t.S),
    ),
    # -- network -------------------------------------------------------------------------------------------
    _row(
        "activation(Z[z m], name) -> array like Z",
        "σ(Z), entry by entry.",
        lambda t: max(max_norm(t.Z), 1.0),
    ),
    _row(
        "activation_derivative(Z[z m], name) -> array like Z",
        "σ′(Z), entry by entry.",
        lambda t: STEEPEST * max(max_norm(t.Z), 1.0),
    ),
    _row(
        "forward(parameters, X[m B grid], problem) -> field[m O grid]",
        "the features y_N of images X, eqs. (1)-(3); of the parameters, W and μ are not used.",
        lambda t: oracle.reach(t.parameters, t.X, t.x),
    ),
    _row(
        "logits(W[D y], mu[y], Y[m O grid], grid) -> array[y m]",
        "h^d Wᵀ y + μ, eq. (5), shape (ℓ, m).",
        lambda t: t.x.volume * norm(t.W) * norm(t.Y) + max_norm(t.mu),
    ),
    _row(
        "jacobian_product(parameters, direction, X[m B grid], problem) -> array[y m]",
        "the derivative of the logits along a direction in all parameters, shape (ℓ, m).",
        lambda t: (_growth(t) * oracle.size(t.x.in_units(t.direction)), _growth(t)),
    ),
    _row(
        "jacobian_transpose(parameters, U[y m], X[m B grid], problem) -> parameters",
        "the transpose of the Jacobian applied to U (ℓ, m), one array for every parameter.",
        lambda t: (_growth(t) * norm(t.U), _growth(t)),
    ),
    _row(
        "depth_prolong(Theta[N p], layers) -> array[layers p]",
        "parameters (layers, p) from those of fewer layers (N, p), linear in time, T kept.",
        lambda t: max_norm(t.Theta),
    ),
    # -- objective -----------------------------------------------------------------------------------------
    _row(
        "cross_entropy(Z[y m], C[y m]) -> number",
        "the softmax cross entropy of logits Z and labels C, both (ℓ, m), reduced over examples.",
        lambda t: 2 * t.Z.shape[1] * max(max_norm(t.Z), 1.0),
        reduced=True,
    ),
    _row(
        "cross_entropy_gradient(Z[y m], C[y m]) -> array like Z",
        "its gradient with respect to Z, shape (ℓ, m).",
        lambda t: max(max_norm(t.Z), 1.0),
        reduced=True,
    ),
    _row(
        "cross_entropy_hessian(Z[y m], C[y m], V[y m]) -> array like Z",
        "its Hessian with respect to Z applied to V, shape (ℓ, m).",
        lambda t: max(max_norm(t.Z), 1.0) * max_norm(t.V),
        reduced=True,
    ),
    _row(
        "loss(parameters, X[m B grid], C[y m], problem) -> number",
        "the objective of eq. (6) without regularisers.",
        _of_loss,
        reduced=True,
    ),
    _row(
        "gradient(parameters, X[m B grid], C[y m], problem) -> parameters",
        "the gradient of ``loss``, one array for every parameter.",
        _of_gradient,
        reduced=True,
    ),
    _row(
        "gauss_newton(parameters, direction, X[m B grid], C[y m], problem) -> parameters",
        "the product of the Gauss–Newton matrix JᵀHJ of ``loss`` with a direction.",
        _of_gradient,
        reduced=True,
    ),
    _row(
        "subsampled_gauss_newton(parameters, direction, X[M B grid], C[y M], problem, size, seed)"
        " -> parameters",
        """an estimate of ``gauss_newton`` from a random subset of ``size`` different examples.

        The implementation draws the subset from the seed, a whole number from 0 to 2³¹ − 1. Where the loss is
        a mean, the estimate is the mean over the subset; where it is a sum, the sum over the subset times
        m/size. ``size`` lies between 1 and m.
        """,
        _of_gradient,
        reduced=True,
    ),
    _row(
        "subsample(m, size, seed) -> indices[size]",
        "which of m examples ``subsampled_gauss_newton`` uses: ``size`` whole numbers below m.",
        lambda t: 1.0,
    ),
    _row(
        "weight_smoothness(W[D y], grid) -> number",
        "h^d/2 Σ_j ‖∇_h w_j‖² with differences across interior faces, W of shape (c·n, ℓ).",
        lambda t: (0.0, 1.0),
    ),
    _row(
        "weight_smoothness_gradient(W[D y], grid) -> array like W",
        "its gradient, shape (c·n, ℓ).",
        lambda t: 4 * sum(n * n for n in t.grid) / math.prod(t.grid) * max_norm(t.W),
    ),
    _row(
        "time_smoothness(Theta[N p], final_time) -> number",
        "½ Σ_k δt ‖(θ_{k+1} − θ_k)/δt‖² of parameters (N, p), δt = T/N.",
        lambda t: (0.0, 1.0),
    ),
    _row(
        "time_smoothness_gradient(Theta[N p], final_time) -> array like Theta",
        "its gradient, shape (N, p).",
        lambda t: 4 * len(t.Theta) / t.final_time * max_norm(t.Theta),
    ),
    # -- images on several meshes, [MST] -------------------------------------------------------------------
    *_MULTISCALE,
    # -- optimisation, of functions of the kit's own, which are not tried on random arguments --------------
    _row(
        "conjugate_gradients(product, b, iterations) -> array like b",
        """the iterate of conjugate gradients for A x = b from zero after so many iterations.

        Where they stop earlier (exact solution, pᵀAp <= 0), the last iterate. Where the very first pᵀAp is
        not positive that iterate is zero, and no direction to go; there property O9 expects b itself, the
        direction of steepest descent.
        """,
    ),
    _row(
        "line_search(value, x, f, slope, p, decrease) -> number",
        "the α accepted by Armijo's rule with c₁ = ``decrease`` among 1, 1/2, 1/4, …; 0.0 if none.",
    ),
    _row(
        "newton_step(objective, x, iterations) -> array like x",
        """x + αp with H p = −g by at most so many iterations of CG, as accurate as they get.

        The objective has the methods ``value(x)``, ``value_and_gradient(x)`` and ``curvature(x)``, which
        returns the function v -> H v.
        """,
    ),
    _row(
        "block_step(parameters, X[m B grid], C[y m], problem, block) -> parameters",
        """the parameters after one (Gauss–)Newton step on one block of eq. (6).

        Block ``"propagation"`` holds opening, stencils and biases, block ``"classifier"`` holds W and μ.
        """,
    ),
)

OPERATIONS = {row.name: row for row in _TABLE}
"""All operations that an adapter may provide."""

TRIED = tuple(name for name, row in OPERATIONS.items() if row.scale is not None)
"""Those that are tried on random arguments: all but the optimisers, which call functions of the kit's own."""

SPLIT = tuple(name for name in TRIED if OPERATIONS[name].examples)
"""Those of them that have independent examples."""
