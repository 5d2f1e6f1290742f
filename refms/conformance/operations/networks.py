"""The operations of [LAS]: convolutions, transfer, networks, their losses, and optimisation."""

from __future__ import annotations

import math
from typing import Any

from refms.conformance.operations.operation import row
from refms.conformance.oracles import network as oracle
from refms.conformance.oracles.scales import condition
from refms.definition.arrays import norm
from refms.definition.convolution import transpose
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.transfer import PAIRS

STEEPEST = 5.0
"""Largest slope of the slopes of the kit's activations, 1/(2η) of the smoothed ReLU."""

CONDITION = 10.0
"""Condition number of the curvatures that optimisers are tried on, or more."""

OF_A_STEP = 1e-3
"""Relative accuracy of a step in any precision: one iteration of CG more or less, which rounding decides."""


def _growth(t: Any) -> float:
    """By how much errors grow on the way through the network."""
    return oracle.growth(t.parameters, t.x)


def _of_gradient(t: Any) -> tuple[float, float]:
    return _growth(t), _growth(t)


def _of_loss(t: Any) -> tuple[float, float]:
    return oracle.loss_scale(t.parameters, t.X, t.x), 1.0


ROWS = (
    # -- convolution ---------------------------------------------------------------------------------------
    row(
        "convolution(S[o c stencil], Y[m c grid], grid, boundary) -> field[m o grid]",
        """K(S) Y, eq. (2) of [LAS].

        (K(s) y)_i = Σ_κ s_κ y_{i+κ}, κ from −r to r along each axis; ``boundary`` is ``"periodic"`` or
        ``"zero"``. Sizes of the stencil are odd and may differ along the axes, extents of the grid may be
        smaller than they are: then entries meet, and add.
        """,
        lambda t: row_sum_norm(t.S) * max_norm(t.Y),
    ),
    row(
        "convolution_adjoint(S[o c stencil], Z[m o grid], grid, boundary) -> field[m c grid]",
        "K(S)ᵀ Z, the transpose in the Euclidean inner product.",
        lambda t: row_sum_norm(transpose(t.S)) * max_norm(t.Z),
    ),
    row(
        "stencil_gradient(Z[m o grid], Y[m c grid], grid, stencil, boundary) -> array[o c stencil]",
        "∂⟨Z, K(S)Y⟩/∂S, summed over the examples, shape (c_out, c_in, *stencil).",
        lambda t: norm(t.Z) * norm(t.Y),
    ),
    row(
        "convolution_matrix(S[o c stencil], grid, boundary) -> matrix[o*grid c*grid]",
        """K(S), dense or SciPy sparse, shape (c_out·n, c_in·n), channel slowest, grid in C order.

        A sparse matrix stores at most one value a place; where the grid is smaller than the stencil, entries
        that meet are added.
        """,
        lambda t: row_sum_norm(t.S),
    ),
    # -- transfer ------------------------------------------------------------------------------------------
    row(
        "restrict(Y[m c grid], grid, pair) -> field[m c grid/2]",
        """R Y, from the fine ``grid`` to the one with half as many cells along every axis.

        It raises where an extent of the grid is odd; two cells along an axis become one. Offsets wrap around.
        """,
        lambda t: sum(map(abs, PAIRS[t.pair].r.values())) ** t.x.d * max_norm(t.Y),
        halvings=1,
    ),
    row(
        "prolong(Y[m c grid/2], grid, pair) -> field[m c grid]",
        """P Y, to the fine ``grid`` from the one with half as many cells along every axis.

        ``grid`` is the fine one and even; one coarse cell along an axis becomes two. Offsets wrap around.
        """,
        lambda t: sum(map(abs, PAIRS[t.pair].p.values())) ** t.x.d * max_norm(t.Y),
    ),
    row(
        "stencil_down(S[o c stencil], pair) -> stencils[o c]",
        """the coarse stencils with K(s_H) = R K(s_h) P, eq. (8) of [LAS], shape (c_out, c_in, …).

        There is no grid: it holds on every periodic one. With c_k = Σ_{b−a=k} r_a p_b of half-width w a
        stencil of half-width r becomes one of half-width ⌊(r+w)/2⌋ along each axis (where c is not symmetric,
        the smallest odd size that holds all of it): its natural size, neither cut off nor padded.
        """,
        lambda t: sum(map(abs, PAIRS[t.pair].correlation.values())) ** t.x.d * row_sum_norm(t.S),
    ),
    row(
        "stencil_up(S[o c stencil], pair) -> array like S",
        """the fine stencils of the same size with R K(s_h) P = K(s_H), eq. (9) of [LAS].

        It raises where ``stencil_down`` does not map the size one to one onto itself: closed are 3 and 5 with
        ``averaging-bilinear`` and ``full-weighting-linear``, 1 and 3 with ``averaging-constant``,
        ``summing-constant`` and ``injection-linear``, 1, 5 and 7 with ``injection-cubic``, 1 with
        ``nearest``. No least squares in their place.
        """,
        lambda t: condition(PAIRS[t.pair], t.S.shape[-1]) ** t.x.d * norm(t.S),
    ),
    # -- network -------------------------------------------------------------------------------------------
    row(
        "activation(Z[z m], name) -> array like Z",
        "σ(Z), entry by entry.",
        lambda t: max(max_norm(t.Z), 1.0),
    ),
    row(
        "activation_derivative(Z[z m], name) -> array like Z",
        """σ′(Z), entry by entry.

        At the kink of ``relu`` and ``leaky_relu`` either slope is right.
        """,
        lambda t: STEEPEST * max(max_norm(t.Z), 1.0),
    ),
    row(
        "forward(parameters, X[m B grid], problem) -> field[m O grid]",
        "the features y_N of images X, eqs. (1)-(3); of the parameters, W and μ are not used.",
        lambda t: oracle.reach(t.parameters, t.X, t.x),
    ),
    row(
        "logits(W[D y], mu[y], Y[m O grid], grid) -> array[y m]",
        "h^d Wᵀ y + μ, eq. (5), shape (ℓ, m).",
        lambda t: t.x.volume * norm(t.W) * norm(t.Y) + max_norm(t.mu),
    ),
    row(
        "jacobian_product(parameters, direction, X[m B grid], problem) -> array[y m]",
        "the derivative of the logits along a direction in all parameters, shape (ℓ, m).",
        lambda t: (_growth(t) * oracle.size(t.x.in_units(t.direction)), _growth(t)),
    ),
    row(
        "jacobian_transpose(parameters, U[y m], X[m B grid], problem) -> parameters",
        "the transpose of the Jacobian applied to U (ℓ, m), one array for every parameter.",
        lambda t: (_growth(t) * norm(t.U), _growth(t)),
    ),
    row(
        "depth_prolong(Theta[N p], layers) -> array[layers p]",
        """parameters (layers, p) from those of fewer layers (N, p), linear in time, T kept.

        New θ_j = θ(j N/layers) on the polygon through (k, θ_k), and θ_{N−1} beyond the last of them: no
        extrapolation. ``layers`` is any number from N on, not twice N alone, and N may be 1. What stands for
        fewer layers is not asked for.
        """,
        lambda t: max_norm(t.Theta),
    ),
    # -- objective -----------------------------------------------------------------------------------------
    row(
        "cross_entropy(Z[y m], C[y m]) -> number",
        """the softmax cross entropy of logits Z and labels C, both (ℓ, m), reduced over examples.

        −Σ_ij c_ij log p_ij, over m where the loss is a mean. Labels are one-hot columns, and where the
        profile has ``soft_labels`` any numbers from 0 on, whose sums need not be one. Logits may be as large
        as a quarter of the largest number, and a small loss keeps its digits; NaN among the logits of an
        example makes the loss NaN.
        """,
        lambda t: 2 * t.Z.shape[1] * max(max_norm(t.Z), 1.0),
        reduced=True,
    ),
    row(
        "cross_entropy_gradient(Z[y m], C[y m]) -> array like Z",
        """its gradient with respect to Z, shape (ℓ, m).

        (Σ_i c_ij) p_j − c_j for each example; NaN among its logits makes its whole column NaN, and no other.
        """,
        lambda t: max(max_norm(t.Z), 1.0),
        reduced=True,
    ),
    row(
        "cross_entropy_hessian(Z[y m], C[y m], V[y m]) -> array like Z",
        "its Hessian with respect to Z applied to V, shape (ℓ, m).",
        lambda t: max(max_norm(t.Z), 1.0) * max_norm(t.V),
        reduced=True,
    ),
    row(
        "loss(parameters, X[m B grid], C[y m], problem) -> number",
        """the objective of eq. (6) without regularisers.

        The same reduction and labels as ``cross_entropy``.
        """,
        _of_loss,
        reduced=True,
    ),
    row(
        "gradient(parameters, X[m B grid], C[y m], problem) -> parameters",
        "the gradient of ``loss``, one array for every parameter.",
        _of_gradient,
        reduced=True,
    ),
    row(
        "gauss_newton(parameters, direction, X[m B grid], C[y m], problem) -> parameters",
        "the product of the Gauss–Newton matrix JᵀHJ of ``loss`` with a direction.",
        _of_gradient,
        reduced=True,
    ),
    row(
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
    row(
        "subsample(m, size, seed) -> indices[size]",
        "which of m examples ``subsampled_gauss_newton`` uses: ``size`` whole numbers below m.",
        lambda t: 1.0,
    ),
    row(
        "weight_smoothness(W[D y], grid) -> number",
        "h^d/2 Σ_j ‖∇_h w_j‖² with differences across interior faces, W of shape (c·n, ℓ).",
        lambda t: (0.0, 1.0),
    ),
    row(
        "weight_smoothness_gradient(W[D y], grid) -> array like W",
        "its gradient, shape (c·n, ℓ).",
        lambda t: 4 * sum(n * n for n in t.grid) / math.prod(t.grid) * max_norm(t.W),
    ),
    row(
        "time_smoothness(Theta[N p], final_time) -> number",
        "½ Σ_k δt ‖(θ_{k+1} − θ_k)/δt‖² of parameters (N, p), δt = T/N.",
        lambda t: (0.0, 1.0),
    ),
    row(
        "time_smoothness_gradient(Theta[N p], final_time) -> array like Theta",
        "its gradient, shape (N, p).",
        lambda t: 4 * len(t.Theta) / t.final_time * max_norm(t.Theta),
    ),
    # -- optimisation, of functions of the kit's own -------------------------------------------------------
    row(
        "conjugate_gradients(product, b[K], iterations) -> array like b",
        """the iterate of conjugate gradients for A x = b from zero after so many iterations.

        Where they stop earlier (exact solution, pᵀAp <= 0), the last iterate. Where the very first pᵀAp is
        not positive that iterate is zero, and no direction to go; there property O9 expects b itself, the
        direction of steepest descent.
        """,
        lambda t: CONDITION * norm(t.b),
    ),
    row(
        "line_search(value, x[K], f, slope, p[K], decrease) -> number",
        """the α accepted by Armijo's rule with c₁ = ``decrease`` among 1, 1/2, 1/4, …; 0.0 if none.

        The first with value(x + αp) <= f + c₁ α slope, where f = value(x) and slope = gᵀp are given; sums and
        products of f, c₁, α and slope are taken in double precision. A value that is NaN or infinite, −∞
        too, refuses the trial. 0.0 where the slope is zero, positive or NaN, whatever the function does, and
        after 30 halvings without success: a step so small that x + αp is x, with the value f, is none. Where
        |slope| is below 30 eps |f|, in the eps of x, plain decrease may be asked for in place of c₁.
        """,
        lambda t: (0.0, 1.0),
    ),
    row(
        "newton_step(objective, x[K], iterations) -> array like x",
        """x + αp with H p = −g by at most so many iterations of CG, as accurate as they get.

        Conjugate gradients start from zero, without damping, preconditioner or tolerance but round-off,
        and stop early at pᵀHp <= 0; α is that of ``line_search`` with c₁ = 10⁻⁴. If none is accepted, x.

        The objective has the methods ``value(x)``, ``value_and_gradient(x)`` and ``curvature(x)``, which
        returns the function v -> H v.
        """,
        lambda t: (CONDITION, CONDITION),
    ),
    row(
        "block_step(parameters, X[m B grid], C[y m], problem, block) -> parameters",
        """the parameters after one (Gauss–)Newton step on one block of eq. (6).

        Block ``"propagation"`` holds opening, stencils and biases, block ``"classifier"`` holds W and μ; the
        other block comes back as it was, to the bit. One step s = αp: conjugate gradients from zero for
        G p = −g on the block, G the Gauss–Newton matrix of ``loss`` (in the classifier its Hessian), in the
        Euclidean inner product of all numbers, without regularisers, damping or preconditioner, until the
        residual is at most 10⁻² ‖g‖ for the first time, 100 iterations at most: G is singular, and more of
        them make p long and α small. All examples count. Then α as in ``line_search`` with c₁ = 10⁻⁴, from
        α = 1. Where no step is accepted, all parameters as they were.
        """,
        lambda t: (0.0, OF_A_STEP / t.x.eps),
        splits=False,
    ),
)
