"""Lists of pictures: what lines may say, what they are refused for, and that nothing outside is read."""

from __future__ import annotations

import contextlib
import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from refms.data import read_dataset
from refms.data.picture_list import MOST_BYTES
from refms.errors import FileError
from refms.grid import Grid

COLOUR = np.random.default_rng(0).integers(0, 256, (4, 6, 4, 3), dtype="uint8")
SHARED = ("image_0.png", "deep/image 1,a.png", "image_2.png", "image_3.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four pictures, one of them in a folder below and with a comma in its name."""
    home = tmp_path_factory.mktemp("own")
    (home / "deep").mkdir()
    for name, array in zip(SHARED, COLOUR, strict=True):
        Image.fromarray(array).save(home / name)
    return home


def read(folder, text, part="train", suffix="", name="list.csv", **options):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_dataset(f"csv:{name}{suffix}", folder, part, **options)


@given(
    order=st.permutations(range(4)),
    labels=st.lists(st.integers(0, 20) | st.sampled_from(["a cat", "dog, big", 'a "b"', "ö"]), min_size=4),
    header=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_what_is_written_is_read(folder, order, labels, header, ending, mark):
    with open(folder / "own.csv", "w", encoding=mark, newline="") as file:
        writer = csv.writer(file, lineterminator=ending)
        writer.writerows([("path", "label")] * header + [(SHARED[i], labels[i]) for i in order])
    found = read_dataset("csv:own.csv", folder)
    assert np.array_equal(found.images, np.moveaxis(COLOUR[list(order)], 3, 1))
    said = [labels[i] for i in order]
    if all(isinstance(one, int) for one in said):
        assert (found.labels.tolist(), found.class_names) == (said, ())
        assert found.classes == max(2, max(said) + 1)
    else:
        assert [found.class_names[i] for i in found.labels] == [str(one) for one in said]


def test_paths_alone_are_images_without_labels_and_none_makes_them_grey(folder):
    found = read(folder, "image_0.png\n\nimage_2.png\n", suffix="?channels=none")
    assert (found.images.shape, found.labels, found.classes) == ((2, 1, 6, 4), None, 0)
    assert np.array_equal(found.images[0, 0], np.array(Image.fromarray(COLOUR[0]).convert("L")))


def test_labels_of_both_parts_count(folder):
    (folder / "own-test.csv").write_text("image_0.png,bee\nimage_2.png,ant\n")
    train = read(folder, "image_0.png,cat\nimage_3.png,bee\n", name="own-train.csv")
    test = read_dataset("csv:own-train.csv", folder, "test")
    assert train.class_names == test.class_names == ("ant", "bee", "cat")
    assert (train.labels.tolist(), test.labels.tolist()) == ([2, 1], [1, 0])
    alone = read_dataset("csv:own-test.csv", folder)
    assert alone.class_names == ("ant", "bee")
    with pytest.raises(FileError, match="no test part"):
        read_dataset("csv:own-test.csv", folder, "test")


@pytest.mark.parametrize("outside", ["../x.png", "deep/../../x.png", "./../x.png"])
def test_nothing_outside_is_read_unless_its_absolute_path_is_stated(folder, outside):
    (folder / "lists").mkdir(exist_ok=True)
    Image.fromarray(COLOUR[0]).save(folder / "x.png")
    with pytest.raises(FileError, match=r"line 1: .* leaves the folder"):
        read(folder, f"{outside}\n", name="lists/list.csv")
    assert read(folder, f"{folder / 'x.png'}\n", name="lists/list.csv").count == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,label\nimage_0.png,0\nimage_2.png\n", "line 3: .*path,label"),
        ("image_0.png\nimage_2.png,0\n", "line 2: .*path alone"),
        ("image_0.png,0,1\n", "line 1: "),
        ("image_0.png,0\nimage_2.png,\n", "line 2: "),
        ("image_0.png,0\nimage_2.gif,1\n", r"line 2: 'image_2\.gif'"),
        ("image_0.png;0\nimage_2.png;1\n", "line 1: "),
        ('image_0.png,"0\nimage_2.png,1\n', "line 2: "),
        ("image_0.png,0\nimage_2.png,-1\n", "line 2: label -1"),
        ("image_0.png,0\nimage_2.png,65536\n", "line 2: label 65536"),
        (f"image_0.png,{'9' * 5000}\n", "line 1: label"),
        ("image_0.png,0\nnone.png,1\n", r"line 2: .*none\.png"),
        ("image_0.png,0\nother.png,1\n", "line 2: .*4x4 pixels, the first picture 6x4"),
        ("image_0.png,0\nbroken.png,1\n", "line 2: .*damaged"),
        ("image_0.png,0\ndeep.png,1\n", "line 2: .*8 bits"),
        ("path,label\n", "names no picture"),
        ("", "names no picture"),
        (b"image_0.png,\xff\n", "UTF-8"),
        (b"image_0\0.png,0\n", "line 1: "),
    ],
)
def test_a_line_that_is_wrong_is_named(folder, text, says):
    Image.fromarray(COLOUR[0][:4]).save(folder / "other.png")
    Image.fromarray(COLOUR[0, :, :, 0].astype("uint16") * 256).save(folder / "deep.png")
    (folder / "broken.png").write_bytes((folder / "image_0.png").read_bytes()[:60])
    with pytest.raises(FileError, match=says):
        read(folder, text)


def test_lists_and_pictures_are_measured_before_they_are_read(folder):
    with open(folder / "long.csv", "wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(FileError, match="longer than"):
        read_dataset("csv:long.csv", folder)
    assert read(folder, "image_0.png\nimage_2.png\n", max_bytes=2 * 72).count == 2
    with pytest.raises(FileError, match="144 bytes of pixels; the limit is 143"):
        read(folder, "image_0.png\nimage_2.png\n", max_bytes=143)
    head = (folder / "image_0.png").read_bytes()[:60]
    (folder / "cut.png").write_bytes(head)
    with pytest.raises(FileError, match="limit"):  # before it is found to be cut off
        read(folder, "cut.png\n", max_bytes=71)


@given(st.lists(st.sampled_from([*SHARED[::2], *"\n\r\t,;\"' \0ö.0-", "label", ".."]) | st.text(max_size=3)))
def test_whatever_is_written_is_read_or_refused(folder, words):
    with contextlib.suppress(FileError):
        found = read(folder, "".join(words).encode("utf-8", "surrogatepass"))
        assert found.grid == Grid((6, 4))
