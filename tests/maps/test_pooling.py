"""Average pooling: its matrix, its adjoint, and what it means for the weights of the classifier."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.grid import Grid
from refms.maps.layers.linear import average_pooling, pooled_grid, pooling_matrix
from refms.objective.classifier import Classifier
from refms.stencils.transfer import transfer_pair

EMPTY = np.zeros(0)
seeds = st.integers(0, 2**31)


@st.composite
def pools(draw):
    """Grid, channels and cells of a block, the block tiling the grid."""
    d, k = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    blocks = draw(st.tuples(*[st.integers(1, 3)] * d))
    cells = k if draw(st.booleans()) else 0
    return Grid(tuple(k * n for n in blocks)), draw(st.integers(1, 3)), cells


def loops(grid, channels, cells, Y):
    """Return the means by a plain loop over channels and blocks."""
    blocks = pooled_grid(grid, cells).shape
    field = Y.reshape(channels, *grid.shape, -1)
    size = [n // p for n, p in zip(grid.shape, blocks, strict=True)]
    out = []
    for c, *where in itertools.product(range(channels), *map(range, blocks)):
        block = [slice(w * n, (w + 1) * n) for w, n in zip(where, size, strict=True)]
        out.append(field[(c, *block)].reshape(-1, Y.shape[1]).mean(axis=0))
    return np.array(out)


@settings(max_examples=40)
@given(pool=pools(), seed=seeds)
def test_the_matrix_the_fast_way_and_plain_loops_agree(pool, seed):
    F, A = average_pooling(*pool), pooling_matrix(*pool)
    rng = np.random.default_rng(seed)
    Y, G = rng.standard_normal((F.rows_in, 2)), rng.standard_normal((F.rows_out, 2))
    assert A.shape == (F.rows_out, F.rows_in)
    assert A.nnz == F.multiply_adds
    np.testing.assert_allclose(A @ Y, loops(*pool, Y), rtol=0, atol=1e-14)
    np.testing.assert_allclose(F.apply(EMPTY, Y), A @ Y, rtol=0, atol=1e-14)
    np.testing.assert_allclose(F.at(EMPTY, Y).vjp(G)[1], A.T @ G, rtol=0, atol=1e-15)


@settings(max_examples=40)
@given(pool=pools(), seed=seeds)
def test_the_classifier_on_blocks_is_the_classifier_on_cells_with_piecewise_constant_weights(pool, seed):
    """h_p^d ⟨w, A y⟩ = h^d ⟨P w, y⟩."""
    grid, channels, cells = pool
    F, blocks = average_pooling(*pool), pooled_grid(grid, cells)
    rng = np.random.default_rng(seed)
    W, mu = rng.standard_normal((F.rows_out, 2)), rng.standard_normal(2)
    Y = rng.standard_normal((F.rows_in, 3))
    P = np.eye(channels)
    for n, p in zip(grid.shape, blocks.shape, strict=True):
        P = np.kron(P, np.kron(np.eye(p), np.ones((n // p, 1))))
    coarse, fine = Classifier(blocks, channels, 2), Classifier(grid, channels, 2)
    on_blocks = coarse.map.apply(coarse.layout.pack({"W": W, "mu": mu}), F.apply(EMPTY, Y))
    on_cells = fine.map.apply(fine.layout.pack({"W": P @ W, "mu": mu}), Y)
    np.testing.assert_allclose(on_blocks, on_cells, rtol=0, atol=1e-14)


def test_pooling_by_two_is_the_restriction_of_averaging_and_constants_are_kept():
    grid = Grid((4, 6))
    R = transfer_pair("averaging-constant").restriction_matrix(grid, channels=2)
    np.testing.assert_array_equal(pooling_matrix(grid, 2, 2).toarray(), R.toarray())
    for k in (0, 1, 2):
        found = average_pooling(grid, 2, k).apply(EMPTY, np.ones((48, 1)))
        np.testing.assert_allclose(found, 1.0, rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_is_kept(dtype):
    pool = average_pooling(Grid((4,)), 1, 2)
    at = pool.at(EMPTY.astype(dtype), np.ones((4, 1), dtype))
    assert at.output.dtype == at.vjp(at.output)[1].dtype == dtype
    assert pooling_matrix(Grid((4,)), 1, 2, dtype).dtype == dtype


def test_sizes_are_told():
    pool = average_pooling(Grid((4, 6)), 2, 2)
    assert (pool.rows_in, pool.rows_out, pool.stored, pool.layout.size) == (48, 12, 12, 0)
    assert pooled_grid(Grid((4, 6)), 0) == Grid((1, 1))
