"""Kronecker products and circulant rows against dense loops; what they return is theirs alone."""

from functools import reduce

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.backend import NUMPY
from refms.errors import InputError
from refms.stencils.kronecker import circulant_rows, deliver, identity, kronecker

seeds = st.integers(0, 2**32 - 1)


def unordered():
    """[[1, 5], [0, 4]] with columns out of order and one value stored in two parts."""
    parts = (np.array([5.0, 1.0, 3.0, 1.0]), np.array([1, 0, 1, 1]), np.array([0, 2, 4]))
    return scipy.sparse.csr_array(parts, shape=(2, 2))


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=3),
    st.sampled_from(["csr", "csc", "coo"]),
    seeds,
)
def test_product_of_any_formats_is_the_dense_one_in_canonical_csr(shapes, kind, seed):
    rng = np.random.default_rng(seed)
    dense = [rng.integers(-1, 2, shape) * rng.standard_normal(shape) for shape in shapes]
    product = kronecker(*[scipy.sparse.coo_array(matrix).asformat(kind) for matrix in dense])
    np.testing.assert_array_equal(product.toarray(), reduce(np.kron, dense))
    assert product.format == "csr"
    assert product.nnz == np.prod([np.count_nonzero(matrix) for matrix in dense])  # no zeros are stored


@pytest.mark.parametrize("factors", [(unordered(),), (unordered(), unordered())])
def test_product_is_sorted_and_without_duplicates_and_its_factors_stay_as_they_are(factors):
    product = kronecker(*factors)
    fresh = scipy.sparse.csr_array((product.data, product.indices, product.indptr), shape=product.shape)
    assert fresh.has_canonical_format  # looked up anew
    np.testing.assert_array_equal(
        product.toarray(), reduce(np.kron, [np.array([[1, 5], [0, 4]])] * len(factors))
    )
    for factor in factors:
        assert factor.data.tolist() == [5.0, 1.0, 3.0, 1.0]
        assert factor.indices.tolist() == [1, 0, 1, 1]
        assert not np.shares_memory(product.data, factor.data)


@settings(max_examples=30)
@given(
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-3, 3)), max_size=4, unique_by=lambda entry: entry[0]),
)
def test_circulant_rows_add_up_what_meets_after_wrapping_around(rows, columns, stride, entries):
    expected = np.zeros((rows, columns))
    for i in range(rows):
        for offset, value in entries:
            expected[i, (stride * i + offset) % columns] += value
    found = circulant_rows(rows, columns, stride, tuple(entries))
    assert (found.format, found.dtype) == ("csr", "float64")  # also of whole numbers, and of none
    np.testing.assert_array_equal(found.toarray(), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_delivery_is_canonical_csr_of_the_precision_asked_for(dtype):
    found = deliver(unordered(), dtype, NUMPY)
    assert (found.format, found.dtype) == ("csr", dtype)
    assert found.data.tolist() == [1.0, 5.0, 4.0]


def test_delivery_refuses_other_dtypes():
    with pytest.raises(InputError, match="unknown dtype 'int64'"):
        deliver(identity(2), "int64", NUMPY)
