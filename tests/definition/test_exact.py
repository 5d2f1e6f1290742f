"""The linear formulas in fractions against explicit matrices in fractions: equal, not close."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest

from refms.definition import classifier, depth, galerkin, norms, regularizers, transfer
from refms.definition.arrays import columns, combine, inner
from refms.definition.convolution import adjoint, convolve, stencil_gradient, transpose
from refms.definition.krylov import conjugate_gradients
from refms.definition.linear_system import inverse


def filled(shape, entry):
    """Return the object array with the given entries."""
    made = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        made[index] = entry(index)
    return made


def drawn(seed, *shape):
    """Return fractions with pairwise different prime-ish denominators, so that nothing cancels by chance."""
    rng = np.random.default_rng(seed)
    return filled(shape, lambda _: Fraction(int(rng.integers(-999, 1000)), int(rng.integers(1, 50)) * 2 + 1))


def shift(n, k):
    """Return the matrix of y_i -> y_{i+k mod n}."""
    return filled((n, n), lambda index: Fraction(int(index[1] == (index[0] + k) % n)))


def kron(*matrices):
    return reduce(np.kron, matrices)


def offsets(stencil):
    return itertools.product(*(range(-(n // 2), n // 2 + 1) for n in stencil))


def shift_sum(s, grid):
    """Return K(s) = Σ_κ s_κ Π_κ of one channel."""
    shifts = (kron(*map(shift, grid, kappa)) for kappa in offsets(s.shape))
    return sum(weight * Pi for weight, Pi in zip(s.reshape(-1), shifts, strict=True))


def block_matrix(S, grid):
    return np.block([[shift_sum(S[o, c], grid) for c in range(S.shape[1])] for o in range(S.shape[0])])


GEOMETRIES = [
    ((7,), (5,), 2, 3, 4),
    ((4, 3), (3, 5), 2, 3, 1),
    ((2, 3), (5, 3), 2, 1, 4),
    ((2, 3, 2), (3, 1, 3), 1, 2, 2),
]


@pytest.mark.parametrize(("grid", "stencil", "c_in", "c_out", "m"), GEOMETRIES)
def test_convolution_is_its_matrix_and_its_adjoint_the_transpose(grid, stencil, c_in, c_out, m):
    S, Y, Z = drawn(1, c_out, c_in, *stencil), drawn(2, m, c_in, *grid), drawn(3, m, c_out, *grid)
    K = block_matrix(S, grid)
    assert (columns(convolve(S, Y)) == K @ columns(Y)).all()
    assert (columns(adjoint(S, Z)) == K.T @ columns(Z)).all()
    assert (convolve(transpose(S), Z) == adjoint(S, Z)).all()


@pytest.mark.parametrize(("grid", "stencil", "c_in", "c_out", "m"), GEOMETRIES)
def test_stencil_gradient_is_the_derivative_of_the_inner_product(grid, stencil, c_in, c_out, m):
    Y, Z = drawn(2, m, c_in, *grid), drawn(3, m, c_out, *grid)
    gradient = stencil_gradient(Z, Y, stencil)
    for at, kappa in zip(np.ndindex(*stencil), offsets(stencil), strict=True):
        Pi = kron(*map(shift, grid, kappa))
        for o, c in itertools.product(range(c_out), range(c_in)):
            assert gradient[(o, c, *at)] == inner(columns(Z[:, o]), Pi @ columns(Y[:, c]))


def dense(weights, n, transposed):
    """Return the 1-D matrix with rows I, entries at 2I + a mod n: R, or the transpose of P."""
    matrix = filled((n // 2, n), lambda _: Fraction(0))
    for coarse, (offset, weight) in itertools.product(range(n // 2), weights.items()):
        matrix[coarse, (2 * coarse + offset) % n] += Fraction(weight)
    return matrix.T if transposed else matrix


@pytest.mark.parametrize("name", transfer.PAIRS)
@pytest.mark.parametrize("grid", [(10,), (4, 6), (2, 4, 2)])
def test_transfer_is_a_kronecker_product(name, grid):
    pair = transfer.PAIRS[name]
    R = kron(*(dense(pair.r, n, False) for n in grid))
    P = kron(*(dense(pair.p, n, True) for n in grid))
    coarse = tuple(n // 2 for n in grid)
    Y, W = drawn(4, 2, 1, *grid), drawn(5, 2, 1, *coarse)
    assert (columns(transfer.restrict(Y, pair.r)) == R @ columns(Y)).all()
    assert (columns(transfer.prolong(W, pair.p)) == P @ columns(W)).all()
    assert (transfer.restriction(pair, grid) == R).all()
    assert (transfer.prolongation(pair, grid) == P).all()


TABLE = {
    "averaging-bilinear": ({0: "1/2", 1: "1/2"}, {-1: "1/4", 0: "3/4", 1: "3/4", 2: "1/4"}),
    "averaging-constant": ({0: "1/2", 1: "1/2"}, {0: "1", 1: "1"}),
    "summing-constant": ({0: "1", 1: "1"}, {0: "1", 1: "1"}),
    "full-weighting-linear": ({-1: "1/4", 0: "1/2", 1: "1/4"}, {-1: "1/2", 0: "1", 1: "1/2"}),
    "injection-linear": ({0: "1"}, {-1: "1/2", 0: "1", 1: "1/2"}),
    "injection-cubic": ({0: "1"}, {-3: "-1/16", -1: "9/16", 0: "1", 1: "9/16", 3: "-1/16"}),
    "nearest": ({0: "1"}, {0: "1", 1: "1"}),
}


def test_the_pairs_are_those_of_the_conventions():
    assert list(TABLE) == list(transfer.PAIRS)
    for name, (R, P) in TABLE.items():
        pair = transfer.PAIRS[name]
        assert pair.r == {a: Fraction(r) for a, r in R.items()}
        assert pair.p == {b: Fraction(p) for b, p in P.items()}


@pytest.mark.parametrize("name", transfer.PAIRS)
@pytest.mark.parametrize(("grid", "stencil"), [((16,), (5,)), ((4, 6), (1, 3))])
def test_coarse_stencils_are_those_of_the_galerkin_product(name, grid, stencil):
    pair = transfer.PAIRS[name]
    s = drawn(6, 1, 1, *stencil)
    R = kron(*(dense(pair.r, n, False) for n in grid))
    P = kron(*(dense(pair.p, n, True) for n in grid))
    coarse = galerkin.down(s, pair.r, pair.p)[0, 0]
    assert (R @ shift_sum(s[0, 0], grid) @ P == shift_sum(coarse, [n // 2 for n in grid])).all()


CLOSED = {
    "averaging-bilinear": (3, 5),
    "averaging-constant": (1, 3),
    "summing-constant": (1, 3),
    "full-weighting-linear": (3, 5),
    "injection-linear": (1, 3),
    "injection-cubic": (1, 5, 7),
    "nearest": (1,),
}


@pytest.mark.parametrize("name", transfer.PAIRS)
def test_fine_stencils_of_closed_sizes_go_down_to_where_they_came_from(name):
    pair = transfer.PAIRS[name]
    assert CLOSED[name] == tuple(size for size in (1, 3, 5, 7, 9) if galerkin.closed(pair, size))
    s = drawn(7, 2, 1, *CLOSED[name][-2:])
    assert (galerkin.down(galerkin.up(s, pair.r, pair.p), pair.r, pair.p) == s).all()


def test_example_1_exactly():
    fine = [["-0.89", "-2.03", "4.30"], ["-2.07", "0", "-2.07"], ["4.39", "-2.03", "1.28"]]
    exact = [["-.47875", "-.1675", ".81875"], ["-.155", "-.805", ".365"], [".84125", ".3975", ".06375"]]
    S = filled((1, 1, 3, 3), lambda index: Fraction(fine[index[2]][index[3]]))
    pair = transfer.PAIRS["averaging-bilinear"]
    found = galerkin.down(S, pair.r, pair.p)[0, 0]
    assert found.tolist() == [[Fraction(entry) for entry in row] for row in exact]


def test_logits_are_the_midpoint_rule():
    Y, W, mu = drawn(8, 5, 2, 3, 4), drawn(9, 24, 7), drawn(10, 7)
    assert (classifier.logits(W, mu, Y) == W.T @ columns(Y) * Fraction(1, 12) + mu[:, None]).all()
    assert (classifier.logits(W, mu, Y, volume_weighted=False) == W.T @ columns(Y) + mu[:, None]).all()


def test_the_classifiers_cotangent_is_the_transpose_of_its_tangent():
    Y, dY = (drawn(seed, 5, 2, 3, 4) for seed in (8, 11))
    W, dW = (drawn(seed, 24, 7) for seed in (9, 12))
    dmu, G = drawn(13, 7), drawn(14, 7, 5)
    gW, gmu, gY = classifier.cotangent(W, Y, G)
    pushed = inner(G, classifier.logits(dW, dmu, Y) + classifier.logits(W, 0 * dmu, dY))
    assert pushed == inner(gW, dW) + inner(gmu, dmu) + inner(gY, dY)


@pytest.mark.parametrize("grid", [(4,), (3, 4), (2, 3, 4)])
def test_smoothness_in_space_is_a_sum_of_squared_differences(grid):
    W, alpha, tau = drawn(15, 2, *grid, 3), Fraction(3, 7), Fraction(2, 5)
    squares = Fraction(0)
    for axis, n in enumerate(grid, start=1):
        squares += sum((n * np.diff(W, axis=axis)).reshape(-1) ** 2)
    expected = (alpha * squares + tau * inner(W, W)) / (2 * math.prod(grid))
    assert regularizers.in_space(W.reshape(-1, 3), grid, alpha, tau) == expected


def test_smoothness_in_time_is_a_sum_of_squared_slopes():
    rows, dt = drawn(17, 4, 3), Fraction(1, 3)
    slopes = np.diff(rows, axis=0) / dt
    expected = Fraction(3, 7) / 2 * dt * inner(slopes, slopes) + Fraction(2, 5) / 2 * dt * inner(rows, rows)
    assert regularizers.in_time(rows, 4 * dt, Fraction(3, 7), Fraction(2, 5)) == expected


def test_gradients_of_the_regularizers_by_polarisation():
    weights = Fraction(3, 7), Fraction(2, 5)
    W, V, rows, d = drawn(18, 24, 2), drawn(19, 24, 2), drawn(21, 4, 3), drawn(23, 4, 3)
    for value, gradient, at, v, where in (
        (regularizers.in_space, regularizers.in_space_gradient, W, V, (3, 4)),
        (regularizers.in_time, regularizers.in_time_gradient, rows, d, Fraction(4, 3)),
    ):
        mixed = value(at + v, where, *weights) - value(at, where, *weights) - value(v, where, *weights)
        assert inner(gradient(at, where, *weights), v) == mixed


def test_conjugate_gradients_are_exact_after_as_many_steps_as_unknowns():
    B = drawn(24, 4, 4)
    A, b = B.T @ B, drawn(25, 4)
    iterates = conjugate_gradients(lambda v: A @ v, b, 4)
    assert (A @ iterates[-1] == b).all()
    assert not (A @ iterates[-2] == b).all()
    residuals = [b, *(b - A @ x for x in iterates)]
    assert all(inner(u, v) == 0 for u, v in itertools.combinations(residuals, 2))


def test_linear_interpolation_is_exact_for_what_is_linear_between_old_times():
    theta = drawn(26, 4, 2)
    doubled = combine(depth.linear_weights(4, 8), theta)
    assert (doubled[::2] == theta).all()
    assert (doubled[1:7:2] == (theta[1:] + theta[:-1]) / 2).all()
    assert (doubled[7] == theta[3]).all()
    uneven = combine(depth.linear_weights(5, 8), line := drawn(27, 1, 2) * filled((5, 1), lambda i: i[0]))
    assert (uneven[:7] == line[1:2] * filled((7, 1), lambda i: Fraction(5 * i[0], 8))).all()
    assert (uneven[7] == line[4]).all()


@pytest.mark.parametrize(("layers", "new_layers"), [(4, 8), (5, 8), (6, 13), (7, 7)])
def test_a_cubic_spline_is_exact_for_cubics_and_meets_every_old_time(layers, new_layers):
    a = drawn(28, 4)
    times = filled((new_layers,), lambda i: min(Fraction(i[0] * layers, new_layers), Fraction(layers - 1)))

    def cubic(t):
        return a[0] + a[1] * t + a[2] * t**2 + a[3] * t**3

    weights = depth.cubic_weights(layers, new_layers)
    found = combine(weights, filled((layers, 1), lambda i: cubic(Fraction(i[0]))))
    assert found[:, 0].tolist() == [cubic(t) for t in times]
    assert (weights.sum(axis=1) == 1).all()
    assert (depth.cubic_weights(layers, 2 * layers)[::2] == np.eye(layers, dtype=int)).all()


@pytest.mark.parametrize("layers", [5, 7])
def test_a_cubic_spline_has_two_continuous_derivatives_and_no_knot_next_to_its_ends(layers):
    """Third differences of a fine sampling jump at the knots 2 … N - 3 alone, as where only θ‴ jumps."""
    per_step = 8
    theta = drawn(29, layers, 1)
    fine = combine(depth.cubic_weights(layers, per_step * layers), theta)[: per_step * (layers - 1) + 1, 0]
    third = np.diff(fine, 3)
    for knot in range(1, layers - 1):
        before, after = third[per_step * knot - 3], third[per_step * knot]
        assert (before == after) == (knot in (1, layers - 2))
        # across a knot with two continuous derivatives the third differences turn from one value to the other
        # as the fractions 1/6 and 5/6 of the third integral of a step function do
        assert third[per_step * knot - 2] == before + (after - before) / 6
        assert third[per_step * knot - 1] == before + (after - before) * 5 / 6


def test_norms():
    A = filled((2, 3), lambda index: [[1, -2, 3], [-4, 5, -6]][index[0]][index[1]])
    assert (norms.row_sum_norm(A), norms.max_norm(A)) == (15, 6)


def test_inverse_with_a_zero_on_the_diagonal_and_without_an_inverse():
    A = filled((3, 3), lambda index: Fraction([[0, 2, 1], [1, 0, 3], [4, 1, 0]][index[0]][index[1]]))
    assert (inverse(A) @ A == filled((3, 3), lambda index: int(index[0] == index[1]))).all()
    with pytest.raises(ZeroDivisionError, match="column 2"):
        inverse(filled((3, 3), lambda index: Fraction(index[0] + index[1])))
