"""The pattern of K(S): canonical, complete, shared without risk, and refilled without symbolic work."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import boundaries, channels, seeds, shapes_and_sizes

from refms.errors import InputError
from refms.grid import Grid
from refms.stencils.convolution import Convolution, convolution_matrix
from refms.stencils.routes import repeats
from refms.stencils.routes.assembly import assemble, fold, index_dtype


@given(
    shapes_and_sizes(),
    channels,
    boundaries,
    st.booleans(),
    st.sampled_from([1, 20, repeats.SHORTEST_PERIOD]),
)
@settings(max_examples=100)
def test_matrix_is_canonical_and_is_the_definition(shape_and_sizes, channels, boundary, flipped, shortest):
    shape, sizes = shape_and_sizes
    S = np.random.default_rng(0).standard_normal((*channels, *sizes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "SHORTEST_PERIOD", shortest)  # so that small grids have repeats, too
        K = assemble(Grid(shape), S.shape, boundary, flipped).matrix(S)
    orientation = "convolution" if flipped else "correlation"
    definition = convolution_matrix(S, Grid(shape), boundary=boundary, orientation=orientation)
    collide = boundary == "periodic" and any(n < size for n, size in zip(shape, sizes, strict=True))
    tolerance = 1e-14 * np.abs(S).sum() if collide else 0  # what meets in a cell is added in another order
    assert abs(K - definition).max() <= tolerance
    fresh = scipy.sparse.csr_array((K.data, K.indices, K.indptr), shape=K.shape)
    assert fresh.has_canonical_format  # sorted and without duplicates, looked up anew
    assert K.indptr[-1] == K.nnz == K.indices.size


@pytest.mark.parametrize(("shape", "size"), [((4000,), 3), ((40, 31), 3), ((33, 8), 5), ((12, 9, 8), 3)])
@pytest.mark.parametrize("boundary", ["periodic", "zero"])
def test_large_grids_gather_few_values_and_repeat_them(shape, size, boundary):
    S = np.random.default_rng(2).standard_normal((2, 2, *(size,) * len(shape)))
    pattern = assemble(Grid(shape), S.shape, boundary, flipped=False)
    assert pattern.repeats.count >= 5
    assert pattern.gather.size < 0.4 * pattern.nnz
    assert abs(pattern.matrix(S) - convolution_matrix(S, Grid(shape), boundary=boundary)).max() == 0
    assert pattern.matrix(S + 1j * S).dtype == "complex128"


@pytest.mark.parametrize(
    ("shape", "size"), [((8,), 3), ((8,), 7), ((6, 5), 5), ((7, 9), 3), ((5, 5, 6), 3), ((3, 3), 3)]
)
def test_counts_sums_trace_and_frobenius_norm(shape, size):
    grid, d = Grid(shape), len(shape)
    s = np.random.default_rng(1).standard_normal((size,) * d)
    K = convolution_matrix(s, grid)
    assert K.nnz == size**d * grid.cells
    np.testing.assert_allclose(K.sum(axis=1), s.sum(), rtol=0, atol=1e-13)
    np.testing.assert_allclose(K.sum(axis=0), s.sum(), rtol=0, atol=1e-13)
    assert np.isclose(K.trace(), grid.cells * s[(size // 2,) * d], rtol=1e-13)
    assert np.isclose((K.data**2).sum(), grid.cells * (s**2).sum(), rtol=1e-13)


@pytest.mark.parametrize(("shape", "size", "nnz"), [((2,), 3, 4), ((2, 2), 5, 16), ((1, 4), 3, 4 * 3)])
def test_collisions_leave_one_stored_value_each(shape, size, nnz):
    K = convolution_matrix(np.ones((size,) * len(shape)), Grid(shape))
    assert K.nnz == nnz
    assert K.sum() == Grid(shape).cells * size ** len(shape)


def test_zero_boundary_stores_only_what_stays_inside():
    K = convolution_matrix(np.ones((3, 3)), Grid((4, 5)), boundary="zero")
    assert K.nnz == (3 * 4 - 2) * (3 * 5 - 2)
    assert (K.data == 1).all()


def test_values_that_are_zero_keep_their_place_in_the_pattern():
    pattern = Convolution(Grid((5, 5)), 2, 2).assembly()
    S = np.zeros((2, 2, 3, 3))
    assert pattern.matrix(S).nnz == pattern.nnz == 4 * 9 * 25


@given(shapes_and_sizes(), seeds)
@settings(max_examples=25)
def test_folded_stencil_is_free_of_collisions_and_keeps_the_sum(shape_and_sizes, seed):
    shape, sizes = shape_and_sizes
    S = np.random.default_rng(seed).standard_normal((2, 1, *sizes))
    S.flags.writeable = False
    folded = fold(S, Grid(shape), "periodic")
    assert folded.shape == (2, 1, *np.minimum(shape, sizes))
    np.testing.assert_allclose(folded.reshape(2, -1).sum(1), S.reshape(2, -1).sum(1), rtol=0, atol=1e-13)
    assert fold(S, Grid(shape), "zero") is S


def test_folding_leaves_other_entries_alone_where_one_is_infinite():
    folded = fold(np.array([[[np.inf, 1.0, 2.0, 3.0, 4.0]]]), Grid((3,)), "periodic")
    assert folded[0, 0].tolist() == [2.0, 3.0 + np.inf, 5.0]


def test_one_assembly_serves_many_stencils_and_complex_ones():
    convolution = Convolution(Grid((4, 3)), 2, 3, (3, 5), orientation="convolution")
    pattern = convolution.assembly()
    rng = np.random.default_rng(2)
    for S in rng.standard_normal((3, *convolution.stencils_shape)):
        S.flags.writeable = False
        np.testing.assert_array_equal(pattern.matrix(S).toarray(), convolution.matrix(S).toarray())
        z = pattern.matrix(1j * S)
        assert z.dtype == "complex128"
        np.testing.assert_array_equal(z.toarray().imag, convolution.matrix(S).toarray())


def test_shared_index_arrays_cannot_be_changed_by_accident():
    convolution = Convolution(Grid((4,)), stencil_shape=(3,))
    pattern = convolution.assembly()
    first, second = (pattern.matrix(np.full((1, 1, 3), x)) for x in (1.0, 2.0))
    assert np.shares_memory(first.indices, pattern.indices)
    assert not np.shares_memory(first.data, second.data)
    with pytest.raises(ValueError, match="read-only"):
        first.indices[0] = 3
    own = convolution.matrix(np.array([[[1.0, 0.0, 1.0]]]))
    own.eliminate_zeros()
    assert own.nnz == 8


def test_index_arrays_grow_to_64_bit_when_any_count_needs_it():
    edge = 2**31 - 1
    assert index_dtype(edge, edge, edge) == "int32"
    for sizes in ((edge + 1, 1, 1), (1, edge + 1, 1), (1, 1, edge + 1)):
        assert index_dtype(*sizes) == "int64"


@pytest.mark.parametrize(
    ("S", "message"),
    [
        (np.zeros((1, 1, 3, 3), dtype="float32"), "S has dtype float32.*for double precision.*Convert S"),
        (np.zeros((3, 3)), r"S has shape \(3, 3\); expected \(1, 1, 3, 3\)"),
        (np.zeros((1, 1, 3, 3), dtype=int), "S has dtype int64; expected float32"),
    ],
)
def test_refuses_stencils_it_was_not_made_for(S, message):
    with pytest.raises(InputError, match=message):
        Convolution(Grid((4, 4))).assembly("float64").matrix(S)


def test_refuses_a_dtype_without_a_precision():
    with pytest.raises(InputError, match="dtype has dtype int32"):
        Convolution(Grid((4, 4))).assembly("int32")
