"""`refms data`: what a name, a file or a folder holds, as a training would read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COLOUR = np.random.default_rng(0).integers(0, 256, (3, 6, 4, 3), dtype="uint8")


def pictures():
    """Three pictures in two folders, and a list of them."""
    for i, name in enumerate(("cat", "cat", "dog")):
        (Path("own") / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(COLOUR[i]).save(f"own/{name}/{i}.png")
    Path("own/list.csv").write_text("path,label\ncat/0.png,cat\ncat/1.png,cat\ndog/2.png,dog\n")


@pytest.mark.parametrize(
    ("name", "dataset"),
    [("own", "folder:own"), ("folder:own", "folder:own"), ("own/list.csv", "csv:own/list.csv")],
)
def test_files_and_folders_are_described(result, name, dataset):
    pictures()
    found = result("data", name)
    assert (found["dataset"], found["part"], found["count"], found["grid"]) == (dataset, "train", 3, [6, 4])
    assert (found["channels"], found["dtype"], found["max_value"]) == (3, "uint8", 255.0)
    assert (found["smallest"], found["largest"]) == (COLOUR.min(), COLOUR.max())
    assert found["class_counts"] == {"cat": 2, "dog": 1}
    once, twice = found["halvings"][:2]
    assert once["size"] == [3, 2]
    assert twice == {"times": 2, "size": None, "pad": [8, 4], "crop": [4, 4]}


def test_arrays_and_parts_are_described(result):
    images = np.linspace(0, 0.5, 30, dtype="float32").reshape(2, 3, 5)
    np.savez("own.npz", images=images, test_images=images[:1])
    found = result("data", "own.npz?channels=none", "--part", "test")
    assert (found["count"], found["classes"], found["max_value"]) == (1, 0, 1.0)
    assert (found["smallest"], found["largest"], found["dtype"]) == (0.0, images[0].max(), "float32")


def test_idx_files_are_found_in_a_folder(result):
    Path("mnist").mkdir()
    Path("mnist/train-images-idx2-ubyte").write_bytes(
        bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 5, 6, 7, 255])
    )
    Path("mnist/train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]))
    assert result("data", "./mnist")["dataset"] == "idx:./mnist"


def test_images_are_drawn(refms):
    ran = refms("data", "digits", "-o", "digits.png")
    assert ran.code == 0
    assert ran.out.startswith("digits: 1797 images of 8x8 cells, 1 channel\n")
    assert "divided by 16" in ran.out
    assert Path("digits.png").read_bytes()[1:4] == b"PNG"
    assert refms("data", "digits", "-o", "digits.png").refused


@pytest.mark.parametrize(
    "words",
    [
        ("none.csv",),
        ("none",),
        ("digits", "--part", "test"),
        ("digits", "-o", "digits.gif"),
        ("csv:",),
        ("a\0b.csv",),
        ("coarse.h5",),
    ],
)
def test_what_cannot_be_read_or_drawn_is_refused(refms, words):
    assert refms("data", *words).refused


def test_what_a_list_says_of_itself_is_escaped(refms):
    pictures()
    Path("own/list.csv").write_text("cat/0.png,\x1b[31m\ncat/1.png,b\n")
    ran = refms("data", "own/list.csv")
    assert ran.code == 0
    assert "\x1b" not in ran.out
