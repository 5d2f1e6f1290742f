"""Any data set in IDX files: found by its folder or by what its names begin with, classes counted."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from peak_memory import memory_below

from refms.data.by_name import read_dataset, require_dataset
from refms.data.idx_dataset import load_idx
from refms.data.location import VARIABLE
from refms.data.mnist import load_mnist
from refms.errors import FileError, InputError, InputWarning


def idx(array):
    """Return an array of bytes as an IDX file."""
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.astype("uint8").tobytes()


def put(folder, labels=(0, 2, 1), shape=(3, 2), stem="train", kind="idx3", end=""):
    """Write one part and return its folder."""
    folder.mkdir(exist_ok=True, parents=True)
    images = 255 - np.arange(len(labels) * int(np.prod(shape))).reshape(len(labels), *shape)
    pack = gzip.compress if end else bytes
    (folder / f"{stem}-images-{kind}-ubyte{end}").write_bytes(pack(idx(images)))
    (folder / f"{stem}-labels-idx1-ubyte{end}").write_bytes(pack(idx(np.array(labels))))
    return folder


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize(("kind", "shape"), [("idx2", (5,)), ("idx3", (3, 2)), ("idx4", (5, 2, 6))])
def test_images_of_one_to_three_axes_are_read_of_equal_extents_or_not(tmp_path, kind, shape, end):
    put(tmp_path / "shop", kind=kind, shape=shape, end=end)
    data = load_idx("shop", tmp_path)
    assert data.grid.shape == shape
    assert data.images.ravel().tolist() == [255 - i for i in range(data.images.size)]
    assert data.labels.tolist() == [0, 2, 1]
    assert (data.classes, data.max_value, data.name) == (3, 255.0, "idx:shop train")


@pytest.mark.parametrize("stem", ["t10k", "test"])
def test_classes_are_counted_over_both_parts(tmp_path, stem):
    put(tmp_path, labels=(0, 1, 1))
    put(tmp_path, labels=(6, 0), stem=stem)
    assert [load_idx(".", tmp_path, part).classes for part in ("train", "test")] == [7, 7]
    assert [load_idx(".", tmp_path, part).count for part in ("train", "test")] == [3, 2]


def test_names_may_begin_with_the_name_of_the_set(tmp_path):
    put(tmp_path / "many", stem="letters-train", labels=(1, 3))
    put(tmp_path / "many", stem="letters-test", labels=(4, 0))
    put(tmp_path / "many", stem="digits-train", labels=(1, 0))
    assert load_idx("many/letters", tmp_path).classes == 5
    assert load_idx("many/letters", tmp_path, "test").labels.tolist() == [4, 0]
    assert load_idx("many/digits", tmp_path).classes == 2
    with pytest.raises(FileError, match=r"holds no train-images-idx3-ubyte, plain or with \.gz"):
        load_idx("many", tmp_path)
    with pytest.raises(FileError, match="digits-t10k-images-idx3-ubyte or digits-test-images"):
        load_idx("many/digits", tmp_path, "test")


def test_the_folder_is_seen_from_the_one_named_the_environment_or_here(tmp_path, monkeypatch):
    put(tmp_path / "around" / "shop")
    monkeypatch.delenv(VARIABLE, raising=False)
    assert load_idx("shop", tmp_path / "around").count == 3
    monkeypatch.chdir(tmp_path / "around")
    assert load_idx("shop").count == 3
    assert load_idx(str(tmp_path / "around" / "shop")).count == 3  # a whole path is that path
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert load_idx("around/shop").count == 3


def test_the_current_folder_comes_before_that_of_the_environment_and_a_message_names_both(
    tmp_path, monkeypatch
):
    put(tmp_path / "here" / "shop", labels=(0, 1))
    put(tmp_path / "there" / "shop", labels=(0, 1, 1))
    (tmp_path / "here" / "empty").mkdir()
    put(tmp_path / "there" / "empty", labels=(0, 1, 1, 1))
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "there"))
    assert load_idx("shop").count == 2
    assert load_idx("empty").count == 4  # a folder without images is none
    assert load_idx("shop", tmp_path / "there").count == 3  # who names a folder means that one
    with pytest.raises(FileError, match=f"'none' holds no .* current folder nor in .*there', .*{VARIABLE}"):
        load_idx("none")


def test_a_tilde_is_the_home_folder_wherever_a_folder_is_named(tmp_path, monkeypatch):
    put(tmp_path / "data" / "shop")
    put(tmp_path / "data" / "mnist")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "~/data")
    assert load_idx("~/data/shop").count == load_idx("shop").count == load_idx("shop", "~/data").count == 3
    assert load_mnist().count == load_mnist("~/data").count == 3


@pytest.mark.parametrize(
    ("shape", "channels", "expected"),
    [
        ((6, 5, 3), "last", (3, 6, 5)),
        ((3, 6, 5), "first", (3, 6, 5)),
        ((3, 6, 5), "none", (1, 3, 6, 5)),
        ((6, 5, 7), None, (1, 6, 5, 7)),
        ((6, 2), "last", (2, 6)),
    ],
)
def test_channels_are_where_it_is_said(tmp_path, shape, channels, expected):
    put(tmp_path, kind=f"idx{1 + len(shape)}", shape=shape)
    name = "idx:." if channels is None else f"idx:.?channels={channels}"
    images = read_dataset(name, tmp_path).images
    assert images.shape == (3, *expected)
    as_read = (255 - np.arange(3 * np.prod(shape))).astype("uint8").reshape(3, *shape)
    channel = {"first": as_read[:, -1], "last": as_read[..., -1]}.get(channels, as_read)
    np.testing.assert_array_equal(images[:, -1], channel)


@pytest.mark.parametrize(
    ("shape", "place"), [((6, 5, 3), "last"), ((3, 6, 5), "first"), ((1, 6, 5), "first")]
)
def test_what_may_be_colours_is_not_taken_for_a_mesh(tmp_path, shape, place):
    put(tmp_path, kind="idx4", shape=shape)
    with pytest.raises(FileError, match=rf"may be colours .* \?channels={place}"):
        load_idx(".", tmp_path)


@pytest.mark.parametrize("load", [lambda home: load_idx(".", home), load_mnist])
def test_a_packed_and_a_plain_file_must_hold_the_same(tmp_path, load):
    put(tmp_path, end=".gz")
    put(tmp_path)
    assert load(tmp_path).labels.tolist() == [0, 2, 1]
    put(tmp_path, labels=(0, 1, 2))
    with pytest.raises(FileError, match=r"idx1-ubyte.gz' and 'train-labels-idx1-ubyte' .* different"):
        load(tmp_path)


def test_the_scale_is_told_where_bytes_do_not_look_like_it_and_an_empty_class_too(tmp_path):
    bits = np.array([[[0, 1], [1, 0]], [[1, 1], [0, 0]]])
    put(tmp_path, labels=(1, 2), shape=(2, 2))
    with pytest.warns(InputWarning, match="run from 1 to 2: there are 3 classes, and class 0 stays empty"):
        assert load_idx(".", tmp_path).classes == 3
    put(tmp_path, labels=(0, 1), shape=(2, 2), stem="t10k")  # the other part has the class
    assert load_idx(".", tmp_path).classes == 3
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(bits))
    for load in (lambda: load_idx(".", tmp_path), lambda: load_mnist(tmp_path)):
        with pytest.warns(InputWarning, match="hold 0 to 1 and are divided by 255.* scale = 255 in"):
            data = load()
        assert data.max_value == 255.0


@pytest.mark.parametrize("what", ["images", "labels"])
def test_arrays_beyond_the_limit_are_refused_before_they_are_unpacked(tmp_path, what):
    """A megabyte of zeros packs into a kilobyte; labels are counted as the eight bytes they will take."""
    put(tmp_path)
    huge = {"images": np.zeros((2**20, 1, 1)), "labels": np.zeros(2**17)}[what]
    kind = {"images": "idx3", "labels": "idx1"}[what]
    (tmp_path / f"train-{what}-{kind}-ubyte").write_bytes(gzip.compress(idx(huge)))
    with memory_below(2**18), pytest.raises(FileError, match="the limit is"):
        read_dataset("idx:.", tmp_path, max_bytes=2**20 - 1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: put(folder, labels=(0, 0, 0)), "no label but 0; expected two classes"),
        (lambda folder: (folder / "train-labels-idx1-ubyte").unlink(), "holds no train-labels-idx1-ubyte"),
        (
            lambda folder: (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(4))),
            "one label for each image",
        ),
        (
            lambda folder: (folder / "train-images-idx3-ubyte").write_bytes(idx(np.arange(3))),
            "1 to 3 axes",
        ),
        (lambda folder: (folder / "train-images-idx3-ubyte").write_bytes(b"\x89HDF"), "is not an IDX file"),
        (
            lambda folder: (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(4))[:-1]),
            "declares 4 bytes",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_file(tmp_path, spoil, words):
    spoil(put(tmp_path / "shop"))
    with pytest.raises(FileError, match=words) as caught:
        load_idx("shop", tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("place", ["missing", "missing/deeper", "x" * 5000, "shop/train-images-idx3-ubyte"])
def test_a_folder_that_is_none_is_a_sentence(tmp_path, place):
    put(tmp_path / "shop")
    with pytest.raises(FileError, match="holds no"):
        load_idx(place, tmp_path)


def test_an_unknown_part_and_unknown_names_are_refused(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'train'"):
        load_idx("shop", tmp_path, "trian")
    assert [require_dataset(name) for name in ("digits", "mnist", "idx:a/b")] == [
        "digits",
        "mnist",
        "idx:a/b",
    ]
    for name in (
        "fashion",
        "idx:",
        "idx",
        "",
        "idx:a\0b",
        "idx:a?channels=",
        "idx:a?channels=3",
        "idx:?channels=last",
    ):
        with pytest.raises(InputError, match="expected"):
            require_dataset(name)
