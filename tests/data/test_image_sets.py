import hashlib
import io
import lzma
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from peak_memory import memory_below

from refms.data import load_images, read_dataset, read_npy_xz
from refms.data.location import VARIABLE
from refms.errors import FileError, InputError

DELTA = [{"id": lzma.FILTER_DELTA, "dist": 3}, {"id": lzma.FILTER_LZMA2, "preset": 6}]
SHAPES = {"imagenette96": (96, 96, 3), "imagenette56": (56, 56, 3), "urban100": (128, 128, 3)}


def packed(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return lzma.compress(buffer.getvalue(), filters=DELTA)


def pictures(name, count=3):
    return np.random.default_rng(0).integers(0, 256, (count, *SHAPES[name]), dtype=np.uint8)


def put(folder, array, stem="imagenette56_train", labels=(2, 0, 9)):
    folder.mkdir(exist_ok=True)
    (folder / f"{stem}.npy.xz").write_bytes(packed(array))
    rows = "".join(f"{i},{label},x\n" for i, label in enumerate(labels))
    (folder / f"{stem}_labels.csv").write_text("index,label,class\n" + rows)
    return folder


@pytest.mark.parametrize(("part", "ending"), [("train", "train"), ("test", "val")])
def test_channels_come_before_the_cells_and_labels_from_the_table(tmp_path, part, ending):
    array = pictures("imagenette56")
    put(tmp_path / "imagenette56", array, f"imagenette56_{ending}")
    for folder in (tmp_path, tmp_path / "imagenette56"):
        data = load_images("imagenette56", folder, part)
        np.testing.assert_array_equal(data.images[1, 2], array[1, :, :, 2])
        assert (data.channels, data.grid.shape, data.classes, data.max_value) == (3, (56, 56), 10, 255.0)
        assert data.labels.tolist() == [2, 0, 9]
        assert data.name == f"imagenette56 {part}"


def test_patches_have_no_labels(tmp_path):
    put(tmp_path, pictures("urban100"), "urban100_hr128_test")
    data = read_dataset("urban100", tmp_path, "test")
    assert (data.labels, data.classes, data.count) == (None, 0, 3)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda home: (home / "imagenette56_train.npy.xz").unlink(),
            "holds no imagenette.*https.*lzma",
        ),
        (lambda home: put(home, pictures("imagenette96")), r"shape \(3, 96, 96, 3\); expected .* 56, 56, 3"),
        (lambda home: put(home, pictures("imagenette56") / 255), "holds float64"),
        (lambda home: put(home, pictures("imagenette56"), labels=(1, 2)), "2 labels; expected 3"),
        (lambda home: put(home, pictures("imagenette56"), labels=(1, 2, 10)), "each of 0 to 9"),
        (lambda home: put(home, pictures("imagenette56"), labels=(1, 2, "cat")), "whole numbers in a column"),
        (lambda home: (home / "imagenette56_train_labels.csv").write_text("a,b\n1,2\n"), "column 'label'"),
        (lambda home: (home / "imagenette56_train_labels.csv").unlink(), "cannot be read"),
        (
            lambda home: (home / "SHA256SUMS").write_text(f"{'0' * 64}  ./imagenette56_train.npy.xz\n"),
            "SHA-256 .* states 0000.*Fetch it again",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_what_to_do(tmp_path, spoil, says):
    home = put(tmp_path / "imagenette56", pictures("imagenette56"))
    spoil(home)
    with pytest.raises(FileError, match=says) as caught:
        load_images("imagenette56", home)
    assert str(home) in str(caught.value)


def test_a_sum_that_is_right_or_of_another_file_is_no_hindrance(tmp_path):
    home = put(tmp_path / "imagenette56", pictures("imagenette56"))
    digest = hashlib.sha256((home / "imagenette56_train.npy.xz").read_bytes()).hexdigest()
    lines = f"{'0' * 64}  ./imagenette56_train.npy.xz\n{digest}  ./imagenette56/imagenette56_train.npy.xz\n"
    (tmp_path / "SHA256SUMS").write_text(lines)
    assert load_images("imagenette56", tmp_path).count == 3


def test_unknown_words_are_refused_and_the_folder_may_come_from_the_environment(tmp_path, monkeypatch):
    put(tmp_path / "imagenette56", pictures("imagenette56"))
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert read_dataset("imagenette56").count == 3
    with pytest.raises(InputError, match="Did you mean 'imagenette56'"):
        read_dataset("imagenet56")
    with pytest.raises(InputError, match="Did you mean 'test'"):
        load_images("imagenette56", part="tets")
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(FileError, match=rf"set {VARIABLE}.*https"):
        read_dataset("urban100")


# --- .npy.xz of strangers


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<i8", "u1"])
@pytest.mark.parametrize("shape", [(), (5,), (2, 0, 3), (2, 3, 4)])
def test_every_type_and_shape_is_read(tmp_path, dtype, shape):
    array = np.random.default_rng(1).integers(0, 100, shape).astype(dtype)
    (tmp_path / "x").write_bytes(packed(array))
    found = read_npy_xz(tmp_path / "x")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_an_array_is_unpacked_no_further_than_it_declares_and_is_allowed(tmp_path):
    small = io.BytesIO()
    np.save(small, np.zeros(10))
    contents = {
        "more": (lzma.compress(small.getvalue() + bytes(2**26)), "holds more"),
        "less": (lzma.compress(small.getvalue()[:-1]), "ends after 79: it is truncated"),
        "limit": (packed(np.zeros(2**20)), f"declares {2**23} bytes .* the limit is {2**20}"),
        "behind": (lzma.compress(small.getvalue()) + b"garbage", "holds more"),
    }
    for content, says in contents.values():
        (tmp_path / "x").write_bytes(content)
        with memory_below(2**24), pytest.raises(FileError, match=says):  # of which LZMA takes the half
            read_npy_xz(tmp_path / "x", max_bytes=2**20)


def test_a_dictionary_that_is_too_large_and_fortran_order_are_refused(tmp_path):
    image = lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**29}])
    (tmp_path / "x").write_bytes(image)
    with pytest.raises(FileError, match="emory"):
        read_npy_xz(tmp_path / "x")
    (tmp_path / "x").write_bytes(packed(np.asfortranarray(np.eye(3) + 1)))
    with pytest.raises(FileError, match="Fortran order"):
        read_npy_xz(tmp_path / "x")


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files_are_never_believed(tmp_path, data):
    whole = packed(np.arange(40.0))
    image = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        image[data.draw(st.integers(0, len(image) - 1))] ^= data.draw(st.integers(1, 255))
    image = image[: data.draw(st.integers(0, len(image)))]
    assume(image != whole)  # two changes may undo each other
    (tmp_path / "x").write_bytes(image)
    with pytest.raises(FileError) as caught:
        read_npy_xz(tmp_path / "x")
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("part", ["train", "test"])
def test_the_real_files_are_read(name, part):
    counts = {
        "imagenette96": {"train": 600, "test": 200},
        "imagenette56": {"train": 9469, "test": 3925},
        "urban100": {"train": 800, "test": 80},
    }
    folder = {"urban100": "urban100_patches"}.get(name, name)
    if not (Path(os.environ.get(VARIABLE) or "/nowhere") / folder).is_dir():
        pytest.skip(f"{VARIABLE} names no folder that holds {folder}/")
    data = read_dataset(name, None, part)
    edge = SHAPES[name][0]
    assert data.images.shape == (counts[name][part], 3, edge, edge)
    # photographs: neighbouring cells are alike, channels are, and colours are spread over the whole range
    some = data.images[:: data.count // 60].astype(float)
    along = np.corrcoef(some[..., 1:].ravel(), some[..., :-1].ravel())[0, 1]
    across = np.corrcoef(some[:, 0].ravel(), some[:, 2].ravel())[0, 1]
    assert along > 0.9
    assert across > 0.6
    assert some.std() > 50
