import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.data import Dataset, one_hot, split, subset
from refms.errors import InputError


def numbered(count):
    """A data set in which every image says which one it is."""
    images = np.arange(count, dtype=np.float64)[:, None, None, None] * np.ones((1, 1, 2, 3))
    return Dataset(images, np.arange(count) % 10, classes=10, name="numbered", max_value=1.0)


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_the_parts_of_a_split_are_disjoint_and_the_same_for_one_seed(train, validation, rest, seed):
    data = numbered(train + validation + rest)
    first, second = split(data, train, validation, seed)
    chosen = np.concatenate([first.images[:, 0, 0, 0], second.images[:, 0, 0, 0]])
    assert (first.count, second.count) == (train, validation)
    assert len(set(chosen)) == train + validation
    np.testing.assert_array_equal(np.concatenate([first.labels, second.labels]), chosen % 10)
    again, _ = split(data, train, validation, seed)
    np.testing.assert_array_equal(again.images, first.images)


def test_the_split_is_the_documented_permutation():
    first, second = split(numbered(100), 30, 20, seed=11)
    order = np.random.default_rng(11).permutation(100)
    np.testing.assert_array_equal(first.images[:, 0, 0, 0], order[:30])
    np.testing.assert_array_equal(second.images[:, 0, 0, 0], order[30:50])
    assert split(numbered(100), 30, 20, seed=12)[0].labels.tolist() != first.labels.tolist()


@pytest.mark.parametrize(("train", "validation"), [(0, 5), (5, 0), (6, 5), (11, 1)])
def test_parts_that_are_empty_or_too_large_are_refused(train, validation):
    with pytest.raises(InputError, match=r"cannot split 10 examples of numbered|expected 1 or more"):
        split(numbered(10), train, validation, seed=0)


def test_targets_are_split_with_their_images():
    images = numbered(20).images
    data = Dataset(images, None, 0, "pairs", 1.0, targets=2 * images[..., :1])
    for part in split(data, 12, 8, seed=3):
        np.testing.assert_array_equal(part.targets[..., 0], 2 * part.images[..., 0])
        assert part.labels is None


def test_a_subset_keeps_order_and_repetitions_and_copies():
    data = numbered(5)
    part = subset(data, [3, 0, 3])
    assert part.labels.tolist() == [3, 0, 3]
    part.images[:] = -1
    assert data.images.min() == 0


@pytest.mark.parametrize("indices", [[], [5], [-1], [0.0], [[0]], [True]])
def test_indices_that_choose_nothing_sensible_are_refused(indices):
    with pytest.raises(InputError, match="ind"):
        subset(numbered(5), indices)


@settings(max_examples=50)
@given(
    st.integers(1, 30), st.integers(2, 12), st.sampled_from(["float32", "float64"]), st.integers(0, 2**32 - 1)
)
def test_one_hot_columns_have_a_single_one_in_the_row_of_the_label(count, classes, dtype, seed):
    labels = np.random.default_rng(seed).integers(0, classes, count)
    C = one_hot(labels, classes, dtype)
    assert C.shape == (classes, count)
    assert C.dtype == dtype
    assert C.flags.c_contiguous
    np.testing.assert_array_equal(C.sum(axis=0), 1)
    np.testing.assert_array_equal(C.argmax(axis=0), labels)


@pytest.mark.parametrize(
    ("labels", "classes", "dtype", "says"),
    [
        (np.array([0, 3]), 3, "float64", "0 to 3; expected 0 to 2"),
        (np.array([-1, 1]), 3, "float64", "-1 to 1; expected 0 to 2"),
        (np.array([0.0, 1.0]), 3, "float64", "expected integers"),
        (np.array([], dtype=int), 3, "float64", "shape"),
        (np.array([[0, 1]]), 3, "float64", "shape"),
        (np.array([0]), 1, "float64", "classes is 1"),
        (np.array([0]), True, "float64", "classes is True"),
        (np.array([0]), 3, "int64", "dtype"),
        (None, 0, "float64", "no labels"),
    ],
)
def test_labels_that_cannot_be_one_hot_are_refused(labels, classes, dtype, says):
    with pytest.raises(InputError, match=says):
        one_hot(labels, classes, dtype)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"images": np.zeros(3)}, "shape"),
        ({"images": np.zeros((3, 2, 2, 2, 2, 2))}, "shape"),
        ({"images": np.zeros((0, 1, 2, 2))}, "none of them empty"),
        ({"images": np.zeros((3, 1, 0, 2))}, "none of them empty"),
        ({"images": np.zeros((3, 2, 2), dtype=np.int64)}, "dtype int64"),
        ({"images": np.full((3, 2, 2), np.nan)}, "NaN"),
        ({"images": np.full((3, 2, 2), np.inf)}, "infinite"),
        ({"labels": np.zeros(2, dtype=int)}, "labels have shape|labels has shape"),
        ({"labels": np.array([0, 1, 10])}, "0 to 10; expected 0 to 9"),
        ({"classes": 0}, "classes is 0"),
        ({"labels": None}, "no labels, but classes is 10"),
        ({"targets": np.zeros((2, 1, 2))}, "2 targets for 3 images"),
        ({"targets": np.full((3, 1, 2), np.nan)}, "targets hold NaN"),
        ({"targets": np.zeros((3, 2))}, "targets have shape"),
        ({"labels": np.array([0, 1, 2]), "class_names": ("ant", "bee")}, "2 class_names for 10 classes"),
        ({"labels": None, "classes": 0, "class_names": ("ant",)}, "1 class_names for 0 classes"),
        ({"max_value": 0.0}, "max_value is 0.0"),
        ({"max_value": float("nan")}, "max_value is nan"),
    ],
)
def test_what_is_no_data_set_is_refused(change, says):
    parts = {"images": np.zeros((3, 2, 2)), "labels": np.zeros(3, dtype=int), "classes": 10, "max_value": 1.0}
    with pytest.raises(InputError, match=says):
        Dataset(**{**parts, **change}, name="x")


def test_a_slice_keeps_images_labels_and_targets_together():
    images, targets = np.random.default_rng(0).random((2, 6, 1, 4, 4))
    data = Dataset(images, np.arange(6), 6, "six", 1.0, targets=targets)
    part = data[1:6:2]
    np.testing.assert_array_equal(part.images, images[[1, 3, 5]])
    np.testing.assert_array_equal(part.targets, targets[[1, 3, 5]])
    assert part.labels.tolist() == [1, 3, 5]
    assert np.shares_memory(part.images, images)
    for wrong in (0, [0, 1]):
        with pytest.raises(InputError, match=r"subset\(data"):
            data[wrong]
    with pytest.raises(InputError):
        data[6:]
