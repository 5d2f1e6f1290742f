"""A user's own images: what is read from .npz files and folders, and what is refused in a sentence."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from PIL import Image

from refms.data import read_dataset
from refms.errors import FileError, InputError, InputWarning

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (3, 6, 4), dtype="uint8")
COLOUR = RNG.integers(0, 256, (3, 6, 4, 3), dtype="uint8")


@pytest.mark.parametrize(
    ("images", "suffix", "shape", "largest"),
    [
        (GREY, "?channels=none", (3, 1, 6, 4), 255.0),
        (GREY.astype("float32") / 255, "?channels=none", (3, 1, 6, 4), 1.0),
        (COLOUR, "?channels=last", (3, 3, 6, 4), 255.0),
        (np.ascontiguousarray(np.moveaxis(COLOUR, 3, 1)), "?channels=first", (3, 3, 6, 4), 255.0),
    ],
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_numpy(tmp_path, images, suffix, shape, largest, save):
    save(tmp_path / "own.npz", images=images, labels=np.array([0, 2, 1]), test_images=images[:1])
    found = read_dataset(f"npz:own.npz{suffix}", tmp_path)
    assert (found.images.shape, found.max_value, found.classes) == (shape, largest, 3)
    expected = np.moveaxis(images, -1, 1) if suffix.endswith("last") else images.reshape(shape)
    assert np.array_equal(found.images, expected)
    test = read_dataset(f"npz:own.npz{suffix}", tmp_path, "test")
    assert (test.count, test.labels) == (1, None)


def pictures(folder, arrays, mode):
    folder.mkdir(parents=True)
    for i, array in enumerate(arrays):
        Image.fromarray(array, mode).save(folder / f"{i}.png")


def test_a_folder_with_one_subfolder_a_class(tmp_path):
    pictures(tmp_path / "own" / "cats", COLOUR[:2], "RGB")
    pictures(tmp_path / "own" / "dogs", COLOUR[2:], "RGB")
    found = read_dataset("folder:own", tmp_path)
    assert np.array_equal(found.images, np.moveaxis(COLOUR, 3, 1))
    assert (found.labels.tolist(), found.classes) == ([0, 0, 1], 2)
    assert read_dataset("folder:own?channels=none", tmp_path).images.shape == (3, 1, 6, 4)


def test_a_folder_without_classes_in_two_parts(tmp_path):
    pictures(tmp_path / "own" / "train", COLOUR[:2], "RGB")
    pictures(tmp_path / "own" / "test", COLOUR[2:], "RGB")
    train, test = (read_dataset("folder:own", tmp_path, part) for part in ("train", "test"))
    assert (train.count, test.count, train.labels, train.classes) == (2, 1, None, 0)
    assert np.array_equal(test.images, np.moveaxis(COLOUR[2:], 3, 1))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"pictures": GREY}, "no array 'images'"),
        ({"images": GREY.astype("float64")}, "range is known"),
        ({"images": GREY, "labels": np.array([0, 1])}, "labels"),
        ({"images": GREY, "labels": np.array([0, -1, 1])}, "labels"),
        ({"images": GREY, "labels": np.array([0.0, 0.5, 1.0])}, "labels"),
        ({"images": GREY, "labels": np.array([0.0, np.nan, 1.0])}, "labels"),
        ({"images": np.asfortranarray(GREY)}, "Fortran"),
        ({"images": np.array([{}], dtype=object)}, "type"),
        ({"images": GREY[:0]}, "shape"),
    ],
)
def test_arrays_that_are_no_images_are_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(FileError, match=words):
        read_dataset("npz:bad.npz?channels=none", tmp_path)


def test_colours_are_not_guessed(tmp_path):
    np.savez(tmp_path / "own.npz", images=COLOUR)
    with pytest.raises(FileError, match="channels=last"):
        read_dataset("npz:own.npz", tmp_path)


def test_a_file_is_unpacked_no_further_than_the_limit(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", images=np.zeros((1, 2048, 2048), "uint8"))
    with pytest.raises(FileError, match="limit"):
        read_dataset("npz:bomb.npz?channels=none", tmp_path, max_bytes=2**20)


def test_what_is_no_archive_no_picture_or_not_there(tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "cut.npz", "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00")
    pictures(tmp_path / "sizes", [COLOUR[0]], "RGB")
    Image.fromarray(COLOUR[1][:4]).save(tmp_path / "sizes" / "1.png")
    pictures(tmp_path / "broken", [COLOUR[0]], "RGB")
    (tmp_path / "broken" / "0.png").write_bytes((tmp_path / "broken" / "0.png").read_bytes()[:40])
    (tmp_path / "empty").mkdir()
    names = "npz:text.npz npz:cut.npz npz:none.npz folder:sizes folder:broken folder:empty folder:none"
    for name in names.split():
        with pytest.raises(FileError, match=name.partition(":")[2]):
            read_dataset(name, tmp_path)
    with pytest.raises(FileError, match="train"):
        read_dataset("folder:sizes", tmp_path, "test")
    with pytest.raises(InputError):
        read_dataset("npz:", tmp_path)


def test_dark_images_are_told(tmp_path):
    np.savez(tmp_path / "dark.npz", images=GREY // 128)
    with pytest.warns(InputWarning, match="divided by 255"):
        read_dataset("npz:dark.npz?channels=none", tmp_path)
