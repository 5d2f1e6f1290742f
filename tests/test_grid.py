"""Grids: cells, spacing, levels; and the views between images and feature columns."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.grid import (
    Grid,
    channels_of,
    columns_from_nchw,
    columns_from_nhwc,
    nchw_from_columns,
    nhwc_from_columns,
)

quick = settings(max_examples=30)
shapes = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)


@given(shape=shapes)
@quick
def test_the_cells_fill_the_unit_cube(shape):
    grid = Grid(shape)
    assert (grid.dimension, grid.cells) == (len(shape), math.prod(shape))
    assert grid.cell_volume * grid.cells == pytest.approx(1.0, rel=1e-15)
    assert math.prod(grid.spacing) == pytest.approx(grid.cell_volume, rel=1e-14)


@given(shape=shapes, levels=st.integers(0, 4))
@quick
def test_coarsening_undoes_refinement(shape, levels):
    grid = Grid(shape)
    fine = grid.refine(levels)
    assert fine.cells == grid.cells * 2 ** (levels * grid.dimension)
    assert fine.coarsen(levels) == grid
    assert grid.levels_to(fine) == levels
    assert fine.levels_to(grid) == -levels


@given(n=st.integers(1, 20))
@quick
def test_a_coarse_centre_is_the_mean_of_two_fine_ones(n):
    coarse, fine = Grid((n,)), Grid((n,)).refine()
    pairs = fine.centres().reshape(n, 2)
    assert np.abs(pairs.mean(axis=1) - coarse.centres()).max() <= 2e-16
    assert np.all((fine.centres() > 0) & (fine.centres() < 1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_centres_lie_half_a_cell_off_the_edge(dtype):
    centres = Grid((2, 4)).centres(1, dtype)
    assert centres.dtype == np.dtype(dtype)
    assert centres.tolist() == [0.125, 0.375, 0.625, 0.875]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "uint8"])
@given(shape=shapes, channels=st.integers(1, 4), m=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=10)
def test_layouts_put_every_pixel_where_they_say(device, dtype, shape, channels, m, seed):
    grid = Grid(shape)
    nchw = (100 * np.random.default_rng(seed).random((m, channels, *shape))).astype(dtype)
    nhwc = np.moveaxis(nchw, 1, -1)
    Y = columns_from_nchw(device.array(nchw))
    columns = device.host(Y)
    assert columns.flags.c_contiguous
    assert columns.dtype == dtype
    for c, example, index in itertools.product(range(channels), range(m), np.ndindex(shape)):
        row = c * grid.cells + np.ravel_multi_index(index, shape)
        assert columns[row, example] == nchw[(example, c, *index)]
    assert np.array_equal(device.host(columns_from_nhwc(device.array(nhwc))), columns)
    assert channels_of(Y, grid) == channels
    for back, images in ((nchw_from_columns(Y, grid), nchw), (nhwc_from_columns(Y, grid), nhwc)):
        host = device.host(back)
        assert np.array_equal(host, images)
        assert host.flags.c_contiguous
        assert host.dtype == dtype


def test_layouts_return_new_arrays(locked):
    """Even where a view would do (one channel, one example): results never alias their input."""
    images, Y, grid = locked(np.ones((1, 1, 4))), locked(np.ones((4, 1))), Grid((4,))
    for result in (
        columns_from_nchw(images),
        columns_from_nhwc(images.reshape(1, 4, 1)),
        nchw_from_columns(Y, grid),
        nhwc_from_columns(Y, grid),
    ):
        assert result.flags.writeable
        assert not np.shares_memory(result, images)
        assert not np.shares_memory(result, Y)
