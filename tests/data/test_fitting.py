"""Padded and cropped images against numpy.pad and slices, and the nearest sizes against a search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refms.data.dataset import Dataset
from refms.data.fitting import fit, fit_images, meshes_around, multiples_around
from refms.errors import InputError, InputWarning
from refms.grid import Grid

EXTENTS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3)


@given(EXTENTS, st.integers(0, 99))
def test_more_cells_repeat_the_edge_and_fewer_are_the_middle(extents, seed):
    shape, wanted = zip(*extents, strict=True)
    images = np.random.default_rng(seed).integers(0, 256, (2, 3, *shape), dtype="uint8")
    more = [max(N - n, 0) for n, N in extents]
    fewer = [max(n - N, 0) for n, N in extents]
    padded = np.pad(images, [(0, 0), (0, 0), *((p // 2, p - p // 2) for p in more)], mode="edge")
    middle = tuple(slice(c // 2, c // 2 + N) for c, (_, N) in zip(fewer, extents, strict=True))
    found = fit_images(images, wanted)
    assert found.dtype == "uint8"
    assert np.array_equal(found, padded[(slice(None), slice(None), *middle)])


@given(EXTENTS)
def test_the_nearest_meshes_are_those_of_a_search(extents):
    native, mesh = (Grid(shape) for shape in zip(*extents, strict=True))
    finer = [mesh.refine(k) for k in range(9)]
    inside = [one for one in finer if all(a <= b for a, b in zip(one.shape, native.shape, strict=True))]
    outside = [one for one in finer if all(a >= b for a, b in zip(one.shape, native.shape, strict=True))]
    assert meshes_around(native, mesh) == (inside[-1] if inside else None, outside[0])


@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.integers(1, 16))
def test_the_nearest_multiples_are_less_than_a_step_away(shape, step):
    down, up = multiples_around(Grid(tuple(shape)), step)
    assert all(n <= one < n + step and one % step == 0 for n, one in zip(shape, up.shape, strict=True))
    if down is None:
        assert min(shape) < step
    else:
        assert all(n - step < one <= n and one % step == 0 for n, one in zip(shape, down.shape, strict=True))


def test_what_is_done_is_said_and_no_more_memory_is_taken_than_allowed():
    data = Dataset(np.ones((2, 1, 3, 3)), None, 0, "own", max_value=1.0)
    with pytest.warns(InputWarning, match="3x3 cells and are padded to 4x4"):
        assert fit(data, Grid((4, 4)), 256).grid == Grid((4, 4))
    with pytest.warns(InputWarning, match="cropped to 2x2"):
        fit(data, Grid((2, 2)))
    with pytest.raises(InputError, match="256 bytes; the limit is 255"):
        fit(data, Grid((4, 4)), 255)
