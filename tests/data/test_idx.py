import gzip
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peak_memory import memory_below

from refms.data.idx import read_idx
from refms.errors import FileError

CODES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
TINY = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3]) + bytes([1, 2, 3, 250, 251, 252])


def idx_bytes(code, shape, payload):
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + payload


def refused(path, says, **options):
    with pytest.raises(FileError, match=says) as caught:
        read_idx(path, **options)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_written_by_hand_is_read(tmp_path, pack):
    (tmp_path / "x").write_bytes(pack(TINY))
    array = read_idx(tmp_path / "x")
    assert array.dtype == np.uint8
    assert array.tolist() == [[[1, 2, 3]], [[250, 251, 252]]]


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(CODES)),
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_every_type_and_shape_is_read_in_native_order(tmp_path_factory, code, shape, seed, packed):
    array = np.random.default_rng(seed).integers(0, 100, shape).astype(CODES[code])
    content = idx_bytes(code, shape, array.tobytes())
    path = tmp_path_factory.mktemp("idx") / "x"
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    found = read_idx(path)
    assert found.dtype == np.dtype(CODES[code]).newbyteorder("=")
    assert found.dtype.isnative
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "starts with nothing"),
        (b"\0\0", "not an IDX file"),
        (b"hello, world", "not an IDX file: it starts with 68 65 6c 6c"),
        (b"\0\1" + TINY[2:], "not an IDX file"),
        (b"\0\0\x0a" + TINY[3:], "not an IDX file"),
        (b"\0\0\x08\0", "not an IDX file"),
        (b"\0\0\x08\x09" + bytes(36), "not an IDX file"),
        (TINY[:9], "truncated inside its header of 16 bytes"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_foreign_and_beheaded_files_are_refused(tmp_path, pack, content, says):
    (tmp_path / "x").write_bytes(pack(content))
    refused(tmp_path / "x", says)


def test_a_truncated_and_an_oversized_plain_file_are_refused_by_their_size(tmp_path):
    (tmp_path / "x").write_bytes(TINY[:-1])
    refused(tmp_path / "x", r"declares 6 bytes of shape \(2, 1, 3\), but holds 5")
    (tmp_path / "x").write_bytes(TINY + b"\0")
    refused(tmp_path / "x", "declares 6 bytes .* but holds 7")


def test_a_gzip_stream_that_holds_less_or_more_than_declared_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(gzip.compress(TINY[:-1]))
    refused(tmp_path / "x", "ends after 5")
    (tmp_path / "x").write_bytes(gzip.compress(TINY + b"\0"))
    refused(tmp_path / "x", "holds more")


def test_damaged_gzip_streams_are_refused(tmp_path):
    whole = gzip.compress(TINY)
    for length in range(2, len(whole)):
        (tmp_path / "x").write_bytes(whole[:length])
        refused(tmp_path / "x", "truncated|damaged")
    broken = bytearray(whole)
    broken[-6] ^= 1
    (tmp_path / "x").write_bytes(broken)
    refused(tmp_path / "x", "damaged: CRC")
    (tmp_path / "x").write_bytes(whole[:12] + b"\xff" + whole[13:])
    refused(tmp_path / "x", "damaged|truncated|not an IDX")
    (tmp_path / "x").write_bytes(whole + b"garbage")
    refused(tmp_path / "x", "damaged: Not a gzipped file")


@pytest.mark.parametrize("shape", [(2**32 - 1,) * 3, (2**31,), (2**32 - 1,) * 8, (10**6, 28, 28)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_header_that_declares_more_than_the_file_can_hold_costs_nothing(tmp_path, pack, shape):
    (tmp_path / "x").write_bytes(pack(idx_bytes(8, shape, bytes(100))))
    with memory_below(2**20):
        refused(tmp_path / "x", "declares")


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    """64 MiB of zeros after a header that declares six bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with open(tmp_path / "x", "wb") as stream:
        stream.write(packer.compress(TINY))
        for _ in range(64):
            stream.write(packer.compress(bytes(2**20)))
        stream.write(packer.flush())
    with memory_below(2**20):
        refused(tmp_path / "x", "holds more")


def test_the_limit_is_the_callers(tmp_path):
    (tmp_path / "x").write_bytes(TINY)
    refused(tmp_path / "x", "the limit is 5 bytes", max_bytes=5)
    assert read_idx(tmp_path / "x", max_bytes=6).size == 6


@pytest.mark.parametrize("shape", [(0, 2**31, 2**32 - 1), (2**32 - 1, 2**32 - 1, 0, 2**32 - 1)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_empty_array_of_huge_other_extents_is_refused(tmp_path, pack, shape):
    """NumPy has no such shape, though it holds nothing."""
    (tmp_path / "x").write_bytes(pack(idx_bytes(8, shape, b"")))
    refused(tmp_path / "x", "declares 0 bytes of shape .* the limit is")


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "none", "No such file")
    refused(tmp_path, "a folder")
    refused(tmp_path / "pipe", "not a regular file")
    refused("/dev/zero", "not a regular file")
