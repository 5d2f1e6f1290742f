"""What each transfer pair claims about itself, true or false, against its explicit matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import pairs, seeds, shapes

from refms.definition import transfer as definition
from refms.grid import Grid
from refms.stencils.transfer import TRANSFER_PAIRS, transfer_pair

every_pair = pytest.mark.parametrize("pair", TRANSFER_PAIRS, ids=lambda pair: pair.name)
every_dimension = pytest.mark.parametrize("d", [1, 2, 3])


def R_of(pair, *shape, **options):
    return pair.restriction_matrix(Grid(shape), **options).toarray()


def P_of(pair, *shape, **options):
    return pair.prolongation_matrix(Grid(shape), **options).toarray()


def sum_of(entries):
    return sum(w for _, w in entries)


# The matrices


@every_pair
def test_correlation_is_what_r_and_p_have_in_common_at_each_distance(pair):
    r, p = np.zeros(41), np.zeros(41)
    for weights, entries in ((r, pair.restriction), (p, pair.prolongation)):
        for offset, weight in entries:
            weights[20 + offset] = weight
    c = np.correlate(p, r, "full")  # at 40 + k: Σ p_{a+k} r_a
    assert pair.correlation == {int(k) - 40: c[k] for k in np.flatnonzero(c)}
    assert list(pair.correlation) == sorted(pair.correlation)
    assert pair.half_width == np.abs(np.flatnonzero(c) - 40).max()


@settings(max_examples=40)
@given(pairs, shapes(4, 3, 2))
def test_matrices_equal_their_definition_even_where_entries_wrap_around(pair, coarse):
    fine, named = tuple(2 * n for n in coarse), definition.PAIRS[pair.name]
    assert (dict(pair.restriction), dict(pair.prolongation)) == (named.r, named.p)
    np.testing.assert_array_equal(R_of(pair, *fine), definition.restriction(named, fine))
    np.testing.assert_array_equal(P_of(pair, *fine), definition.prolongation(named, fine))


@every_pair
def test_single_precision_holds_the_same_numbers(pair):
    for matrix in (pair.restriction_matrix, pair.prolongation_matrix):
        single, double = matrix(Grid((4, 6)), dtype="float32"), matrix(Grid((4, 6)))
        assert (single.dtype, double.dtype) == (np.float32, np.float64)
        assert single.format == double.format == "csr"
        assert single.has_sorted_indices
        np.testing.assert_array_equal(single.toarray(), double.toarray())


@every_pair
def test_channels_are_transferred_each_on_its_own(pair):
    R, P = R_of(pair, 4, 2), P_of(pair, 4, 2)
    np.testing.assert_array_equal(R_of(pair, 4, 2, channels=3), np.kron(np.eye(3), R))
    np.testing.assert_array_equal(P_of(pair, 4, 2, channels=3), np.kron(np.eye(3), P))


@every_pair
def test_several_levels_at_once_are_the_product_of_single_levels(pair):
    first, second = (16, 8), (8, 4)
    np.testing.assert_allclose(
        R_of(pair, *first, levels=2, channels=2),
        R_of(pair, *second, channels=2) @ R_of(pair, *first, channels=2),
        atol=1e-15,
    )
    np.testing.assert_allclose(
        P_of(pair, *first, levels=2, channels=2),
        P_of(pair, *first, channels=2) @ P_of(pair, *second, channels=2),
        atol=1e-15,
    )


@every_pair
def test_matrices_live_where_they_are_asked_for(device, pair):
    for matrix in (pair.restriction_matrix, pair.prolongation_matrix):
        there, here = matrix(Grid((4, 2)), backend=device.backend), matrix(Grid((4, 2)))
        np.testing.assert_array_equal(device.host(there).toarray(), here.toarray())


@every_pair
@every_dimension
def test_coarse_shifts_commute(pair, d):
    fine, coarse = Grid((6, 4, 2)[:d]), Grid((3, 2, 1)[:d])
    R, P = R_of(pair, *fine.shape), P_of(pair, *fine.shape)
    for axis in range(d):
        shift_h = np.roll(np.eye(fine.cells).reshape(*fine.shape, -1), 2, axis).reshape(fine.cells, -1)
        shift_H = np.roll(np.eye(coarse.cells).reshape(*coarse.shape, -1), 1, axis).reshape(coarse.cells, -1)
        np.testing.assert_array_equal(R @ shift_h, shift_H @ R)
        np.testing.assert_array_equal(shift_h @ P, P @ shift_H)


@every_pair
@pytest.mark.parametrize("shape", [(2,), (4,), (16,), (2, 6), (4, 2, 2)])
def test_both_matrices_have_full_rank(pair, shape):
    coarse = Grid(shape).coarsen().cells
    assert np.linalg.matrix_rank(R_of(pair, *shape)) == coarse
    assert np.linalg.matrix_rank(P_of(pair, *shape)) == coarse


# What a pair states about itself


@every_pair
@every_dimension
def test_identity_factor_is_stated_truly(pair, d):
    shape = (8, 10, 8)[:d]
    RP = R_of(pair, *shape) @ P_of(pair, *shape)
    multiple = RP[0, 0] * np.eye(len(RP))
    if pair.identity_factor is None:
        assert np.abs(RP - multiple).max() > 0.03
    else:
        np.testing.assert_array_equal(RP, pair.identity_factor**d * np.eye(len(RP)))


@every_pair
@every_dimension
def test_variational_is_stated_truly(pair, d):
    shape = (8, 6, 4)[:d]
    R, P = R_of(pair, *shape), P_of(pair, *shape)
    assert np.array_equal(R, P.T / 2**d) is pair.variational


@settings(max_examples=25)
@given(pairs, st.integers(1, 3), seeds)
def test_logits_survive_prolongation_of_their_weights_exactly_if_variational(pair, d, seed):
    fine = Grid((8, 6, 4)[:d])
    coarse = fine.coarsen()
    rng = np.random.default_rng(seed)
    w, y = rng.standard_normal(coarse.cells), rng.standard_normal(fine.cells)
    Pw, Ry = P_of(pair, *fine.shape) @ w, R_of(pair, *fine.shape) @ y
    defect = abs(fine.cell_volume * (Pw @ y) - coarse.cell_volume * (w @ Ry))
    scale = fine.cell_volume * np.linalg.norm(Pw) * np.linalg.norm(y)
    rho = defect / (np.finfo(float).eps * scale)
    assert rho <= 30 if pair.variational else rho > 1e6


@pytest.mark.parametrize("name", ["averaging-bilinear", "injection-linear", "injection-cubic", "nearest"])
def test_other_pairs_change_the_logits_of_smooth_features_at_their_order(name):
    pair, defects = transfer_pair(name), []
    for n in (32, 64):
        w, y = smooth(coordinates(pair, n)[1]), smooth(coordinates(pair, n)[0] - 0.2)
        Pw, Ry = P_of(pair, n) @ w, R_of(pair, n) @ y
        defects.append(abs(Pw @ y / n - w @ Ry / (n // 2)))
    assert np.log2(defects[0] / defects[1]) == pytest.approx(pair.order, abs=0.15)


def smooth(x):
    return np.exp(np.sin(2 * np.pi * x))


def coordinates(pair, n):
    """Where the values of the fine grid and of the coarse grid live, by the pair's centring."""
    shift = 0.5 if pair.centring == "cell" else 0.0
    return (np.arange(n) + shift) / n, (np.arange(n // 2) + shift) / (n // 2)


@every_pair
def test_order_is_stated_truly(pair):
    errors = []
    for n in (64, 128):
        u = smooth(np.arange(n) / n)
        scaled = P_of(pair, n) @ (R_of(pair, n) @ u) / sum_of(pair.restriction)
        errors.append(np.abs(scaled - u).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(pair.order, abs=0.15)


@every_pair
def test_exactness_for_linear_functions_is_stated_truly(pair):
    n, seam = 32, 4
    x_fine, x_coarse = coordinates(pair, n)
    restricted = R_of(pair, n) @ x_fine - x_coarse
    prolonged = P_of(pair, n) @ x_coarse - x_fine
    assert (np.abs(restricted[seam:-seam]).max() < 1e-15) == pair.restricts_linears
    assert (np.abs(prolonged[seam:-seam]).max() < 1e-15) == pair.prolongs_linears


@every_pair
def test_only_cubic_interpolation_is_exact_for_cubics(pair):
    x_fine, x_coarse = coordinates(pair, 24)
    error = np.abs(P_of(pair, 24) @ x_coarse**3 - x_fine**3)[6:-6].max()
    assert (error < 1e-15) == (pair.name == "injection-cubic")


@every_pair
@every_dimension
def test_sums_of_rows_and_columns(pair, d):
    shape = (8, 4, 2)[:d]
    R, P = R_of(pair, *shape), P_of(pair, *shape)
    expected = 2**d if pair.name == "summing-constant" else 1
    np.testing.assert_array_equal(R.sum(axis=1), expected)
    np.testing.assert_array_equal(P.sum(axis=1), 1)
    np.testing.assert_array_equal(P.sum(axis=0), 2**d)


@every_pair
def test_values_stay_in_range_except_with_cubic_interpolation_or_a_sum(pair):
    step = np.repeat([0.0, 1.0], 8)
    prolonged, restricted = P_of(pair, 32) @ step, R_of(pair, 16) @ step
    assert (prolonged.min() >= 0 and prolonged.max() <= 1) == (pair.name != "injection-cubic")
    assert (restricted.min() >= 0 and restricted.max() <= 1) == (pair.name != "summing-constant")


# What the pair of Example 1 has instead of RP = γI


@pytest.mark.parametrize("name", ["averaging-bilinear", "full-weighting-linear"])
@pytest.mark.parametrize(("d", "diagonal"), [(1, 0.75), (2, 0.5625), (3, 0.421875)])
def test_example_1_pairs_contract_a_round_trip(name, d, diagonal):
    pair, n = transfer_pair(name), 4
    RP = R_of(pair, *[2 * n] * d) @ P_of(pair, *[2 * n] * d)
    symbol = (3 + np.cos(2 * np.pi * np.arange(n) / n)) / 4
    eigenvalues = np.sort(np.prod(np.meshgrid(*[symbol] * d), axis=0).ravel())
    np.testing.assert_array_equal(np.diag(RP), diagonal)
    np.testing.assert_allclose(np.linalg.eigvalsh(RP), eigenvalues, atol=1e-14)
    assert np.linalg.cond(RP) == pytest.approx(2**d)


def test_example_1_pairs_have_the_tridiagonal_round_trip():
    for name in ("averaging-bilinear", "full-weighting-linear"):
        RP = R_of(transfer_pair(name), 8) @ P_of(transfer_pair(name), 8)
        np.testing.assert_array_equal(RP[1], [1 / 8, 3 / 4, 1 / 8, 0])


@every_pair
def test_extents_halve_as_often_as_they_can(pair):
    assert pair.restriction_matrix(Grid((28, 28)), levels=2).shape == (49, 784)
