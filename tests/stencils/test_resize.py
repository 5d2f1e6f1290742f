"""Resize matrices: golden rows, what kernels reproduce, and the pairs and shifts that they equal."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.definition import resize as definition
from refms.errors import InputError
from refms.grid import Grid
from refms.names import RESIZE_BOUNDARIES, RESIZE_KERNELS
from refms.stencils.resize import resize_matrix
from refms.stencils.shuffle import pixel_shuffle_matrix
from refms.stencils.transfer import transfer_pair


def row(kernel, n_in, n_out, index, **options):
    """The entries of one row that are not zero."""
    dense = resize_matrix(Grid((n_in,)), Grid((n_out,)), kernel, **options).toarray()[index]
    return dense[dense != 0]


@pytest.mark.parametrize(
    ("kernel", "n_in", "n_out", "antialias", "expected"),
    [
        ("cubic", 32, 16, True, np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256),
        ("linear", 32, 16, True, np.array([1, 3, 3, 1]) / 8),
        ("linear", 32, 16, False, np.array([1, 1]) / 2),
        ("linear", 16, 32, True, np.array([1, 3]) / 4),
        ("box", 30, 10, True, np.array([1, 1, 1]) / 3),
        ("nearest", 30, 10, True, np.array([1.0])),
        ("cubic", 8, 16, True, np.array([-3, 29, 111, -9]) / 128),
    ],
)
def test_golden_rows(kernel, n_in, n_out, antialias, expected):
    found = row(kernel, n_in, n_out, 6, antialias=antialias)
    assert found.shape == expected.shape
    assert np.allclose(found, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("boundary", ["clamp", "periodic"])
@pytest.mark.parametrize("kernel", ["nearest", "box", "linear", "cubic"])
@pytest.mark.parametrize(("n", "to"), [((6, 5), (3, 7)), ((4, 4), (8, 8)), ((9, 2), (4, 1)), ((5,), (13,))])
def test_rows_sum_to_one_and_channels_stand_apart(n, to, kernel, boundary):
    one = resize_matrix(Grid(n), Grid(to), kernel, boundary=boundary)
    assert np.allclose(one.sum(axis=1), 1.0, rtol=0, atol=1e-14)
    two = resize_matrix(Grid(n), Grid(to), kernel, boundary=boundary, channels=2).toarray()
    assert np.array_equal(two, np.kron(np.eye(2), one.toarray()))


@pytest.mark.parametrize(("kernel", "degree"), [("linear", 1), ("cubic", 2)])
def test_kernels_reproduce_polynomials_inside(kernel, degree):
    """Linear takes linear functions to themselves, cubic quadratic ones, and neither the next degree."""
    n, to = 24, 60
    x, X = (np.arange(n) + 0.5) / n, (np.arange(to) + 0.5) / to
    A = resize_matrix(Grid((n,)), Grid((to,)), kernel).toarray()
    errors = [abs(A @ x**power - X**power)[8:-8].max() for power in range(degree + 2)]
    assert max(errors[:-1]) < 1e-14 < 1e-6 < errors[-1]


def test_what_the_named_pairs_say():
    fine, coarse = Grid((6, 4)), Grid((3, 2))
    constant, bilinear, nearest = map(transfer_pair, ("averaging-constant", "averaging-bilinear", "nearest"))

    def same(A, B):
        return np.allclose(A.toarray(), B.toarray(), rtol=0, atol=1e-15)

    assert same(resize_matrix(coarse, fine, "nearest"), constant.prolongation_matrix(fine))
    assert same(resize_matrix(fine, coarse, "nearest"), nearest.restriction_matrix(fine))
    assert same(resize_matrix(fine, coarse, "box"), constant.restriction_matrix(fine))
    periodic = resize_matrix(coarse, fine, "linear", boundary="periodic")
    assert same(periodic, bilinear.prolongation_matrix(fine))


@pytest.mark.parametrize(("shape", "channels", "ratio"), [((3,), 2, 3), ((2, 3), 2, 2), ((2, 1, 2), 1, 2)])
def test_pixel_shuffle_is_the_stated_permutation(shape, channels, ratio):
    P = pixel_shuffle_matrix(Grid(shape), channels, ratio).toarray()
    assert np.array_equal(P @ P.T, np.eye(len(P)))
    d, fine = len(shape), tuple(ratio * n for n in shape)
    taken = (P @ np.arange(len(P))).reshape(channels, *fine).astype(int)
    for channel in range(channels):
        for cell in np.ndindex(*fine):
            a, i = [x % ratio for x in cell], [x // ratio for x in cell]
            source = channel * ratio**d + sum(a[k] * ratio ** (d - 1 - k) for k in range(d))
            assert taken[channel][cell] == source * np.prod(shape) + np.ravel_multi_index(i, shape)


@pytest.mark.parametrize(
    "bad",
    [
        {"kernel": "lanczos"},
        {"boundary": "zero"},
        {"to": Grid((2, 2))},
        {"channels": 0},
        {"kernel": "area", "align_corners": True},
        {"cubic": np.nan},
    ],
)
def test_bad_arguments_are_refused(bad):
    arguments = {"grid": Grid((4,)), "to": Grid((2,)), **bad}
    with pytest.raises(InputError):
        resize_matrix(**arguments)


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from(RESIZE_KERNELS),
    st.booleans(),
    st.sampled_from(RESIZE_BOUNDARIES),
    st.booleans(),
    st.sampled_from((-0.5, -0.75)),
)
@settings(max_examples=200)
def test_every_matrix_is_the_definition_in_fractions(n, to, kernel, antialias, border, corners, alpha):
    corners = corners and kernel in ("linear", "cubic")
    exact = definition.resize_rows(n, to, kernel, antialias, border, corners, Fraction(alpha)).astype(
        "float64"
    )
    options = {"antialias": antialias, "boundary": border, "align_corners": corners, "cubic": alpha}
    found = resize_matrix(Grid(n), Grid(to), kernel, **options).toarray()
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("kernel", "options", "expected"),
    [
        ("area", {}, [[2, 1, 0], [0, 1, 2]]),
        ("adaptive", {}, [[1.5, 1.5, 0], [0, 1.5, 1.5]]),
        ("nearest", {}, [[3, 0, 0], [0, 3, 0]]),
        ("nearest-exact", {}, [[3, 0, 0], [0, 0, 3]]),
        ("linear", {"align_corners": True}, [[3, 0, 0], [0, 0, 3]]),
        ("linear", {"antialias": False}, [[2.25, 0.75, 0], [0, 0.75, 2.25]]),
    ],
)
def test_three_cells_become_two(kernel, options, expected):
    found = resize_matrix(Grid(3), Grid(2), kernel, **{"antialias": False, **options}).toarray()
    np.testing.assert_allclose(3 * found, expected, rtol=0, atol=1e-15)


def test_aligned_corners_stay_and_linear_functions_too():
    A = resize_matrix(Grid(5), Grid(9), "linear", align_corners=True).toarray()
    np.testing.assert_allclose(A @ np.linspace(0, 1, 5), np.linspace(0, 1, 9), rtol=0, atol=1e-15)


@pytest.mark.parametrize(("n", "to"), [(6, 4), (9, 6), (5, 3)])
def test_area_is_the_transpose_of_its_own_way_back(n, to):
    """Means over cells conserve integrals: n' A(n, n')ᵀ = n A(n', n)."""
    down, up = (resize_matrix(Grid(a), Grid(b), "area").toarray() for a, b in ((n, to), (to, n)))
    np.testing.assert_allclose(n * down.T, to * up, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("n", "to"), [(11, 6), (13, 12), (11, 10)])
def test_a_cell_that_the_end_of_the_box_meets_is_not_left_to_rounding(n, to):
    exact = definition.resize_rows(n, to, "box", True, "clamp").astype("float64")
    found = resize_matrix(Grid((n,)), Grid((to,)), "box").toarray()
    np.testing.assert_allclose(found, exact, rtol=1e-15)
