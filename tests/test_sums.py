"""Sums over rows: exact for small integers, and within their bound for any number of rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refms.sums import sum_rows


@given(st.integers(0, 3000), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_every_row_counts_once(rows, lead, m, seed):
    Y = np.random.default_rng(seed).integers(-9, 9, (lead, rows, m)).astype("float64")
    np.testing.assert_array_equal(sum_rows(Y), Y.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("m", [1, 4])
def test_round_off_does_not_grow_with_the_number_of_rows(m):
    """A million rows of positive numbers; added one after the other they lose four digits."""
    Y = np.random.default_rng(0).uniform(1, 2, (2**20 + 7, m)).astype("float32")
    exact = [math.fsum(column) for column in Y.T.tolist()]
    bound = 32 * 4 * np.finfo("float32").eps
    np.testing.assert_allclose(sum_rows(Y)[0], exact, rtol=bound)


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_precision_is_kept(dtype):
    assert sum_rows(np.ones((100, 2), dtype)).dtype == dtype


def test_sums_are_made_where_the_numbers_live(device):
    Y = np.random.default_rng(2).standard_normal((100, 2))
    np.testing.assert_allclose(device.host(sum_rows(device.array(Y))), sum_rows(Y), rtol=1e-14)
