"""K(s_H) = R K(s_h) P, and the way back."""

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import pairs, seeds, shapes

from refms.definition import convolution as definition
from refms.errors import SingularTransferError
from refms.grid import Grid
from refms.stencils.convolution import Convolution, convolution_matrix
from refms.stencils.galerkin import prolong_stencil, restrict_stencil, stencil_map, stencil_map_condition
from refms.stencils.transfer import TRANSFER_PAIRS, transfer_pair

EPS = np.finfo(float).eps
BILINEAR = transfer_pair("averaging-bilinear")
CONSTANT = transfer_pair("averaging-constant")
EXAMPLE_1_FINE = np.array([[-0.89, -2.03, 4.30], [-2.07, 0.00, -2.07], [4.39, -2.03, 1.28]])
EXAMPLE_1_COARSE = np.array(
    [[-0.47875, -0.1675, 0.81875], [-0.155, -0.805, 0.365], [0.84125, 0.3975, 0.06375]]
)
EXAMPLE_1_PRINTED = np.array([[-0.48, -0.17, 0.82], [-0.15, -0.80, 0.37], [0.84, 0.40, 0.07]])

every_pair = pytest.mark.parametrize("pair", TRANSFER_PAIRS, ids=lambda pair: pair.name)
every_closed_size = pytest.mark.parametrize(
    ("pair", "size"),
    [(pair, size) for pair in TRANSFER_PAIRS for size in pair.closed_sizes],
    ids=lambda value: str(getattr(value, "name", value)),
)


def shift_matrix_sum(s, shape):
    """K(s) = Σ_κ s_κ Π_κ by the definition."""
    return definition.convolution_matrix(s[None, None], shape)


def galerkin_product(s, pair, shape, levels=1):
    fine = Grid(shape)
    R, P = pair.restriction_matrix(fine, levels=levels), pair.prolongation_matrix(fine, levels=levels)
    return R @ (shift_matrix_sum(s, shape) @ P.toarray())


