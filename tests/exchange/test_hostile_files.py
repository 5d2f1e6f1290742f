"""Files of strangers: whatever they hold, they are read or refused, in bounded memory and time."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
import scipy.io
from exchanged_files import FORMATS, store
from hypothesis import given, settings
from hypothesis import strategies as st
from peak_memory import memory_below

from refms.cli.main import main
from refms.errors import FileError
from refms.exchange import read_results
from refms.exchange.reading import LARGEST, read_cases
from refms.io import read_arrays

NAME = "result/convolution/1d/product"
VALUES = np.arange(84.0).reshape(21, 4)
BYTES = VALUES.tobytes()


def refused(path, says):
    with pytest.raises(FileError, match=says) as caught:
        read_results(path)
    assert str(path) in str(caught.value)
    assert main(["conform", "verify", str(path), str(path)]) == 2


# --- any format


@pytest.mark.parametrize("form", FORMATS)
def test_an_unknown_name_is_refused(form, tmp_path):
    store(tmp_path / f"r.{form}", {"result/convolution/1d/produkt": VALUES})
    refused(tmp_path / f"r.{form}", "name that is not asked for")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("dtype", ["int64", "uint8", "complex128"])
def test_other_types_are_refused(form, dtype, tmp_path):
    store(tmp_path / f"r.{form}", {NAME: VALUES.astype(dtype)})
    refused(tmp_path / f"r.{form}", "expected (float64|double)|of type")


@pytest.mark.parametrize("form", FORMATS)
def test_too_large_a_file_is_refused_unread(form, tmp_path):
    path = tmp_path / f"r.{form}"
    store(path, {NAME: VALUES})
    os.truncate(path, LARGEST + 1)
    refused(path, "larger than")


@pytest.mark.parametrize(
    "content", [b"", b"P", b"hello, world", b"\x89HDF\r\n\x1a\n", b"PK\3\4", b"MATLAB 5.0"]
)
def test_fragments_are_refused(content, tmp_path):
    path = tmp_path / "r"
    path.write_bytes(content)
    refused(path, "expected|damaged|save it")


def test_what_is_no_file_is_refused(tmp_path):
    refused(tmp_path, "folder")
    refused(tmp_path / "none.h5", "cannot be read")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "not a regular file")


def test_edited_cases_are_refused(cases, tmp_path):
    with np.load(cases / "cases.npz") as file:
        arrays = {name: file[name] for name in file}
    assert read_cases(cases / "cases.npz") == "float64"
    arrays["case/loss/tame/input/Z"][0, 0] += 1e-9
    store(tmp_path / "cases.npz", arrays)
    with pytest.raises(FileError, match="other cases"):
        read_cases(tmp_path / "cases.npz")
    arrays.pop("case/loss/tame/input/Z")
    store(tmp_path / "cases.h5", arrays)
    with pytest.raises(FileError, match="other cases"):
        read_cases(tmp_path / "cases.h5")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The bytes of a small file of results in each format; of .mat also a compressed one."""
    folder, images = tmp_path_factory.mktemp("small"), {}
    for form in FORMATS:
        store(folder / f"r.{form}", {NAME: VALUES, "result/loss/tame/value": np.array(1.5)})
        images[form] = (folder / f"r.{form}").read_bytes()
    scipy.io.savemat(folder / "z.mat", {"result_convolution_1d_product": VALUES}, do_compression=True)
    images["mat compressed"] = (folder / "z.mat").read_bytes()
    np.savez_compressed(folder / "z.npz", **{NAME: VALUES})
    images["npz compressed"] = (folder / "z.npz").read_bytes()
    return images


