"""Every cell's patch is gathered once and right, however the grid is cut into slabs."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stencils.drawn import boundaries, shapes_and_sizes

from refms.backend import NUMPY
from refms.grid import Grid
from refms.stencils.routes.neighbours import neighbours, offsets_of
from refms.stencils.routes.route import Geometry
from refms.stencils.routes.slabs import SLAB_BYTES, lines_of, patches_of


def patch_slabs(Y, grid, sizes, boundary, slab_bytes=None):
    gather = patches_of(Geometry(grid, sizes, boundary), Y.shape[1], NUMPY, slab_bytes)
    for _ in gather(Y, len(Y) // grid.cells):  # the plan is kept from the first time on
        pass
    for (lines, cells), patches in gather(Y, len(Y) // grid.cells):
        yield lines, cells, patches


def patch(image, cell, sizes, boundary):
    """The patch of one cell by its definition: entries (κ_d, κ_1, …, κ_{d-1}, channel), then the example."""
    shape = image.shape[1:-1]
    rows = []
    for index in np.ndindex(sizes[-1], *sizes[:-1]):
        index = (*index[1:], index[0])
        target = [i + q - k // 2 for i, q, k in zip(cell, index, sizes, strict=True)]
        outside = any(not 0 <= t < n for t, n in zip(target, shape, strict=True))
        wrapped = tuple(t % n for t, n in zip(target, shape, strict=True))
        values = image[(slice(None), *wrapped)]
        rows.append(np.zeros_like(values) if outside and boundary == "zero" else values)
    return np.concatenate(rows)


@given(
    shapes_and_sizes(5),
    st.integers(1, 3),
    boundaries,
    st.sampled_from([1, 200, 1000, None]),
)
@settings(max_examples=60)
def test_slabs_hold_the_patch_of_every_cell_exactly_once(shape_and_sizes, channels, boundary, slab_bytes):
    shape, sizes = shape_and_sizes
    assume(np.prod(sizes) > 1)
    grid = Grid(shape)
    Y = np.arange(1.0, 1 + 2 * channels * grid.cells).reshape(-1, 2)
    Y.flags.writeable = False
    numbers = np.arange(grid.cells).reshape(-1, shape[-1])
    visited = np.zeros(grid.cells, dtype=int)
    for lines, cells, patches in patch_slabs(Y, grid, sizes, boundary, slab_bytes):
        block = numbers[lines, cells]
        assert patches.shape[:2] == block.shape
        visited[block.ravel()] += 1
        for position in np.ndindex(block.shape):
            cell = np.unravel_index(block[position], shape)
            expected = patch(Y.reshape(channels, *shape, 2), cell, sizes, boundary)
            np.testing.assert_array_equal(patches[position], expected)
    assert (visited == 1).all()


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [((40, 50), (3, 3)), ((3000,), (5,)), ((8, 9, 30), (3, 1, 5)), ((3, 2000), (3, 3))],
)
@pytest.mark.parametrize("slab_bytes", [20_000, 100_000])
def test_a_slab_stays_below_its_size_and_is_not_needlessly_small(shape, sizes, slab_bytes):
    grid = Grid(shape)
    Y = np.zeros((2 * grid.cells, 4), dtype="float32")
    held = []
    for _lines, cells, patches in patch_slabs(Y, grid, sizes, "periodic", slab_bytes):
        width = patches.shape[1] + sizes[-1] - 1
        held.append(patches.shape[0] * width * int(np.prod(sizes[:-1])) * 2 * 4 * 4)
        assert cells.stop - cells.start == patches.shape[1]
    assert max(held) <= slab_bytes
    assert max(held) > slab_bytes / 2


@pytest.mark.parametrize("lines", [1, 2])
def test_whole_lines_that_just_fit_are_not_cut(lines):
    grid, sizes = Grid((6, 50)), (3, 5)
    Y = np.zeros((2 * grid.cells, 4))
    line_bytes = (50 + 4) * 3 * 2 * 4 * 8  # cells and reach, leading offsets, channels, examples, bytes
    fits = [patches.shape[:2] for *_, patches in patch_slabs(Y, grid, sizes, "zero", lines * line_bytes)]
    assert fits == [(lines, 50)] * (6 // lines)
    (*_, short), *_ = patch_slabs(Y, grid, sizes, "zero", line_bytes - 1)
    assert short.shape[:2] == (1, 49)


def test_a_cell_too_large_for_a_slab_still_comes_alone():
    Y = np.zeros((6, SLAB_BYTES["numpy"] // 8))
    widths = [patches.shape[1] for *_, patches in patch_slabs(Y, Grid((6,)), (3,), "periodic")]
    assert widths == [1] * 6


def test_stencil_of_one_entry_copies_nothing_and_takes_lines_as_examples():
    Y = np.arange(24.0).reshape(12, 2)
    ((lines, cells, patches),) = patch_slabs(Y, Grid((2, 3)), (1, 1), "zero")
    assert np.shares_memory(patches, Y)
    np.testing.assert_array_equal(patches[lines, cells], Y.reshape(2, 1, 2, 6).transpose(1, 2, 0, 3))


def test_lines_are_a_view_of_the_columns():
    Y = np.arange(48.0).reshape(24, 2)
    lines = lines_of(Geometry(Grid((3, 4)), (3, 3), "zero"), 2)(Y)
    assert np.shares_memory(lines, Y)
    np.testing.assert_array_equal(lines[2, 1, 1], Y.reshape(2, 3, 4, 2)[1, 2, 1])


@pytest.mark.parametrize("shape", [(3,), (1, 2), (4, 3), (2, 3, 4)])
@pytest.mark.parametrize("boundary", ["periodic", "zero"])
def test_neighbours_count_cells_and_offsets_in_c_order(shape, boundary):
    sizes = (3, 1, 5)[: len(shape)]
    cells, inside = neighbours(shape, [offsets_of(size) for size in sizes], boundary)
    for i, cell in enumerate(np.ndindex(*shape)):
        for k, index in enumerate(np.ndindex(*sizes)):
            target = np.array(cell) + index - np.array(sizes) // 2
            assert cells[i, k] == np.ravel_multi_index(tuple(target % shape), shape)
            within = bool(((target >= 0) & (target < shape)).all())
            assert inside[i, k] == (within or boundary == "periodic")


def test_no_axes_mean_one_cell_that_is_its_own_neighbour():
    cells, inside = neighbours((), [], "zero")
    assert cells.tolist() == [[0]]
    assert inside.tolist() == [[True]]
