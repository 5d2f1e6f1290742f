"""Every route against the explicit matrix, over random shapes; the matrix is the definition."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import LIMIT, convolutions, draw_array, rho, seeds

from refms.definition.norms import row_sum_norm
from refms.errors import InputError
from refms.grid import Grid
from refms.stencils.convolution import Convolution
from refms.stencils.routes.table import COMPILED, ROUTES

FASTER = tuple(
    name for name in ROUTES if name not in ("auto", "matrix", "winograd") and (name != "compiled" or COMPILED)
)
ANY = ("patches", "im2col", "fourier", "matrix")
"""Routes that take complex arrays and devices."""


def everywhere(test):
    """Every route, and 13 channels, which take all kinds of tiles."""
    drawn = given(
        convolution=convolutions((40, 9, 5), range(1, 6), (1, 2, 4, 5, 8, 13)),
        dtype=st.sampled_from(("float32", "float64")),
        examples=st.sampled_from((1, 2, 7, 8, 33)),
        seed=seeds,
    )
    return pytest.mark.parametrize("name", [*FASTER, "matrix"])(settings(max_examples=30)(drawn(test)))


def draws(convolution, dtype, examples, seed):
    """S, T; Y, U and Z, D as columns before and after; b."""
    shapes = [convolution.stencils_shape] * 2
    shapes += [(rows, examples) for rows in (convolution.rows_in, convolution.rows_out) for _ in range(2)]
    return [draw_array([seed, k], shape, dtype) for k, shape in enumerate([*shapes, convolution.c_out])]


def assert_close(found, expected, scale):
    assert found.dtype == expected.dtype
    assert rho(found, expected, scale) <= LIMIT


@everywhere
def test_sums_of_products_are_those_of_the_matrices(name, convolution, dtype, examples, seed):
    route = dataclasses.replace(convolution, route=name)
    S, T, Y, U, Z, D, b = draws(convolution, dtype, examples, seed)
    K, L = (convolution.matrix(A) for A in (S, T))
    scale = row_sum_norm(S) * np.abs(Y).max()
    assert_close(route.apply(S, Y), K @ Y, scale)
    scale = scale + row_sum_norm(T) * np.abs(U).max() + np.abs(b).max()
    bias = np.repeat(b, convolution.grid.cells)[:, None]
    both = K @ Y + L @ U
    assert_close(route.combine([(S, Y), (T, U)]), both, scale)
    whole = D + Z * (both + bias)
    scale = np.abs(D).max() + np.abs(Z).max() * scale
    assert_close(route.combine([(S, Y), (T, U)], b, Z, D), whole, scale)
    three = K @ Y + L @ U + K @ U
    assert_close(route.combine([(S, Y), (T, U), (S, U)], factor=Z), Z * three, 2 * scale)


@everywhere
def test_adjoints_are_those_of_the_matrix(name, convolution, dtype, examples, seed):
    route = dataclasses.replace(convolution, route=name)
    S, _, Y, U, Z, _, _ = draws(convolution, dtype, examples, seed)
    adjoint = convolution.matrix(S).T @ Z
    scale = row_sum_norm(S.swapaxes(0, 1)) * np.abs(Z).max()
    assert_close(route.adjoint(S, Z), adjoint, scale)
    assert_close(route.adjoint_and_gradient(S, Z, Y)[0], adjoint, scale)
    with_more = route.adjoint_and_gradient(S, Z, Y, add=U)[0]
    assert_close(with_more, U + adjoint, scale + np.abs(U).max())


@everywhere
def test_stencil_gradients_pair_the_cotangent_with_every_unit_stencil(
    name, convolution, dtype, examples, seed
):
    route = dataclasses.replace(convolution, route=name)
    S, _, Y, _, Z, _, _ = draws(convolution, dtype, examples, seed)
    gradient = route.stencil_gradient(Z, Y)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        unit = np.zeros_like(S)
        at = tuple(rng.integers(size) for size in S.shape)
        unit[at] = 1
        expected = np.sum(Z * (convolution.matrix(unit) @ Y))
        scale = np.linalg.norm(Z) * np.linalg.norm(Y)
        assert abs(gradient[at] - expected) <= LIMIT * np.finfo(dtype).eps * scale
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(route.adjoint_and_gradient(S, Z, Y)[1].shape, S.shape)


@pytest.mark.parametrize("name", ANY)
def test_complex_arrays_are_transposed_without_conjugation(name):
    convolution = Convolution(Grid((5, 4)), 2, 3, (3, 5), "zero", route=name)
    rng = np.random.default_rng(3)
    S, Y, Z = (
        rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
        for shape in (convolution.stencils_shape, (40, 2), (60, 2))
    )
    K = convolution.matrix(S)
    adjoint, gradient = convolution.adjoint_and_gradient(S, Z, Y)
    np.testing.assert_allclose(convolution.apply(S, Y), K @ Y, atol=1e-12)
    np.testing.assert_allclose(adjoint, K.T @ Z, atol=1e-12)
    np.testing.assert_allclose((gradient * S).sum(), (Z * (K @ Y)).sum(), rtol=1e-12)  # Euler's identity


@pytest.mark.parametrize("stencil_shape", [(3, 5), (1, 1)])
@pytest.mark.parametrize("name", ANY)
def test_real_and_complex_arrays_of_one_precision_meet(name, stencil_shape):
    convolution = Convolution(Grid((5, 4)), 2, 3, stencil_shape, "zero", route=name)
    rng = np.random.default_rng(5)
    S, Y, Z, U = (
        rng.standard_normal(shape) for shape in (convolution.stencils_shape, (40, 2), (60, 2), (40, 2))
    )
    apply, gradient = convolution.apply, convolution.stencil_gradient
    for found, real, imaginary in (
        (apply(S, Y + 1j * U), apply(S, Y), apply(S, U)),
        (apply(S - 2j * S, Y), apply(S, Y), -2 * apply(S, Y)),
        (gradient(Z, Y + 1j * U), gradient(Z, Y), gradient(Z, U)),
        (gradient(Z - 2j * Z, Y), gradient(Z, Y), -2 * gradient(Z, Y)),
        (convolution.combine([(S, Y)], add=1j * Z), apply(S, Y), Z),
        (convolution.combine([(S, Y)], factor=1j * Z), 0, Z * apply(S, Y)),
        (
            convolution.combine([(S, Y)], bias=1j * S[:, 0, 0, 0]),
            apply(S, Y),
            np.repeat(S[:, 0, 0, 0], 20)[:, None],
        ),
    ):
        np.testing.assert_allclose(found, real + 1j * imaginary, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ANY)
def test_every_route_runs_where_its_arrays_live(device, name):
    convolution = Convolution(Grid((3, 4)), 2, 3, (3, 5), "zero", "convolution", route=name)
    hosts = draws(convolution, "float64", 2, seed=6)

    def results(S, T, Y, U, Z, D, b):
        combined = convolution.combine([(S, Y), (T, U)], b, Z, D)
        return [
            combined,
            convolution.stencil_gradient(Z, Y),
            *convolution.adjoint_and_gradient(S, Z, Y, add=U),
        ]

    for there, here in zip(results(*map(device.array, hosts)), results(*hosts), strict=True):
        np.testing.assert_allclose(device.host(there), here, rtol=0, atol=1e-12)


@pytest.mark.skipif(not COMPILED, reason="numba, the extra `fast`, is not installed")
def test_a_column_of_the_compiled_route_does_not_depend_on_the_others():
    convolution = Convolution(Grid((6, 11)), 3, 13, (3, 5), route="compiled")
    S, _, Y, _, Z, D, b = draws(convolution, "float32", 37, seed=4)
    whole = convolution.combine([(S, Y)], b, Z, D)
    for part in (slice(0, 1), slice(1, 20), slice(20, 37)):
        cut = [np.ascontiguousarray(A[:, part]) for A in (Y, Z, D)]
        np.testing.assert_array_equal(convolution.combine([(S, cut[0])], b, *cut[1:]), whole[:, part])


@pytest.mark.skipif(not COMPILED, reason="numba, the extra `fast`, is not installed")
def test_non_finite_numbers_reach_exactly_the_cells_that_see_them():
    convolution = Convolution(Grid((9, 9)), stencil_shape=(3, 3), boundary="zero", route="compiled")
    Y = np.zeros((81, 3))
    Y[0, 1] = np.inf
    found = convolution.apply(np.ones((1, 1, 3, 3)), Y)
    assert np.argwhere(~np.isfinite(found)).tolist() == [[0, 1], [1, 1], [9, 1], [10, 1]]


def test_refuses_routes_that_cannot_be_taken():
    with pytest.raises(InputError, match=r"unknown route 'pathces'.*Did you mean 'patches'"):
        Convolution(Grid((4, 4)), route="pathces")
    complex_stencil = np.zeros((1, 1, 3, 3), dtype=complex)
    with pytest.raises(InputError, match=r"the route 'compiled' (takes float32 and float64|needs numba)"):
        Convolution(Grid((4, 4)), route="compiled").apply(complex_stencil, np.zeros((16, 1)))


def test_refuses_terms_that_do_not_fit():
    convolution = Convolution(Grid((4,)), c_out=2, stencil_shape=(3,))
    S, Y = np.zeros((2, 1, 3)), np.zeros((4, 2))
    for arguments, message in (
        (([],), "there is no term"),
        (([(S, Y), (S, Y[:, :1])],), "terms have 2 and 1 examples"),
        (([(S, Y)], np.zeros(1)), r"bias has shape \(1,\); expected \(2,\)"),
        (([(S, Y)], None, np.zeros((4, 2))), r"factor has shape \(4, 2\); expected \(8, 2\)"),
        (([(S, Y)], None, None, np.zeros((8, 2), "float32")), "mixed precision"),
    ):
        with pytest.raises(InputError, match=message):
            convolution.combine(*arguments)


def test_numba_is_loaded_only_where_the_compiled_route_is_taken():
    code = (
        "import sys, numpy as np; from refms import Convolution, Grid; "
        "Convolution(Grid((8, 8))).apply(np.zeros((1, 1, 3, 3)), np.zeros((64, 1))); "
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)


def plainly(S, Y, Z, convolution):
    """Return K(S) Y, K(S)ᵀ Z and the gradient, entry by entry, of what lies inside of the grid alone."""
    shape, m = convolution.grid.shape, Y.shape[1]
    y, z = Y.reshape(-1, *shape, m), Z.reshape(-1, *shape, m)
    out, back, gradient = np.zeros_like(z), np.zeros_like(y), np.zeros_like(S)
    for o, c, *at in np.ndindex(*S.shape):
        kappa = np.array(at) - np.array(S.shape[2:]) // 2
        for cell in np.ndindex(*shape):
            there = np.array(cell) + kappa
            if convolution.boundary == "periodic":
                there %= shape
            elif np.any((there < 0) | (there >= shape)):
                continue
            there = tuple(there)
            out[(o, *cell)] += S[(o, c, *at)] * y[(c, *there)]
            back[(c, *there)] += S[(o, c, *at)] * z[(o, *cell)]
            gradient[(o, c, *at)] += (z[(o, *cell)] * y[(c, *there)]).sum()
    return out.reshape(-1, m), back.reshape(-1, m), gradient


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e308])
@pytest.mark.parametrize("boundary", ["periodic", "zero"])
@pytest.mark.parametrize("name", [*FASTER, "matrix", "winograd"])
def test_what_is_not_finite_spreads_to_its_neighbours_and_no_further(name, boundary, bad):
    """An FFT mixes all cells, and zeros beyond the grid or in a sparse matrix are no factor of NaN."""
    convolution = Convolution(Grid((5, 4)), 2, 3, boundary=boundary, route=name)
    rng = np.random.default_rng(5)
    shapes = (convolution.stencils_shape, (convolution.rows_in, 2), (convolution.rows_out, 2))
    for place in range(3):
        S, Y, Z = (rng.choice([-2.0, 1.0, 2.0], shape) for shape in shapes)
        (S, Y, Z)[place][(0,) * (4 if place == 0 else 2)] = bad
        gY, gS = convolution.adjoint_and_gradient(S, Z, Y)
        found = (
            convolution.apply(S, Y),
            convolution.adjoint(S, Z),
            convolution.stencil_gradient(Z, Y),
            gY,
            gS,
        )
        plain = plainly(S, Y, Z, convolution)
        for got, expected in zip(found, (*plain, plain[1], plain[2]), strict=True):
            np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
            if bad != 1e308:  # sums of such numbers overflow in some order and not in another
                close = np.isclose(got, expected, rtol=1e-12, atol=1e-12)
                assert np.all(close | np.isnan(expected))


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", ANY)
def test_stencils_that_are_not_finite_leave_bias_factor_and_term_in_their_places(name):
    """D + Z ∘ (K(S) Y + b) with an infinite entry of the second filter: the first one does not see it."""
    convolution = Convolution(Grid((4, 3)), 2, 2, boundary="zero", route=name)
    S, _, Y, _, Z, D, b = draws(convolution, "float64", 3, 7)
    S = S.copy()
    S[1, 0, 1, 1] = np.inf
    found, first = convolution.combine([(S, Y)], b, Z, D), slice(0, convolution.grid.cells)
    one = dataclasses.replace(convolution, c_out=1)
    expected = D[first] + Z[first] * (one.matrix(S[:1]) @ Y + b[0])
    np.testing.assert_allclose(found[first], expected, rtol=1e-12, atol=1e-12)
    assert not np.isfinite(found[convolution.grid.cells :]).any()