@pytest.mark.parametrize(
    ("form", "examples"),
    [("h5", 60), ("npz", 60), ("npz compressed", 60), ("mat", 12), ("mat compressed", 12)],
)
def test_damaged_files_are_read_or_refused(form, examples, small, tmp_path, monkeypatch):
    if form == "h5":  # what the child process does, without the process: that would take most of the time
        monkeypatch.setattr("refms.exchange.reading.read_arrays_contained", read_arrays)

    @settings(max_examples=examples)
    @given(data=st.data())
    def check(data):
        image = bytearray(small[form])
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(image) - 1))
            image[place] = data.draw(st.integers(0, 255))
        cut = data.draw(st.one_of(st.just(len(image)), st.integers(0, len(image))))
        path = tmp_path / "r"
        path.write_bytes(image[:cut])
        with contextlib.suppress(FileError):
            assert set(read_results(path)) <= {"convolution/1d/product", "loss/tame/value"}

    check()


# --- .npz


def zipped(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members:
            archive.writestr(name, content)


def npy(header, values=b""):
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + values


def test_compressed_archives_are_read(small, tmp_path):
    (tmp_path / "r.npz").write_bytes(small["npz compressed"])
    assert np.array_equal(read_results(tmp_path / "r.npz")["convolution/1d/product"], VALUES)


def test_a_pickle_is_never_loaded(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    np.savez(tmp_path / "r.npz", **{NAME: np.array([Evil()], dtype=object)})
    refused(tmp_path / "r.npz", r"of type '\|O'")
    zipped(tmp_path / "p.npz", [(f"{NAME}.npy", pickle.dumps(Evil()))])
    refused(tmp_path / "p.npz", "no .npy file")
    assert not (tmp_path / "executed").exists()


def test_a_zip_bomb_is_refused_before_it_is_inflated(tmp_path):
    zipped(tmp_path / "r.npz", [(f"{NAME}.npy", bytes(2**28))], compression=zipfile.ZIP_DEFLATED)
    with memory_below(2**24):
        refused(tmp_path / "r.npz", f"declares {2**28} bytes")


def test_a_member_that_lies_about_its_size_is_refused(tmp_path):
    path = tmp_path / "r.npz"
    zipped(path, [(f"{NAME}.npy", bytes(2**22))], compression=zipfile.ZIP_DEFLATED)
    image = path.read_bytes().replace(struct.pack("<I", 2**22), struct.pack("<I", 100))
    path.write_bytes(image)
    refused(path, "damaged|holds others")


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}\n",
        "{'descr': '|O', 'fortran_order': False, 'shape': ()}\n",
        "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': ()}\n",
        "{'descr': '>f8', 'fortran_order': False, 'shape': (1,)}\n",
        "__import__('os').getcwd()\n",
        "(" * 4000 + "\n",
        "[" * 100 + "]" * 100 + "\n",
        "{'descr': '<f8'" + " " * 60000 + "}\n",
        "{}\n",
        "\n",
        "{'descr': '<f8', 'fortran_order': 1 is 1, 'shape': (1,)}\n",
        "{'descr': '\\d', 'fortran_order': False, 'shape': (1,)}\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + " " * 4000,
    ],
)
def test_headers_that_are_no_plain_arrays_are_refused(header, tmp_path):
    zipped(tmp_path / "r.npz", [(f"{NAME}.npy", npy(header, bytes(8)))])
    refused(tmp_path / "r.npz", "of shape|of type|numpy.save")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_doubled_foreign_and_oddly_packed_members_are_refused(tmp_path):
    good = io.BytesIO()
    np.save(good, VALUES)
    zipped(tmp_path / "twice.npz", [(f"{NAME}.npy", good.getvalue())] * 2)
    refused(tmp_path / "twice.npz", "twice")
    zipped(tmp_path / "text.npz", [("read.me", "hello")])
    refused(tmp_path / "text.npz", "than a .npy file")
    zipped(tmp_path / "lzma.npz", [(f"{NAME}.npy", good.getvalue())], compression=zipfile.ZIP_LZMA)
    refused(tmp_path / "lzma.npz", "not read")
    zipped(tmp_path / "many.npz", [(f"{i}.npy", b"") for i in range(2001)])
    refused(tmp_path / "many.npz", "at most 2000")


