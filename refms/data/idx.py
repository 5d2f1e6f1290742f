"""The IDX format of the MNIST files, plain or gzip, read so that no header can make the program run away."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from refms.data.reading import read_values
from refms.errors import Array, FileError
from refms.io.files import Stream, regular_file_size

# Third byte of the magic number: the type of the values, all big-endian.
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_AXES = 8
_GZIP_MAGIC = b"\x1f\x8b"
# Deflate shrinks nothing by more than this factor, so this times its size is the most that a file can hold.
_DEFLATE_LIMIT = 1032


def read_idx(path: str | os.PathLike[str], *, max_bytes: int = 2**31) -> Array:
    """Return the array in an IDX file, plain or compressed with gzip (told apart by content, not by name).

    Parameters
    ----------
    path : str or path
        The file.
    max_bytes : int
        Largest array to accept, in bytes; it bounds what a foreign file can make the program allocate.

    Returns
    -------
    numpy.ndarray
        Shape and dtype of the header (uint8, int8, int16, int32, float32 or float64), native byte order,
        C-contiguous.

    Raises
    ------
    FileError
        If the file is missing, is no IDX file, declares more than it holds or than ``max_bytes``, holds more
        than it declares, or its gzip stream is damaged.

    Notes
    -----
    Magic number, type and sizes are compared with the size of the file *before* anything is allocated. A
    compressed file is decompressed no further than the declared size and one buffer of a few kilobytes.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name) / "tiny-idx1-ubyte"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 6, 7]))
    >>> read_idx(path).tolist()
    [5, 6, 7]
    >>> folder.cleanup()
    """
    name = Path(path)
    size = regular_file_size(name)
    try:
        with open(name, "rb") as raw:
            compressed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            if not compressed:
                return _read_array(raw, name, held=size, exact=True, max_bytes=max_bytes)
            with gzip.GzipFile(fileobj=raw, mode="rb") as stream:
                return _read_array(stream, name, held=_DEFLATE_LIMIT * size, exact=False, max_bytes=max_bytes)
    except EOFError as error:
        raise FileError(
            f"{str(name)!r} is truncated: its gzip stream ends early. Fetch the file again."
        ) from error
    except (OSError, zlib.error) as error:
        raise FileError(f"{str(name)!r} is damaged: {error}. Fetch the file again.") from error


def _read_array(stream: Stream, path: Path, *, held: int, exact: bool, max_bytes: int) -> Array:
    """Read header and values; ``held`` is what the file can hold at most, or exactly."""
    dtype, shape = _read_header(stream, path)
    length, payload = 4 + 4 * len(shape), math.prod(shape) * dtype.itemsize
    if length + payload > held or (exact and length + payload != held):
        found = "holds" if exact else "cannot hold more than"
        raise FileError(
            f"{str(path)!r} declares {payload} bytes of shape {shape}, but {found} {max(held - length, 0)} "
            "after its header. Fetch it again."
        )
    return read_values(stream, path, dtype, shape, max_bytes)


def _read_header(stream: Stream, path: Path) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not 1 <= magic[3] <= _MOST_AXES:
        codes = ", ".join(f"{code:02x}" for code in _TYPES)
        raise FileError(
            f"{str(path)!r} is not an IDX file: it starts with {magic.hex(' ') or 'nothing'}; expected "
            f"00 00, the type (one of {codes}) and the number of axes (01 to 08)."
        )
    axes = magic[3]
    sizes = stream.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise FileError(
            f"{str(path)!r} is truncated inside its header of {4 + 4 * axes} bytes. Fetch it again."
        )
    return np.dtype(_TYPES[magic[2]]), struct.unpack(f">{axes}I", sizes)
