"""K(S) against its definition and other people's code: matrix, action, adjoint and stencil gradient."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import DTYPES, LIMIT, boundaries, convolutions, draw_array, rho, seeds

from refms.backend import backend_of
from refms.definition import convolution as definition
from refms.errors import InputError
from refms.grid import Grid
from refms.stencils.convolution import Convolution, convolution_matrix
from refms.stencils.routes.slabs import SLAB_BYTES

both_boundaries = pytest.mark.parametrize("boundary", ["periodic", "zero"])


def cases(of=boundaries):
    given_cases = given(convolution=convolutions(of=of), dtype=st.sampled_from(DTYPES), seed=seeds)
    return lambda test: settings(max_examples=40)(given_cases(test))


def draw_all(convolution, dtype, seed, examples=3):
    shapes = (
        convolution.stencils_shape,
        *((n, examples) for n in (convolution.rows_in, convolution.rows_out)),
    )
    return [draw_array([seed, k], shape, dtype) for k, shape in enumerate(shapes)]


def choices(convolution):
    return {"boundary": convolution.boundary, "orientation": convolution.orientation}


def matrices(convolution, S):
    """K(S) and K(|S|) by the definition Σ_κ s_κ Π_κ, in double precision."""
    grid = convolution.grid.shape
    return [definition.convolution_matrix(T, grid, **choices(convolution)) for T in (S, np.abs(S))]


# The matrix


@cases()
def test_matrix_is_the_sum_of_the_shift_matrices(convolution, dtype, seed):
    S, *_ = draw_all(convolution, dtype, seed)
    for K in (convolution.matrix(S), convolution_matrix(S, convolution.grid, **choices(convolution))):
        assert K.dtype == dtype
        assert K.shape == (convolution.rows_out, convolution.rows_in)
        assert rho(K.toarray(), *matrices(convolution, S)) <= LIMIT


def test_matrix_equals_plain_loops_over_cells():
    convolution = Convolution(Grid((3, 4)), c_in=2, c_out=3, stencil_shape=(3, 5))
    S, Y, _ = draw_all(convolution, "float64", 1, examples=1)
    y = Y.reshape(2, 3, 4)
    z = np.zeros((3, 3, 4))
    for o, i, j, c, p, q in itertools.product(range(3), range(3), range(4), range(2), range(3), range(5)):
        z[o, i, j] += S[o, c, p, q] * y[c, (i + p - 1) % 3, (j + q - 2) % 4]
    np.testing.assert_allclose(convolution.matrix(S) @ Y, z.reshape(-1, 1), rtol=0, atol=1e-13)
    np.testing.assert_allclose(convolution.apply(S, Y), z.reshape(-1, 1), rtol=0, atol=1e-13)


@both_boundaries
@pytest.mark.parametrize("shape", [(5,), (4, 3), (3, 2, 4)])
def test_delta_gives_the_identity_and_zero_gives_zero(shape, boundary):
    s = np.zeros((3,) * len(shape))
    assert abs(convolution_matrix(s, Grid(shape), boundary=boundary)).sum() == 0
    s[(1,) * len(shape)] = 1
    K = convolution_matrix(s, Grid(shape), boundary=boundary)
    np.testing.assert_array_equal(K.toarray(), np.eye(Grid(shape).cells))


def test_first_row_of_a_bare_stencil_shows_its_orientation():
    s = np.array([1.0, 2.0, 3.0])
    grid = Grid((5,))
    assert convolution_matrix(s, grid).toarray()[0].tolist() == [2, 3, 0, 0, 1]
    assert convolution_matrix(s, grid, orientation="convolution").toarray()[0].tolist() == [2, 1, 0, 0, 3]
    assert convolution_matrix(s, grid, boundary="zero").toarray()[0].tolist() == [2, 3, 0, 0, 0]


@pytest.mark.parametrize("size", [3, 5, 7])
@pytest.mark.parametrize("n", [1, 2])
def test_entries_that_wrap_around_to_the_same_cell_add_up(n, size):
    s = 2.0 ** np.arange(size)
    K = convolution_matrix(s, Grid((n,))).toarray()
    centre = size // 2
    for i, j in np.ndindex(n, n):
        assert K[i, j] == sum(s[q] for q in range(size) if (i + q - centre) % n == j)


@cases(of=st.just("periodic"))
def test_periodic_matrix_commutes_with_every_unit_shift(convolution, dtype, seed):
    S, *_ = draw_all(convolution, dtype, seed)
    shape = convolution.grid.shape
    K = convolution.matrix(S).toarray().reshape(convolution.c_out, *shape, convolution.c_in, *shape)
    for axis, end in enumerate(range(-len(shape), 0), start=1):
        np.testing.assert_array_equal(np.roll(K, (1, 1), (axis, end)), K)


@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(st.integers(5, 8), st.integers(5, 8)))
@settings(max_examples=10)
def test_product_of_two_periodic_matrices_is_that_of_the_convolved_stencils(seed, shape):
    rng = np.random.default_rng(seed)
    s, t = rng.standard_normal((2, 3, 3))
    K = [convolution_matrix(x, Grid(shape)).toarray() for x in (s, t, scipy.signal.convolve2d(s, t))]
    np.testing.assert_allclose(K[0] @ K[1], K[1] @ K[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(K[0] @ K[1], K[2], rtol=0, atol=1e-13)


@pytest.mark.parametrize("stencil_shape", [(3, 3), (5, 1), (3, 7)])
def test_zero_boundary_is_the_periodic_matrix_of_a_padded_grid_cut_out(stencil_shape):
    s = np.random.default_rng(3).standard_normal(stencil_shape)
    reach = [k // 2 for k in stencil_shape]
    small, wide = Grid((4, 5)), Grid((4 + 2 * reach[0], 5 + 2 * reach[1]))
    inner = (
        np.arange(wide.cells).reshape(wide.shape)[reach[0] : reach[0] + 4, reach[1] : reach[1] + 5].ravel()
    )
    cut = convolution_matrix(s, wide).toarray()[np.ix_(inner, inner)]
    np.testing.assert_array_equal(convolution_matrix(s, small, boundary="zero").toarray(), cut)


# The action, its adjoint and its gradient


@cases()
def test_products_are_those_of_the_definition(convolution, dtype, seed):
    S, Y, Z = draw_all(convolution, dtype, seed)
    adjoint, gradient = convolution.adjoint_and_gradient(S, Z, Y)
    gradients = gradient, convolution.stencil_gradient(Z, Y)
    np.testing.assert_array_equal(adjoint, convolution.adjoint(S, Z))
    # Scaled by K(|S|) |Y|, not by |K| |Y|: entries that meet in one cell may cancel in K before they meet Y.
    K, scale = matrices(convolution, S)
    for got, matrix, size, X in ((convolution.apply(S, Y), K, scale, Y), (adjoint, K.T, scale.T, Z)):
        assert got.dtype == dtype
        assert got.flags.c_contiguous
        assert rho(got, matrix @ X, size @ np.abs(X)) <= LIMIT
    Y, Z = (A.T.reshape(A.shape[1], -1, *convolution.grid.shape) for A in (Y, Z))
    expected, size = (
        definition.stencil_gradient(*arrays, convolution.stencil_shape, **choices(convolution))
        for arrays in ((Z, Y), (np.abs(Z), np.abs(Y)))
    )
    for got in gradients:
        assert got.dtype == dtype
        assert rho(got, expected, size) <= LIMIT


@cases()
def test_adjoint_is_the_same_convolution_with_flipped_stencil_and_transposed_channels(
    convolution, dtype, seed
):
    S, *_ = draw_all(convolution, dtype, seed)
    turned = np.flip(S, tuple(range(2, S.ndim))).swapaxes(0, 1)
    mirror = replace(convolution, c_in=convolution.c_out, c_out=convolution.c_in)
    difference = mirror.matrix(turned) - convolution.matrix(S).T
    assert (
        rho(difference.toarray(), 0, matrices(convolution, S)[1].T) <= LIMIT
    )  # folding adds in another order


@cases()
def test_dot_test_and_euler_identity(convolution, dtype, seed):
    """<Z, K Y> = <Kᵀ Z, Y> = <gradient, S>, scaled by the norms."""
    S, Y, Z = draw_all(convolution, dtype, seed)
    adjoint, gradient = convolution.adjoint_and_gradient(S, Z, Y)
    forward = np.sum(Z * convolution.apply(S, Y), dtype="complex128")
    scale = np.finfo(dtype).eps * np.abs(S).sum() * np.linalg.norm(Y) * np.linalg.norm(Z)
    assert abs(forward - np.sum(adjoint * Y, dtype="complex128")) <= LIMIT * scale
    assert abs(forward - np.sum(gradient * S, dtype="complex128")) <= LIMIT * scale


@pytest.mark.parametrize("turn", [np.flipud, np.fliplr, np.rot90, np.transpose])
def test_turning_image_and_stencil_together_turns_the_result(turn):
    rng = np.random.default_rng(6)
    image, s = rng.standard_normal((5, 7)), rng.standard_normal((3, 3))
    turned = turn(image)
    for boundary in ("periodic", "zero"):
        K = Convolution(Grid(image.shape), boundary=boundary)
        K_turned = Convolution(Grid(turned.shape), boundary=boundary)
        result = K.apply(s[None, None], image.reshape(-1, 1)).reshape(image.shape)
        other = K_turned.apply(turn(s)[None, None].copy(), turned.reshape(-1, 1)).reshape(turned.shape)
        np.testing.assert_allclose(other, turn(result), rtol=0, atol=1e-13)


# Other people's code


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("boundary", "mode"), [("periodic", "wrap"), ("zero", "constant")])
@pytest.mark.parametrize("orientation", ["correlation", "convolution"])
@pytest.mark.parametrize(("shape", "size"), [((9,), (5,)), ((6, 7), (3, 5)), ((5, 4, 6), (3, 1, 3))])
def test_agrees_with_scipy_ndimage(shape, size, orientation, boundary, mode, dtype):
    convolution = Convolution(Grid(shape), stencil_shape=size, boundary=boundary, orientation=orientation)
    S, Y, _ = draw_all(convolution, dtype, 7, examples=1)
    theirs = scipy.ndimage.correlate if orientation == "correlation" else scipy.ndimage.convolve
    wide = theirs(Y.astype("float64").reshape(shape), S[0, 0].astype("float64"), mode=mode)
    scale = np.abs(S).sum() * np.abs(Y).max()
    assert rho(convolution.apply(S, Y).reshape(shape), wide, np.full(shape, scale)) <= LIMIT


# Precision, memory layout, complex numbers


@both_boundaries
@pytest.mark.parametrize("layout", ["fortran", "strided", "reversed"])
def test_memory_layout_of_the_inputs_does_not_matter(layout, boundary):
    convolution = Convolution(Grid((4, 5)), 2, 3, boundary=boundary)
    arrays = draw_all(convolution, "float64", 10)

    def relaid(array):
        if layout == "fortran":
            return np.asfortranarray(array)
        if layout == "reversed":
            return array[::-1].copy()[::-1]
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]))
        wide[..., ::2] = array
        return wide[..., ::2]

    S, Y, Z = arrays
    S2, Y2, Z2 = [relaid(array) for array in arrays]
    np.testing.assert_array_equal(convolution.apply(S2, Y2), convolution.apply(S, Y))
    np.testing.assert_array_equal(convolution.adjoint(S2, Z2), convolution.adjoint(S, Z))
    np.testing.assert_array_equal(convolution.stencil_gradient(Z2, Y2), convolution.stencil_gradient(Z, Y))
    np.testing.assert_array_equal(convolution.matrix(S2).toarray(), convolution.matrix(S).toarray())
    for ours, theirs in zip(
        convolution.adjoint_and_gradient(S2, Z2, Y2),
        convolution.adjoint_and_gradient(S, Z, Y),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("stencil_shape", [(3, 3), (1, 1)])
def test_real_and_complex_of_one_precision_meet(stencil_shape):
    """The complex step in S: the imaginary part is the directional derivative, to the last digits."""
    convolution = Convolution(Grid((4, 5)), 2, 3, stencil_shape)
    S, Y, Z = draw_all(convolution, "float64", 11)
    T = np.random.default_rng(12).standard_normal(S.shape)
    stepped = convolution.apply(S + 1e-30j * T, Y)
    np.testing.assert_allclose(stepped.imag / 1e-30, convolution.apply(T, Y), rtol=0, atol=1e-13)
    stepped, gradient = convolution.adjoint_and_gradient(S, Z + 1e-30j * Z, Y)
    np.testing.assert_allclose(stepped.imag / 1e-30, convolution.adjoint(S, Z), rtol=0, atol=1e-12)
    np.testing.assert_allclose(gradient.imag / 1e-30, gradient.real, rtol=0, atol=1e-11)
    assert convolution.apply(S.astype("float32"), Y.astype("complex64")).dtype == "complex64"


@pytest.mark.parametrize("stencil_shape", [(3, 3), (1, 1)])
def test_results_share_no_memory_with_the_inputs(stencil_shape):
    convolution = Convolution(Grid((3, 3)), stencil_shape=stencil_shape)
    S, Y, Z = draw_all(convolution, "float64", 13)
    results = [
        convolution.apply(S, Y),
        convolution.stencil_gradient(Z, Y),
        *convolution.adjoint_and_gradient(S, Z, Y),
        convolution.matrix(S).data,
    ]
    for result in results:
        assert result.flags.writeable
        assert not any(np.shares_memory(result, array) for array in (S, Y, Z))


@both_boundaries
def test_non_finite_features_pass_through_where_they_are_seen(boundary):
    convolution = Convolution(Grid((6,)), stencil_shape=(3,), boundary=boundary)
    Y = np.zeros((6, 2))
    Y[0, 0] = np.nan
    got = convolution.apply(np.ones((1, 1, 3)), Y)
    assert np.isnan(got[:, 0]).tolist() == [True, True, False, False, False, boundary == "periodic"]
    assert not np.isnan(got[:, 1]).any()


def test_lines_longer_than_a_slab_are_cut_into_pieces_whose_seams_do_not_show():
    convolution = Convolution(Grid((2, 900)), 4, 2, (3, 5), boundary="zero")
    assert SLAB_BYTES["numpy"] < 900 * 3 * 4 * 40 * 8
    S, Y, Z = draw_all(convolution, "float64", 14, examples=40)
    K = convolution.matrix(S)
    np.testing.assert_allclose(convolution.apply(S, Y), K @ Y, rtol=0, atol=1e-12)
    adjoint, gradient = convolution.adjoint_and_gradient(S, Z, Y)
    np.testing.assert_allclose(adjoint, K.T @ Z, rtol=0, atol=1e-12)
    np.testing.assert_allclose(gradient, convolution.stencil_gradient(Z, Y), rtol=0, atol=1e-10)


# Where the arrays live


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@both_boundaries
@pytest.mark.parametrize("stencil_shape", [(3, 5), (1, 1)])
def test_results_live_where_the_arrays_do_and_are_the_same(device, stencil_shape, boundary, dtype):
    convolution = Convolution(Grid((4, 3)), 2, 3, stencil_shape, boundary, "convolution")
    hosts = draw_all(convolution, dtype, 15)
    S, Y, Z = map(device.array, hosts)

    def results(S, Y, Z):
        pattern = convolution.assembly(dtype, backend_of(S))
        return [
            convolution.apply(S, Y),
            convolution.adjoint(S, Z),
            convolution.stencil_gradient(Z, Y),
            *convolution.adjoint_and_gradient(S, Z, Y),
            convolution.matrix(S) @ Y,
            pattern.matrix(S) @ Y,
        ]

    for there, here in zip(results(S, Y, Z), results(*hosts), strict=True):
        assert there.dtype == dtype
        scale = np.finfo(dtype).eps * np.abs(hosts[0]).sum() * np.linalg.norm(hosts[1]) * np.sqrt(12)
        assert np.abs(device.host(there) - here).max() <= LIMIT * scale


def test_action_and_adjoint_never_wait_for_the_device(fake_gpu, ledger):
    convolution = Convolution(Grid((4, 3)), 2, 3, boundary="zero")
    S, Y, Z = map(fake_gpu.array, draw_all(convolution, "float64", 16))
    convolution.apply(S, Y)
    convolution.adjoint_and_gradient(S, Z, Y)
    assert ledger.synchronisations == 0


def test_refuses_arrays_of_two_places(fake_gpu):
    convolution = Convolution(Grid((4, 3)))
    S, Y, _ = draw_all(convolution, "float64", 17)
    with pytest.raises(InputError, match="different backends"):
        convolution.apply(fake_gpu.array(S), Y)
    with pytest.raises(InputError, match=r"S lives on the cupy backend.*Move S"):
        convolution.assembly().matrix(fake_gpu.array(S))


# What it says about itself, and what it refuses


def test_sizes_given_as_a_list_or_as_numpy_integers_are_the_same_convolution():
    wanted = Convolution(Grid((4, 4)), stencil_shape=(3, 5))
    for sizes in ([3, 5], (np.int64(3), np.int32(5))):
        convolution = Convolution(Grid((4, 4)), stencil_shape=sizes)
        assert convolution == wanted
        assert hash(convolution) == hash(wanted)
        assert [type(size) for size in convolution.stencil_shape] == [int, int]