# --- .mat


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(name=b"result_convolution_1d_product", flags=6, shape=(21, 4), values=BYTES, kind=9):
    inner = element(6, struct.pack("<II", flags, 0)) + element(5, struct.pack(f"<{len(shape)}i", *shape))
    return element(14, inner + element(1, name) + element(kind, values))


def mat(path, *elements):
    path.write_bytes(b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + b"".join(elements))


def test_what_scipy_writes_and_what_is_written_here_is_read(small, tmp_path):
    (tmp_path / "z.mat").write_bytes(small["mat compressed"])
    assert np.array_equal(read_results(tmp_path / "z.mat")["convolution/1d/product"], VALUES)
    mat(tmp_path / "r.mat", matrix(values=VALUES.tobytes(order="F")))
    assert np.array_equal(read_results(tmp_path / "r.mat")["convolution/1d/product"], VALUES)


def test_whole_numbers_that_are_stored_as_bytes_are_doubles(tmp_path):
    mat(tmp_path / "r.mat", matrix(values=bytes(range(84)), kind=2))
    found = read_results(tmp_path / "r.mat")["convolution/1d/product"]
    assert found.dtype == np.float64
    assert found[1, 0] == 1.0


def test_a_compressed_bomb_is_refused_before_it_is_inflated(tmp_path):
    honest = matrix(shape=(2**22, 1), values=bytes(2**25))
    for image, says in (
        (honest, f"arrays of {2**25} bytes"),
        (matrix(values=bytes(2**25)), "holds|memory|damaged"),
    ):
        bomb = zlib.compress(image, 9)
        mat(tmp_path / "r.mat", struct.pack("<II", 15, len(bomb)) + bomb)
        with memory_below(2**24):
            refused(tmp_path / "r.mat", says)


def test_many_compressed_elements_share_one_limit(tmp_path):
    names = (b"a", b"b", b"c", b"d", b"e")
    parts = [zlib.compress(matrix(name, shape=(2**19, 1), values=bytes(2**22))) for name in names]
    mat(tmp_path / "r.mat", *[struct.pack("<II", 15, len(part)) + part for part in parts])
    refused(tmp_path / "r.mat", f"arrays of {5 * 2**22} bytes")


@pytest.mark.parametrize(
    "what",
    [
        matrix(flags=1),  # a cell array
        matrix(flags=4),  # text
        matrix(flags=5),  # sparse
        matrix(flags=6 | 0x0800),  # complex
        matrix(shape=(2**31 - 1, 2**31 - 1)),
        matrix(shape=(-21, -4)),
        matrix(shape=(84,)),
        matrix(shape=(1,) * 40),
        matrix(shape=(0, *[2**31 - 1] * 8), values=b""),
        matrix(name=b"../../etc/passwd"),
        matrix(name=b""),
        matrix(name=b"x" * 100),
        matrix(kind=14),
        matrix(values=b"x"),
        element(14, b""),
        element(9, VALUES.tobytes()),
        struct.pack("<II", 14, 2**32 - 1),
        struct.pack("<HHI", 15, 9, 0),
        struct.pack("<II", 15, 4) + b"abcd",
        b"\x00",
    ],
)
def test_elements_that_are_no_plain_arrays_are_refused(what, tmp_path):
    mat(tmp_path / "r.mat", what)
    refused(tmp_path / "r.mat", "holds|damaged|truncated|memory")


def test_the_version_that_is_not_read_is_named(tmp_path):
    (tmp_path / "r.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(512))
    refused(tmp_path / "r.mat", "save it with -v7")


# --- HDF5: what else may be hostile is tested where the checks live, with the artefacts


def test_a_name_that_leads_nowhere_is_refused(tmp_path):
    """HDF5 looks names up by their order; one that was damaged is listed, but not found."""
    path = tmp_path / "r.h5"
    store(path, {"aaaa": VALUES, "bbbb": VALUES})
    path.write_bytes(path.read_bytes().replace(b"aaaa", b"zzzz"))
    refused(path, "'zzzz' leads nowhere")