def coarse_entries(pair, size, n=40):
    """Columns: the entries of R Π_q P for each q of a stencil, read off one row of the explicit matrix."""
    R, P = pair.restriction_matrix(Grid((n,))).toarray(), pair.prolongation_matrix(Grid((n,)))
    columns = [R[n // 4] @ shift_matrix_sum(unit, (n,)) @ P for unit in np.eye(size)]
    return np.array(columns).T, n // 4


# Restriction


@settings(max_examples=60)
@given(pairs, st.data(), seeds)
def test_restricted_stencil_gives_the_galerkin_product_on_every_grid(pair, data, seed):
    coarse = data.draw(shapes(8, 4, 2))
    d = len(coarse)
    sizes = data.draw(st.tuples(*[st.sampled_from((1, 3, 5, 7) if d < 3 else (1, 3))] * d))
    s = np.random.default_rng(seed).standard_normal(sizes)
    s_H = restrict_stencil(s, pair, d=d)
    product = galerkin_product(s, pair, tuple(2 * n for n in coarse))
    rho = np.abs(product - shift_matrix_sum(s_H, coarse)).max() / (EPS * 2**d * np.abs(s).sum())
    assert rho <= 30


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@every_pair
def test_restricted_stencils_of_several_channels_give_the_galerkin_product(pair, dtype):
    fine = Grid((10, 12))
    rng = np.random.default_rng(11)
    S = rng.standard_normal((3, 2, 3, 5)).astype(dtype)
    if dtype == "complex128":
        S += 1j * rng.standard_normal(S.shape)
    S_H = restrict_stencil(S, pair)
    real = "float32" if dtype == "float32" else "float64"
    R = pair.restriction_matrix(fine, 3, real)
    P = pair.prolongation_matrix(fine, 2, real)
    product = R @ Convolution(fine, 2, 3, (3, 5)).matrix(S) @ P
    expected = Convolution(fine.coarsen(), 2, 3, S_H.shape[2:]).matrix(S_H)
    assert S_H.dtype == expected.dtype == S.dtype
    rho = np.abs((product - expected).toarray()).max() / (np.finfo(dtype).eps * 4 * np.abs(S).sum())
    assert rho <= 30


@every_pair
def test_size_becomes_natural(pair):
    for size in (1, 3, 5, 7, 9):
        expected = 2 * ((size // 2 + pair.half_width) // 2) + 1
        if size == 1 and pair.identity_factor is not None:
            expected = 1
        assert stencil_map(pair, size).shape == (expected, size)
        entries, centre = coarse_entries(pair, size)
        beyond = np.abs(entries).sum(axis=1)
        beyond[centre - expected // 2 : centre + expected // 2 + 1] = 0
        assert np.all(beyond == 0)


def test_example_1():
    for pair in TRANSFER_PAIRS:
        s_H = restrict_stencil(EXAMPLE_1_FINE, pair, d=2)
        reproduced = s_H.shape == (3, 3) and np.abs(s_H - EXAMPLE_1_PRINTED).max() < 0.0063
        assert reproduced == pair.reproduces_example_1
        if reproduced:
            np.testing.assert_allclose(s_H, EXAMPLE_1_COARSE, rtol=0, atol=1e-15)


def test_the_map_of_example_1_is_the_one_in_the_textbook():
    A = stencil_map(BILINEAR, 3)
    np.testing.assert_array_equal(A, [[0.5, 0.125, 0], [0.5, 0.75, 0.5], [0, 0.125, 0.5]])
    np.testing.assert_array_equal(A, stencil_map(transfer_pair("full-weighting-linear"), 3))
    inverse = [[2.5, -0.5, 0.5], [-2, 2, -2], [0.5, -0.5, 2.5]]
    np.testing.assert_allclose(prolong_stencil(np.eye(3), BILINEAR, d=1).T, inverse, atol=1e-15)


def test_the_map_of_constant_interpolation():
    A = stencil_map(CONSTANT, 3)
    np.testing.assert_array_equal(A, [[0.5, 0, 0], [0.5, 1, 0.5], [0, 0, 0.5]])
    np.testing.assert_array_equal(A, stencil_map(transfer_pair("injection-linear"), 3))
    inverse = [[2, 0, 0], [-1, 1, -1], [0, 0, 2]]
    np.testing.assert_array_equal(prolong_stencil(np.eye(3), CONSTANT, d=1).T, inverse)


# Moments: what a coarse stencil keeps


def test_moment_theorem():
    A = stencil_map(BILINEAR, 3)
    for moment, eigenvalue in (([1, 1, 1], 1), ([-1, 0, 1], 1 / 2), ([1, -1 / 2, 1], 1 / 4)):
        np.testing.assert_array_equal(np.array(moment) @ A, eigenvalue * np.array(moment))


@pytest.mark.parametrize(
    ("name", "size", "eigenvalues"),
    [
        ("averaging-bilinear", 3, [1, 1 / 2, 1 / 4]),
        ("averaging-bilinear", 5, [1, 1 / 2, 1 / 4, 1 / 8, 1 / 8]),
        ("averaging-constant", 3, [1, 1 / 2, 1 / 2]),
        ("summing-constant", 3, [2, 1, 1]),
        ("injection-cubic", 5, [1, 1 / 2, 1 / 4, 1 / 4, 1 / 8]),
    ],
)
def test_eigenvalues_of_the_map(name, size, eigenvalues):
    found = np.linalg.eigvals(stencil_map(transfer_pair(name), size))
    np.testing.assert_allclose(np.sort(found.real)[::-1], eigenvalues, atol=1e-7)


@pytest.mark.parametrize("alpha", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.3, -2.0, 0.7)])
def test_example_1_pairs_rediscretise_second_order_operators(alpha):
    def discretised(h):
        return (
            alpha[0] * np.eye(3)[1]
            + alpha[1] * np.array([-1, 0, 1]) / (2 * h)
            + alpha[2] * np.array([1, -2, 1]) / h**2
        )

    s_H = restrict_stencil(discretised(0.125), BILINEAR, d=1)
    if alpha[0]:  # the identity becomes tridiag(1/8, 3/4, 1/8), a mass matrix: only its moments are kept
        moments = np.array([[1, 1, 1], [-1, 0, 1]])
        np.testing.assert_allclose(moments @ s_H, moments @ discretised(0.25), atol=1e-13)
    else:
        np.testing.assert_allclose(s_H, discretised(0.25), atol=1e-13)


def test_constant_interpolation_doubles_the_laplacian_but_not_the_derivative():
    for pair, laplacian in ((BILINEAR, [0.25, -0.5, 0.25]), (CONSTANT, [0.5, -1, 0.5])):
        np.testing.assert_array_equal(restrict_stencil(np.array([1.0, -2, 1]), pair, d=1), laplacian)
        np.testing.assert_array_equal(restrict_stencil(np.array([-1.0, 0, 1]), pair, d=1), [-0.5, 0, 0.5])


# Algebra


@every_pair
def test_symbol_is_the_sum_over_the_aliases(pair):
    s = np.random.default_rng(2).standard_normal(5)
    s_H = restrict_stencil(s, pair, d=1)

    def symbol(offsets_and_weights, theta):
        return sum(w * np.exp(1j * a * theta) for a, w in offsets_and_weights)

    theta = np.linspace(-np.pi, np.pi, 17)
    aliases = sum(
        symbol(pair.restriction, phi)
        * symbol(enumerate(s, start=-2), phi)
        * symbol(pair.prolongation, phi).conj()
        for phi in (theta / 2, theta / 2 + np.pi)
    )
    coarse = symbol(enumerate(s_H, start=-(len(s_H) // 2)), theta)
    np.testing.assert_allclose(coarse, aliases / 2, atol=1e-14)


@every_pair
@pytest.mark.parametrize("size", [1, 3, 5])
def test_two_levels_at_once_equal_one_after_the_other_and_the_explicit_product(pair, size):
    s = np.random.default_rng(size).standard_normal((size, 3))
    at_once = restrict_stencil(s, pair, d=2, levels=2)
    np.testing.assert_allclose(
        at_once, restrict_stencil(restrict_stencil(s, pair, d=2), pair, d=2), atol=1e-14
    )
    product = galerkin_product(s, pair, (12, 8), levels=2)
    np.testing.assert_allclose(product, shift_matrix_sum(at_once, (3, 2)), atol=1e-13)


@pytest.mark.parametrize("levels", [2.0, np.float64(2.0), np.int64(2)])
def test_levels_may_be_any_whole_number(levels):
    pair, S = BILINEAR, np.arange(9.0).reshape(1, 1, 3, 3)
    for move in (restrict_stencil, prolong_stencil):
        assert move(S, pair, levels=levels).tolist() == move(S, pair, levels=2).tolist()
    assert stencil_map(pair, 3, levels).tolist() == stencil_map(pair, 3, 2).tolist()
    assert stencil_map_condition(pair, 3, 1, levels) == stencil_map_condition(pair, 3, 1, 2)


@every_pair
def test_flipping_commutes_exactly_when_the_correlation_is_symmetric(pair):
    s = np.random.default_rng(3).standard_normal((3, 5))
    flipped_first = restrict_stencil(s[::-1, ::-1], pair, d=2)
    flipped_last = restrict_stencil(s, pair, d=2)[::-1, ::-1]
    assert np.allclose(flipped_first, flipped_last, rtol=0, atol=1e-14) == (pair.name != "nearest")


@settings(max_examples=20)
@given(pairs, seeds)
def test_restriction_is_linear_and_leaves_other_axes_alone(pair, seed):
    rng = np.random.default_rng(seed)
    S, T = rng.standard_normal((2, 4, 2, 3, 3, 3))
    combined = restrict_stencil(2 * S - T, pair, d=3)
    np.testing.assert_allclose(
        combined, 2 * restrict_stencil(S, pair, d=3) - restrict_stencil(T, pair, d=3), atol=1e-13
    )
    np.testing.assert_allclose(combined[3, 1], restrict_stencil((2 * S - T)[3, 1], pair, d=3), atol=1e-13)


@settings(max_examples=20)
@given(st.sampled_from([pair for pair in TRANSFER_PAIRS if pair.variational]), seeds)
def test_variational_pairs_inherit_stability(pair, seed):
    s = np.random.default_rng(seed).standard_normal((3, 3))
    s[1, 1] -= np.abs(s).sum()  # the symmetric part of K(s) is negative definite
    for stencil, shape in ((s, (8, 8)), (restrict_stencil(s, pair, d=2), (4, 4))):
        K = shift_matrix_sum(stencil, shape)
        assert np.linalg.eigvalsh(K + K.T).max() <= 1e-13


@pytest.mark.parametrize(("pair", "everywhere"), [(CONSTANT, True), (BILINEAR, False)])
def test_zero_boundary_is_kept_exactly_only_by_constant_interpolation(pair, everywhere):
    s = np.random.default_rng(4).standard_normal(3)
    fine, coarse = Grid((16,)), Grid((8,))
    R, P = pair.restriction_matrix(fine), pair.prolongation_matrix(fine)
    product = (R @ convolution_matrix(s, fine, boundary="zero") @ P).toarray()
    K_H = convolution_matrix(restrict_stencil(s, pair, d=1), coarse, boundary="zero").toarray()
    np.testing.assert_allclose(product[1:-1], K_H[1:-1], atol=1e-15)
    assert np.allclose(product, K_H, rtol=0, atol=1e-15) == everywhere


@every_pair
def test_stencils_in_convolution_orientation_are_read_flipped(pair):
    s, fine = np.random.default_rng(14).standard_normal((3, 5)), Grid((8, 12))
    s_H = restrict_stencil(s, pair, d=2, orientation="convolution")
    K = convolution_matrix(s, fine, orientation="convolution")
    product = (pair.restriction_matrix(fine) @ K @ pair.prolongation_matrix(fine)).toarray()
    expected = convolution_matrix(s_H, fine.coarsen(), orientation="convolution").toarray()
    np.testing.assert_allclose(product, expected, atol=1e-14)


# Prolongation


@every_pair
def test_closed_sizes_are_stated_truly(pair):
    closed = []
    for size in (1, 3, 5, 7, 9):
        entries, centre = coarse_entries(pair, size)
        inside = entries[centre - size // 2 : centre + size // 2 + 1]
        if np.linalg.matrix_rank(inside) == size and np.count_nonzero(entries) == np.count_nonzero(inside):
            closed.append(size)
    assert tuple(closed) == pair.closed_sizes


@pytest.mark.parametrize(
    ("name", "ranks"),
    [
        ("averaging-bilinear", {1: 1, 3: 3, 5: 5, 7: 5, 9: 7}),
        ("averaging-constant", {1: 1, 3: 3, 5: 3, 7: 5}),
        ("injection-cubic", {3: 3, 5: 5, 7: 7, 9: 7}),
        ("nearest", {1: 1, 3: 2, 5: 3, 7: 4}),
    ],
)
def test_ranks(name, ranks):
    found = {n: np.linalg.matrix_rank(coarse_entries(transfer_pair(name), n)[0]) for n in ranks}
    assert found == ranks


@pytest.mark.parametrize(
    ("name", "size", "conditions"),
    [
        ("averaging-bilinear", 3, (5.18, 26.9, 139)),
        ("averaging-constant", 3, (3.19, 10.2, 32.3)),
        ("averaging-bilinear", 5, (30.3, 916, 27709)),
    ],
)
def test_condition_numbers(name, size, conditions):
    pair = transfer_pair(name)
    for d, expected in enumerate(conditions, start=1):
        assert stencil_map_condition(pair, size, d) == pytest.approx(expected, rel=5e-3)
        if size**d < 200:
            system = reduce(np.kron, [stencil_map(pair, size)] * d)
            assert stencil_map_condition(pair, size, d) == pytest.approx(np.linalg.cond(system))
    assert stencil_map_condition(pair, size) == stencil_map_condition(pair, size, 1, 1)
    assert stencil_map_condition(CONSTANT, 5) == np.inf


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(("d", "levels"), [(1, 1), (2, 1), (3, 1), (1, 3), (2, 2)])
@every_closed_size
def test_prolongation_and_restriction_undo_each_other(pair, size, d, levels, dtype):
    S = np.random.default_rng(size).standard_normal((2, 3, *[size] * d)).astype(dtype)
    fine = prolong_stencil(S, pair, levels=levels)
    coarse = restrict_stencil(S, pair, levels=levels)
    assert fine.dtype == coarse.dtype == S.dtype
    scale = np.finfo(dtype).eps * stencil_map_condition(pair, size, d, levels) * np.linalg.norm(S)
    assert np.linalg.norm(restrict_stencil(fine, pair, levels=levels) - S) / scale <= 30
    assert np.linalg.norm(prolong_stencil(coarse, pair, levels=levels) - S) / scale <= 30


def test_prolonging_example_1_returns_its_fine_stencil():
    np.testing.assert_allclose(prolong_stencil(EXAMPLE_1_COARSE, BILINEAR, d=2), EXAMPLE_1_FINE, atol=1e-13)


def test_prolongation_reads_the_convolution_orientation_flipped():
    s_H, pair = np.random.default_rng(15).standard_normal((3, 3)), transfer_pair("nearest")
    options = {"d": 2, "least_squares": True}
    found = prolong_stencil(s_H, pair, **options, orientation="convolution")
    np.testing.assert_array_equal(found, prolong_stencil(s_H[::-1, ::-1], pair, **options)[::-1, ::-1])
    assert not np.allclose(found, prolong_stencil(s_H, pair, **options))


def test_prolongation_solves_the_full_system_with_unequal_sizes():
    s_H = np.random.default_rng(6).standard_normal((3, 5))
    system = np.kron(stencil_map(BILINEAR, 3), stencil_map(BILINEAR, 5))
    solution = np.linalg.solve(system, s_H.ravel()).reshape(3, 5)
    np.testing.assert_allclose(prolong_stencil(s_H, BILINEAR, d=2), solution, rtol=1e-12)


def test_size_five_is_refused_where_it_is_singular_and_says_what_to_do():
    with pytest.raises(SingularTransferError) as caught:
        prolong_stencil(np.zeros((2, 2, 3, 5)), CONSTANT)
    error = caught.value
    assert (error.rank, error.size, error.condition) == (3, 5, np.inf)
    said = ("rank 3 of 5", "condition inf", "1, 3", "averaging-bilinear", "least_squares=True", "axis 3")
    assert [part for part in said if part not in str(error)] == []


def test_the_refusal_tells_stencils_that_spread_from_stencils_that_lose_rank():
    with pytest.raises(SingularTransferError, match="R K P spreads them over 3 entries"):
        prolong_stencil(np.ones(1), BILINEAR, d=1)
    with pytest.raises(SingularTransferError, match="stencil map has rank 2 of 3 and condition inf"):
        prolong_stencil(np.ones(3), transfer_pair("nearest"), d=1)  # size 3 stays size 3


def test_a_pair_whose_restriction_misses_its_prolongation_takes_a_point_to_zero():
    # R reads the even cells, P writes the odd ones: R s P = 0 for a stencil of one entry.
    pair = replace(transfer_pair("nearest"), name="missing", prolongation=((1, 1.0),), closed_sizes=())
    assert not galerkin_product(np.array([5.0]), pair, (8,)).any()
    assert restrict_stencil(np.array([5.0]), pair, d=1).tolist() == [0.0]
    with pytest.raises(SingularTransferError, match="Sizes that work with this pair: none"):
        prolong_stencil(np.array([5.0]), pair, d=1)


@every_pair
def test_every_size_that_is_not_closed_is_refused(pair):
    for size in {1, 3, 5, 7, 9} - set(pair.closed_sizes):
        with pytest.raises(SingularTransferError, match="least_squares=True"):
            prolong_stencil(np.ones(size), pair, d=1)


@settings(max_examples=30)
@given(pairs, st.tuples(st.sampled_from((1, 3, 5, 7)), st.sampled_from((1, 3, 5))), seeds)
def test_least_squares_is_the_minimum_norm_solution_of_the_explicit_system(pair, sizes, seed):
    s_H = np.random.default_rng(seed).standard_normal(sizes)
    axes = []
    for size in sizes:
        entries, centre = coarse_entries(pair, size)
        axes.append(entries[centre - 6 : centre + 7])
    padded = np.pad(s_H, [(6 - size // 2, 6 - size // 2) for size in sizes])
    solution = np.linalg.lstsq(np.kron(*axes), padded.ravel())[0].reshape(sizes)
    found = prolong_stencil(s_H, pair, d=2, least_squares=True)
    np.testing.assert_allclose(found, solution, atol=1e-10)


# Devices and doors


@pytest.mark.parametrize("transfer", [restrict_stencil, prolong_stencil])
def test_stencils_stay_on_their_device(device, transfer):
    S = np.random.default_rng(9).standard_normal((2, 2, 3, 5)).astype("float32")
    found = transfer(device.array(S), BILINEAR)
    np.testing.assert_allclose(device.host(found), transfer(S, BILINEAR), rtol=1e-5, atol=1e-4)
    assert found.dtype == S.dtype


@pytest.mark.parametrize("transfer", [restrict_stencil, prolong_stencil])
def test_stencils_are_not_modified_and_results_are_new_and_in_order(transfer):
    S = np.random.default_rng(1).standard_normal((2, 2, 3, 3))
    S.setflags(write=False)
    result = transfer(S, BILINEAR)
    assert result.flags.c_contiguous
    assert result.flags.writeable
    assert not np.shares_memory(result, S)
