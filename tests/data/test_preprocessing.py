import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peak_memory import memory_below

from refms.data import Dataset, Preprocessing, prepare
from refms.errors import InputError
from refms.grid import Grid
from refms.stencils.smoothing import gaussian_matrix
from refms.stencils.transfer import TRANSFER_PAIRS, transfer_pair

PAIRS = sorted(pair.name for pair in TRANSFER_PAIRS)
EPS = {"float32": np.finfo("float32").eps, "float64": np.finfo("float64").eps}


def bytes_of(shape, count, seed):
    images = np.random.default_rng(seed).integers(0, 256, (count, 1, *shape), dtype=np.uint8)
    return Dataset(images, np.zeros(count, dtype=int), classes=2, name="noise", max_value=255.0)


steps_drawn = st.builds(
    Preprocessing,
    scale=st.sampled_from([1.0, 2.0, -0.7]),
    shift=st.sampled_from([0.0, 0.5, 1.0]),
    smoothing=st.sampled_from([0.0, 0.5, 1.3]),
    pair=st.sampled_from(PAIRS),
    levels=st.integers(0, 2),
)


@settings(max_examples=40)
@given(
    steps_drawn,
    st.sampled_from([(8,), (8, 4), (4, 4, 8)]),
    st.sampled_from(sorted(EPS)),
    st.integers(0, 2**32 - 1),
)
def test_the_columns_are_what_the_explicit_matrices_make_of_the_images(steps, shape, dtype, seed):
    data = bytes_of(shape, 5, seed)
    grid = Grid(shape)
    expected = steps.scale * (data.images.reshape(5, -1).T / 255.0) - steps.shift
    size = np.abs(steps.scale) * (data.images.reshape(5, -1).T / 255.0) + abs(steps.shift)
    if steps.smoothing:
        G = gaussian_matrix(grid, steps.smoothing)
        expected, size = G @ expected, abs(G) @ size
    for _ in range(steps.levels):
        R = transfer_pair(steps.pair).restriction_matrix(grid)
        expected, size, grid = R @ expected, abs(R) @ size, grid.coarsen()
    Y, found = prepare(data, steps, dtype)
    assert found == grid == steps.coarse_grid(Grid(shape))
    assert Y.dtype == dtype
    assert Y.flags.c_contiguous
    assert np.max(np.abs(Y - expected)) / (EPS[dtype] * np.max(size)) <= 30


@settings(max_examples=30)
@given(steps_drawn, st.integers(1, 9), st.sampled_from(sorted(EPS)))
def test_the_batches_do_not_show_in_the_result(steps, batch, dtype):
    data = bytes_of((8, 4), 9, seed=3)
    image = 5 * 32 * np.dtype(dtype).itemsize
    whole, _ = prepare(data, steps, dtype)
    parts, _ = prepare(data, steps, dtype, max_bytes=batch * image)
    assert np.max(np.abs(parts - whole)) <= EPS[dtype] * 30 * np.max(np.abs(whole))


@settings(max_examples=20)
@given(steps_drawn, st.integers(1, 2), st.sampled_from(sorted(EPS)), st.integers(1, 9))
def test_images_are_interpolated_by_the_prolongation_of_the_pair(steps, refinements, dtype, batch):
    data, steps = bytes_of((8, 4), 9, seed=4), replace(steps, levels=0)
    Y, grid = prepare(data, steps, dtype)
    P = transfer_pair(steps.pair).prolongation_matrix(grid.refine(refinements), levels=refinements)
    image = 5 * P.shape[0] * np.dtype(dtype).itemsize
    found, fine = prepare(data, steps, dtype, refinements=refinements, max_bytes=batch * image)
    assert fine == grid.refine(refinements)
    assert (found.dtype, found.shape, found.flags.c_contiguous) == (dtype, (fine.cells, 9), True)
    scale = EPS[dtype] * np.abs(Y).max() * abs(P).sum(axis=1).max()
    assert np.max(np.abs(found - P @ Y.astype("float64"))) <= 30 * scale


