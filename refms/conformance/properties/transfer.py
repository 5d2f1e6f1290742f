"""T1-T10: restriction R and prolongation P of images."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import partial, reduce

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.orders import judge_order
from refms.conformance.measures.outcome import holds
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, agree, family, refused
from refms.definition.arrays import as_double, norm
from refms.definition.convolution import convolve, shift, transpose
from refms.definition.galerkin import down
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.transfer import Pair, coarsen, prolongation, restriction
from refms.errors import Array

law = family("transfer")
EQ7 = "[LAS] eq. (7)"
EVEN = Domain(multiple=2, pair=lambda pair: True)
PLANE = replace(EVEN, dimensions=(1, 2))
AVERAGES = Domain(multiple=2, pair=lambda pair: pair.monotone and pair.row_sum == 1)
ZERO = Domain(boundary="zero", stencil="closed", sizes=(1, 3, 5), pair=lambda pair: pair.symmetric)


@law("T1", "restrict prolong", EQ7, EVEN)
def _constants(a: Gate, x: Instance) -> Claims:
    """R and P carry constants over with the right factor, and P adds up.

    R1 = σ^d 1 with σ = Σ r_a; P1 = 1; 1ᵀP y = (Σ p_b)^d 1ᵀy
    Catches: weights that do not add up, summed instead of averaged images, edges.
    """
    pair = x.weights
    one = np.asarray(x.image_scale, dtype=x.dtype)
    ones, coarse = np.full((1, 1, *x.grid), one), np.full((1, 1, *coarsen(x.grid)), one)
    y = x.image("y", grid=coarsen(x.grid))
    row_sum, column_sum = pair.row_sum**x.d, sum(pair.p.values()) ** x.d
    axes = tuple(range(2, 2 + x.d))
    total = as_double(a.prolong(y, x.pair)).sum(axis=axes)
    size = column_sum * float(np.abs(as_double(y)).sum(axis=axes).max())
    yield "R1 = σ^d 1", a.restrict(ones, x.pair), row_sum * coarse, row_sum * float(one)
    yield "P1 = 1", a.prolong(coarse, x.pair), ones, float(one)
    yield "column sums of P", total, column_sum * as_double(y).sum(axis=axes), size


@law("T2", "restrict prolong", "variational transfer", EVEN, half=True)
def _variational(a: Gate, x: Instance) -> Claims:
    """R is the scaled transpose of P where the pair claims it, and not where it does not.

    h^d⟨Pw, y⟩ = H^d⟨w, Ry⟩ for all w, y exactly where R = 2^-d Pᵀ is claimed, and nowhere else
    Catches: a missing factor 2^d, P that is no transpose of R although it should be.
    """
    y, w = x.image(), x.image("w", grid=coarsen(x.grid))
    left = dot(a.prolong(w, x.pair), y) / 2**x.d
    right = dot(w, a.restrict(y, x.pair))
    scale = norm(w) * norm(y)
    if x.weights.variational:
        yield from agree("2^-d⟨Pw,y⟩ = ⟨w,Ry⟩, scale ‖w‖‖y‖", left, right, scale)
        return
    R, P = restriction(x.weights, x.grid), prolongation(x.weights, x.grid)
    gap = _inner(w, R, y) - _inner(w, P.T, y) / 2**x.d
    yield "⟨w,Ry⟩ − 2^-d⟨Pw,y⟩ as the weights say, scale ‖w‖‖y‖", right - left, gap, scale


@law("T3", "restrict prolong", EQ7, Domain(multiple=2, smallest=3, pair=lambda pair: any(pair.linears)))
def _linears(a: Gate, x: Instance) -> Claims:
    """Linear functions are carried over exactly.

    away from the periodic seam, R and P carry α + β·x over exactly, x at the cell centres (i+½)h or vertices
    ih, where the pair claims it
    Catches: weights that are misaligned by half a cell or a cell, an order of axes.
    """
    pair, coarse = x.weights, coarsen(x.grid)
    fine_values, coarse_values = _linear(x, x.grid, 1.0), _linear(x, coarse, 2.0)
    scale = max_norm(fine_values)
    if pair.linears[0]:
        inside = np.ix_(*(_inside_of_restriction(pair, n) for n in x.grid))
        got = a.restrict(fine_values[None, None].astype(x.dtype), x.pair)[0, 0]
        yield "R u, scale ‖u‖_∞", got[inside], coarse_values[inside], scale
    if pair.linears[1]:
        inside = np.ix_(*(_inside_of_prolongation(pair, n) for n in x.grid))
        got = a.prolong(coarse_values[None, None].astype(x.dtype), x.pair)[0, 0]
        yield "P u, scale ‖u‖_∞", got[inside], fine_values[inside], scale


@law("T4", "restrict prolong", "approximation order of interpolation", PLANE)
def _order(a: Gate, x: Instance) -> Claims:
    """Restriction and prolongation together lose as little as their order says.

    ‖σ^-d P R u − u‖₂ = O(h^q) for smooth periodic u, q = 1 (constant), 2 (linear), 4 (cubic); criterion:
    slope in [q − 0.2, q + 0.3] over two halvings of h
    Catches: weights that are right for constants only.
    """
    q = x.weights.order
    first = 8 if x.dtype == "float32" or q < 4 else 16
    counts, errors = (first, 2 * first, 4 * first), []
    for n in counts:
        grid = (n, *(4 if a.profile.rectangular else n for _ in x.grid[1:]))
        phase = 2 * np.pi * (np.arange(n) / n + 0.1 * (x.seed % 7))
        wave = x.image_scale * np.sin(phase).reshape(n, *(1,) * (x.d - 1))
        u = np.broadcast_to(wave, grid)[None, None].astype(x.dtype)
        back = as_double(a.prolong(a.restrict(u, x.pair), x.pair)) / x.weights.row_sum**x.d
        errors.append(norm(back - as_double(u)) / math.sqrt(u.size))
    yield judge_order(counts, errors, q - 0.2, q + 0.3, f"order of PRu − u for {x.pair}")


@law("T5", "restrict prolong", "tensor products", EVEN, half=True)
def _separable(a: Gate, x: Instance) -> Claims:
    """In d dimensions R and P are products of the one-dimensional ones.

    R_d = R ⊗ … ⊗ R and P_d = P ⊗ … ⊗ P: a product of functions of one variable stays one; scale Π ‖u_j‖_∞
    Catches: weights of one axis applied to another, a factor that is there only in two dimensions.
    """
    rng = np.random.default_rng(x.seed)
    size = x.image_scale ** (1 / x.d)
    fine = [size * rng.standard_normal(n) for n in x.grid]
    coarse = [size * rng.standard_normal(n // 2) for n in x.grid]
    R = [restriction(x.weights, (n,)) @ u for n, u in zip(x.grid, fine, strict=True)]
    P = [prolongation(x.weights, (n,)) @ u for n, u in zip(x.grid, coarse, strict=True)]
    got_R = a.restrict(_product(fine)[None, None].astype(x.dtype), x.pair)[0, 0]
    got_P = a.prolong(_product(coarse)[None, None].astype(x.dtype), x.pair)[0, 0]
    sizes = [float(np.prod([np.abs(u).max() for u in us])) for us in (fine, coarse)]
    gain = max(1.0, x.weights.row_sum) ** x.d
    yield "R of a product", got_R, _product(R), gain * sizes[0]
    yield "P of a product", got_P, _product(P), sizes[1]


@law(
    "T6",
    "restrict prolong",
    "periodic grids",
    Domain(multiple=2, smallest=2, pair=lambda pair: True),
    half=True,
)
def _shifts(a: Gate, x: Instance) -> Claims:
    """R and P commute with shifts by a coarse cell, for every channel and example on its own.

    R S^{2e} = S^e R and P S^e = S^{2e} P for every unit shift; channels and examples stay apart
    Catches: edges, a coarse grid that depends on the position, mixed channels.
    """
    Y, w = x.image(), x.image("w", grid=coarsen(x.grid))
    RY, Pw = a.restrict(Y, x.pair), a.prolong(w, x.pair)
    gain = max(1.0, x.weights.row_sum) ** x.d
    sizes = gain * max_norm(Y), max_norm(w)
    for axis in range(x.d):
        e = tuple(int(k == axis) for k in range(x.d))
        two = tuple(2 * k for k in e)
        yield from agree(f"R, axis {axis}", a.restrict(shift(Y, two), x.pair), shift(RY, e), sizes[0])
        yield from agree(f"P, axis {axis}", a.prolong(shift(w, e), x.pair), shift(Pw, two), sizes[1])
    alone = a.restrict(Y[-1:, -1:].copy(), x.pair)
    yield from agree("one channel of one example alone", RY[-1:, -1:], alone, sizes[0])


@law("T7", "restrict prolong", EQ7, EVEN)
def _full_rank(a: Gate, x: Instance) -> Claims:
    """R and P have full rank.

    rank R = rank P = n_H; criterion: smallest singular value above 100 n eps of the largest
    Catches: coarse values that are never used.
    """
    n, n_H = x.cells, x.cells // 2**x.d
    units = (x.image_scale * np.eye(n)).astype(x.dtype).reshape(n, 1, *x.grid)
    coarse = (x.image_scale * np.eye(n_H)).astype(x.dtype).reshape(n_H, 1, *coarsen(x.grid))
    for name, matrix in (("R", a.restrict(units, x.pair)), ("P", a.prolong(coarse, x.pair))):
        values = np.linalg.svd(as_double(matrix).reshape(len(matrix), -1), compute_uv=False)
        rank = int(np.sum(values > 100 * n * x.eps * values[0]))
        yield holds(rank == n_H, f"rank {name} = n_H", f"{rank} instead of {n_H}")


@law("T8", "restrict", "conventions", EVEN, half=True)
def _odd_extents(a: Gate, x: Instance) -> Claims:
    """A grid with an odd number of cells is refused, not cut off.

    restriction of an odd extent along any axis raises (28 → 14 → 7 → error); even extents are accepted
    Catches: a row or column dropped in silence.
    """
    accepted = a.restrict(x.image(), x.pair)
    good = np.isfinite(accepted).all() and accepted.any()
    yield holds(good, "even extents are accepted", "zeros or NaN came back")
    for axis in range(x.d):
        odd = np.ones((1, 1, *(n + (k == axis) for k, n in enumerate(x.grid))), dtype=x.dtype)
        yield refused(f"an odd extent along axis {axis} raises", partial(a.restrict, odd, x.pair))


@law("T9", "restrict prolong", "averages", AVERAGES)
def _maximum_principle(a: Gate, x: Instance) -> Claims:
    """Averages stay between the smallest and the largest value.

    weights >= 0 with Σ r_a = 1: min y <= Ry <= max y and min y <= Py <= max y, up to 4d eps ‖y‖_∞
    Catches: negative or overshooting weights.
    """
    one = np.asarray(x.image_scale, dtype=x.dtype)
    Y = np.abs(x.image()) + one
    w = np.abs(x.image("w", grid=coarsen(x.grid))) + one
    for name, given, got in (("R", Y, a.restrict(Y, x.pair)), ("P", w, a.prolong(w, x.pair))):
        slack = 4 * x.d * x.eps * float(given.max())
        inside = bool(np.all(got >= given.min() - slack) and np.all(got <= given.max() + slack))
        text = f"min y <= {name}y <= max y"
        yield holds(inside, text, f"values in [{got.min():.6g}, {got.max():.6g}]")


@law("T10", "restrict prolong convolution", "[LAS] eq. (8) with a zero boundary", ZERO)
def _zero_padding(a: Gate, x: Instance) -> Claims:
    """With a zero boundary the coarse convolution is the Galerkin one, away from the edges at least.

    R K_zero(s_h) P = K_zero(s_H): in all rows for piecewise constant P, in the interior rows for others;
    scale σ^d ‖s‖₁‖y‖_∞
    Catches: boundaries that do not fit together.
    """
    pair, r = x.weights, x.stencil[0] // 2
    reach = max(map(abs, pair.r)) + r + max(map(abs, pair.p))
    margin = 0 if set(pair.p) <= {0, 1} else math.ceil(reach / 2)
    grid = (2 * margin + 2,) * x.d
    S, y = x.single(), x.image("y", channels=1, grid=grid)
    got = a.restrict(a.convolution(S, a.prolong(y, x.pair), "zero"), x.pair)
    correlation = x.orientation == "correlation"
    s_H = down(S if correlation else transpose(S), pair.r, pair.p)
    expected = convolve(s_H, y, "zero")
    inside = (slice(None), slice(None), *(slice(margin, n - margin) for n in grid))
    scale = pair.row_sum**x.d * row_sum_norm(S) * max_norm(y)
    yield f"rows at distance {margin} from the edges", got[inside], expected[inside], scale


def _inner(w: Array, matrix: Array, y: Array) -> float:
    """Return ⟨w, M y⟩ over all channels and examples."""
    flat = as_double(y).reshape(*y.shape[:2], -1) @ matrix.T
    return float((as_double(w).reshape(*w.shape[:2], -1) * flat).sum())


def _linear(x: Instance, grid: tuple[int, ...], width: float) -> Array:
    """Return a(α + β·x) at the points of a grid; ``width`` is its spacing in units of the fine one."""
    rng = np.random.default_rng(x.seed)
    values = np.full(grid, rng.standard_normal())
    for axis, n in enumerate(grid):
        points = width * (np.arange(n) + (0.0 if x.weights.vertex else 0.5))
        values = values + rng.standard_normal() * points.reshape(
            *(n if k == axis else 1 for k in range(len(grid)))
        )
    return x.image_scale * values


def _inside_of_restriction(pair: Pair, n: int) -> list[int]:
    """Return the coarse cells whose row does not wrap around."""
    return [i for i in range(n // 2) if all(0 <= 2 * i + offset < n for offset in pair.r)]


def _inside_of_prolongation(pair: Pair, n: int) -> list[int]:
    """Return the fine cells that no wrapped column reaches."""
    reached = {(2 * j + b) % n for j, b in itertools.product(range(n // 2), pair.p) if not 0 <= 2 * j + b < n}
    return [i for i in range(n) if i not in reached]


def _product(vectors: list[Array]) -> Array:
    """Return the outer product of vectors."""
    return reduce(np.multiply.outer, vectors)
