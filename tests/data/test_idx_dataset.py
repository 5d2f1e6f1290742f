"""Any data set in IDX files: found by its folder or by what its names begin with, classes counted."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from refms.data.by_name import require_dataset
from refms.data.idx_dataset import load_idx
from refms.data.location import VARIABLE
from refms.errors import FileError, InputError


def idx(array):
    """Return an array of bytes as an IDX file."""
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.astype("uint8").tobytes()


def put(folder, labels=(0, 2, 1), shape=(3, 2), stem="train", kind="idx3", end=""):
    """Write one part and return its folder."""
    folder.mkdir(exist_ok=True, parents=True)
    images = np.arange(len(labels) * int(np.prod(shape))).reshape(len(labels), *shape)
    pack = gzip.compress if end else bytes
    (folder / f"{stem}-images-{kind}-ubyte{end}").write_bytes(pack(idx(images)))
    (folder / f"{stem}-labels-idx1-ubyte{end}").write_bytes(pack(idx(np.array(labels))))
    return folder


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize(("kind", "shape"), [("idx2", (5,)), ("idx3", (3, 2)), ("idx4", (2, 3, 4))])
def test_images_of_one_to_three_axes_are_read_of_equal_extents_or_not(tmp_path, kind, shape, end):
    put(tmp_path / "shop", kind=kind, shape=shape, end=end)
    data = load_idx("shop", tmp_path)
    assert data.grid.shape == shape
    assert data.images.ravel().tolist() == list(range(data.images.size))
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
    put(tmp_path / "many", stem="letters-test", labels=(4, 2))
    put(tmp_path / "many", stem="digits-train", labels=(1, 0))
    assert load_idx("many/letters", tmp_path).classes == 5
    assert load_idx("many/letters", tmp_path, "test").labels.tolist() == [4, 2]
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
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert load_idx("around/shop").count == 3
    assert load_idx(str(tmp_path / "around" / "shop")).count == 3  # a whole path is that path
    with pytest.raises(FileError, match="holds no"):
        load_idx("shop")


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
            "one to three axes",
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
    for name in ("fashion", "idx:", "idx", "", "idx:a\0b"):
        with pytest.raises(InputError, match="expected"):
            require_dataset(name)