@settings(max_examples=20)
@given(steps_drawn, st.sampled_from([(8,), (8, 4)]), st.integers(0, 1), st.integers(1, 5))
def test_every_channel_is_prepared_as_if_it_were_alone(steps, shape, refinements, batch):
    steps = replace(steps, levels=0) if refinements else steps
    images = np.random.default_rng(5).integers(0, 256, (5, 3, *shape), dtype=np.uint8)
    data = Dataset(images, None, 0, "colours", 255.0, targets=images[:, ::-1].astype("float32"))
    image = 5 * 3 * int(np.prod(shape)) * 2 ** (len(shape) * refinements) * 8
    Y, grid = prepare(data, steps, refinements=refinements, max_bytes=batch * image)
    alone = [
        prepare(Dataset(images[:, k : k + 1], None, 0, "one", 255.0), steps, refinements=refinements)[0]
        for k in range(3)
    ]
    assert Y.shape == (3 * grid.cells, 5)
    assert np.max(np.abs(Y - np.concatenate(alone))) <= 30 * EPS["float64"] * np.max(np.abs(Y))
    targets, _ = prepare(data, steps, refinements=refinements, what="targets")
    assert np.max(np.abs(targets - np.concatenate(alone[::-1]))) <= 30 * EPS["float64"] * np.max(np.abs(Y))


def test_targets_may_live_on_another_mesh_and_must_be_there():
    images = np.ones((2, 3, 4, 4))
    data = Dataset(images, None, 0, "pairs", 1.0, targets=np.ones((2, 1, 8, 8)))
    assert prepare(data, Preprocessing(levels=1), what="targets")[1] == Grid((4, 4))
    with pytest.raises(InputError, match="no targets"):
        prepare(replace(data, targets=None), Preprocessing(), what="targets")


def test_images_are_not_restricted_and_interpolated_at_once():
    with pytest.raises(InputError, match="levels is 1 and refinements is 1"):
        prepare(bytes_of((4, 4), 2, seed=0), Preprocessing(levels=1), refinements=1)
    with pytest.raises(InputError, match="refinements"):
        prepare(bytes_of((4, 4), 2, seed=0), Preprocessing(), refinements=-1)


def test_a_constant_image_stays_constant_and_keeps_its_value():
    data = Dataset(
        np.full((2, 1, 8, 8), 51, "uint8"), np.zeros(2, int), classes=2, name="flat", max_value=255.0
    )
    Y, _ = prepare(data, Preprocessing(scale=2.0, shift=1.0, smoothing=0.8, levels=2))
    np.testing.assert_allclose(Y, 2 * 0.2 - 1, rtol=1e-14)


def test_every_column_is_its_own_image_in_c_order():
    images = np.arange(12, dtype=np.float64).reshape(2, 1, 2, 3)
    data = Dataset(images, np.zeros(2, int), classes=2, name="count", max_value=1.0)
    Y, grid = prepare(data, Preprocessing())
    assert grid == Grid((2, 3))
    np.testing.assert_array_equal(Y.T, images.reshape(2, 6))


def test_the_images_are_not_changed():
    data = bytes_of((4, 4), 3, seed=0)
    before = data.images.copy()
    data.images.setflags(write=False)
    prepare(data, Preprocessing(scale=2.0, shift=1.0, smoothing=1.0, levels=1))
    np.testing.assert_array_equal(data.images, before)


def test_memory_stays_within_the_limit_and_the_result():
    data = bytes_of((32, 32), 2000, seed=0)
    steps = Preprocessing(smoothing=0.5, levels=2)
    prepare(data, steps, "float32", max_bytes=2**20)
    # The matrices themselves take about a quarter of a mebibyte.
    with memory_below(1.5 * 2**20 + 4 * 64 * 2000):
        prepare(data, steps, "float32", max_bytes=2**20)


@settings(max_examples=40)
@given(steps_drawn)
def test_the_steps_survive_json(steps):
    assert Preprocessing.from_dict(json.loads(json.dumps(steps.to_dict()))) == steps


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ({"levls": 1}, "unknown pre-processing step 'levls'.*Did you mean 'levels'"),
        ({"pair": "averaging-bilinaer"}, "Did you mean 'averaging-bilinear'"),
        ({"levels": 1.5}, "levels"),
        ({"levels": -1}, "levels"),
        ({"levels": True}, "levels"),
        ({"smoothing": -0.5}, "smoothing"),
        ({"smoothing": float("nan")}, "smoothing"),
        ({"scale": 0.0}, "scale is 0"),
        ({"scale": "1"}, "scale"),
        ({"shift": float("inf")}, "shift"),
        ([], "mapping"),
    ],
)
def test_stored_steps_that_mean_nothing_are_refused(stored, says):
    with pytest.raises(InputError, match=says):
        Preprocessing.from_dict(stored)


def test_grids_that_cannot_be_halved_and_other_bad_wishes_are_refused():
    data = bytes_of((6, 4), 2, seed=0)
    with pytest.raises(InputError, match="multiple of 4"):
        prepare(data, Preprocessing(levels=2))
    with pytest.raises(InputError, match="dtype"):
        prepare(data, Preprocessing(), "float16")
    with pytest.raises(InputError, match="one image"):
        prepare(data, Preprocessing(), max_bytes=10)
