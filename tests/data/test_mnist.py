import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from refms.data import load_mnist
from refms.data.location import VARIABLE
from refms.errors import FileError, InputError

IMAGES = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(244, 256))
LABELS = bytes([0, 0, 8, 1, 0, 0, 0, 2, 9, 0])

real = pytest.mark.skipif(
    not (Path(os.environ.get(VARIABLE) or "/nowhere") / "mnist").is_dir(),
    reason=f"{VARIABLE} names no folder that holds mnist/",
)


def put(folder, images=IMAGES, labels=LABELS, *, stem="train", mark="-", end=""):
    folder.mkdir(exist_ok=True)
    pack = gzip.compress if end else bytes
    (folder / f"{stem}-images{mark}idx3-ubyte{end}").write_bytes(pack(images))
    (folder / f"{stem}-labels{mark}idx1-ubyte{end}").write_bytes(pack(labels))
    return folder


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize(("part", "stem"), [("train", "train"), ("test", "t10k")])
def test_the_standard_names_are_found_plain_and_packed(tmp_path, part, stem, mark, end):
    data = load_mnist(put(tmp_path, stem=stem, mark=mark, end=end), part)
    assert data.images.tolist() == np.arange(244, 256).reshape(2, 1, 2, 3).tolist()
    assert data.labels.tolist() == [9, 0]
    assert data.labels.dtype == np.int64
    assert (data.grid.shape, data.classes, data.max_value, data.name) == ((2, 3), 10, 255.0, f"mnist {part}")


def test_the_folder_may_be_named_itself_or_by_the_one_around_it_or_by_the_environment(tmp_path, monkeypatch):
    put(tmp_path / "mnist")
    monkeypatch.delenv(VARIABLE, raising=False)
    assert load_mnist(tmp_path).count == load_mnist(tmp_path / "mnist").count == 2
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert load_mnist().count == 2
    with pytest.raises(FileError, match="option"):
        load_mnist(tmp_path / "elsewhere")


def test_without_a_folder_or_a_file_the_message_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(FileError, match=rf"{VARIABLE}.*train-images-idx3-ubyte\.gz.*https"):
        load_mnist()
    with pytest.raises(FileError, match=r"holds no train-images-idx3-ubyte, .*https"):
        load_mnist(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    with pytest.raises(FileError, match=f"environment variable {VARIABLE}"):
        load_mnist()


def test_an_unknown_part_is_refused(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'train'"):
        load_mnist(put(tmp_path), "trian")


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (IMAGES, LABELS[:4] + b"\0\0\0\1\1", "one label for each image"),
        (IMAGES, LABELS[:8] + b"\x0a\0", "the label 10"),
        (LABELS, LABELS, r"expected uint8 \(images, rows, columns\)"),
        (IMAGES, IMAGES, "one label for each image"),
        (b"\0\0\x09" + IMAGES[3:], LABELS, "int8"),
        (IMAGES, b"\0\0\x09" + LABELS[3:], "int8"),
        (IMAGES[:7] + b"\0" + IMAGES[8:16], LABELS, "expected uint8"),
        (IMAGES[:-1], LABELS, "declares 12 bytes"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path, images, labels, says):
    with pytest.raises(FileError, match=says):
        load_mnist(put(tmp_path, images, labels))


@real
def test_the_real_files_hold_the_published_digits():
    train, test = load_mnist(), load_mnist(part="test")
    assert (train.images.shape, test.images.shape) == ((60_000, 1, 28, 28), (10_000, 1, 28, 28))
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (train.images.min(), train.images.max()) == (0, 255)
    # The mean and standard deviation that everyone normalises with.
    assert round(float(train.images.mean()) / 255, 4) == 0.1307
    assert round(float(train.images.std()) / 255, 4) == 0.3081


@real
def test_the_real_images_stand_upright():
    """Rows come first, nothing is flipped: the well-known row of the first five, and the bar of a seven."""
    train, test = load_mnist(), load_mnist(part="test")
    assert train.images[0, 0, 5, 12:24].tolist() == [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127]
    rows_of_sevens = test.images[test.labels == 7].mean(axis=(0, 1, 3))
    assert rows_of_sevens.argmax() < 14
