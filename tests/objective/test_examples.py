"""Batches within a memory budget, and samples of their own seed."""

from __future__ import annotations

import numpy as np
import pytest

from refms.errors import InputError
from refms.objective.batches import LEAST_ROW, PREFERRED_BYTES, SHARES, batch_width, hessian_sample
from refms.objective.examples import Examples


def test_batches_are_views_that_cover_all_columns_once():
    X, C = np.arange(14.0).reshape(2, 7), np.ones((3, 7))
    batches = list(Examples(X, C).batches(3))
    assert [batch.count for batch in batches] == [3, 3, 1]
    assert np.array_equal(np.hstack([batch.inputs for batch in batches]), X)
    assert all(np.shares_memory(batch.inputs, X) for batch in batches)


def test_samples_are_reproducible_disjoint_in_time_and_of_the_stated_size():
    first, again, other = (hessian_sample(1000, 0.1, 3, k) for k in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(np.unique(first), first)
    assert first.size == 100
    assert hessian_sample(5, 0.01, 0, 0).size == 1


def test_the_width_follows_the_budget():
    assert batch_width(1000, 4, SHARES * 2 * 1000 * 4 * 10) == 10
    assert batch_width(10, 4, 10**9, rows=90) == PREFERRED_BYTES // 400
    assert batch_width(PREFERRED_BYTES // 16, 4, 10**12) == LEAST_ROW // 4 == 128
    assert batch_width(PREFERRED_BYTES // 16, 8, 10**12) == 64
    assert batch_width(PREFERRED_BYTES // 16, 4, 10**9) == 10**9 // SHARES // (2 * PREFERRED_BYTES // 4) < 128


def test_infinities_of_both_signs_are_found_and_large_finite_sums_are_not_mistaken():
    X = np.array([[np.inf, -np.inf]])
    with pytest.raises(InputError, match="finite"):
        Examples(X, np.zeros((2, 2)))
    big = np.full((1, 2), np.finfo(float).max)
    assert Examples(big, np.zeros((2, 2))).count == 2
