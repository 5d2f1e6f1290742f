"""Reading .npz files of strangers: no pickles, and nothing is inflated before its size is bounded."""

from __future__ import annotations

import io
import math
import os
import re
import zipfile
import zlib

import numpy as np

from refms.errors import Array, FileError
from refms.io.files import regular_file_size

MOST_MEMBERS = 2000
"""How many arrays there may be."""

DTYPES = ("<f4", "<f8", "<i8", "|u1")
"""Types an array may have."""

_LONGEST_HEADER = 4096
_MAGIC = b"\x93NUMPY"
_WIDTHS = {b"\1\0": 2, b"\2\0": 4}
_FORM = re.compile(
    rb"\{\s*'descr'\s*:\s*'([^'\\]{1,16})'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,"
    rb"\s*'shape'\s*:\s*\(((?:\s*[0-9]{1,18}\s*,){0,31}(?:\s*[0-9]{1,18})?\s*)\)\s*,?\s*\}\s*"
)
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile, zlib and NumPy raise when a file is not what its own headers say.
_ERRORS = (
    OSError,
    ValueError,
    RuntimeError,
    LookupError,
    EOFError,
    MemoryError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(path: str | os.PathLike[str], *, max_bytes: int) -> dict[str, Array]:
    """Return the arrays of an .npz file.

    Parameters
    ----------
    path : str or path
        The file.
    max_bytes : int
        Largest size of the file, and largest sum of the sizes of its members, in bytes.

    Returns
    -------
    dict of str to numpy.ndarray
        By name, without ``.npy``; of the types in ``DTYPES``.

    Raises
    ------
    FileError
        If the file is damaged, larger than that, or holds anything else than such arrays.
    """
    name = os.fspath(path)
    size = regular_file_size(path)
    if size > max_bytes:
        raise FileError(f"{name!r} is larger than {max_bytes} bytes; expected results of the cases alone.")
    try:
        with open(path, "rb") as stream:
            image = stream.read(size)
        with zipfile.ZipFile(io.BytesIO(image)) as archive:
            return _members(archive, max_bytes)
    except FileError as error:
        raise FileError(f"{name!r} {error}") from error
    except _ERRORS as error:
        raise FileError(
            f"{name!r} is damaged or no .npz file: {str(error) or type(error).__name__}. Write it anew."
        ) from error


def _members(archive: zipfile.ZipFile, max_bytes: int) -> dict[str, Array]:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise FileError(f"holds {len(members)} members; at most {MOST_MEMBERS} are read.")
    total = sum(member.file_size for member in members)
    if total > max_bytes:
        raise FileError(f"declares {total} bytes of arrays; the limit is {max_bytes}.")
    arrays: dict[str, Array] = {}
    for member in members:
        key = member.filename.removesuffix(".npy")
        if key == member.filename or key in arrays:
            raise FileError(f"holds {member.filename[:200]!r} twice or as something else than a .npy file.")
        if member.compress_type not in _PACKED or member.flag_bits & 1:
            raise FileError(f"packs {key[:200]!r} in a way that is not read; use numpy.savez.")
        with archive.open(member) as stream:
            content = stream.read(member.file_size + 1)
        if len(content) != member.file_size:
            raise FileError(f"declares {member.file_size} bytes for {key[:200]!r} and holds others.")
        arrays[key] = _array(key, content)
    return arrays


def _array(key: str, content: bytes) -> Array:
    """Return the array of a .npy file, whose header has to be as numpy.save writes it."""
    name, (dtype, by_columns, shape, start) = key[:200], _header(key, content)
    values = content[start:]
    if dtype not in DTYPES:
        raise FileError(f"holds {name!r} of type {dtype!r}; expected float64 or float32.")
    if math.prod(shape) * np.dtype(dtype).itemsize != len(values):
        raise FileError(f"holds {name!r} of shape {shape}, but {len(values)} bytes of values.")
    return np.frombuffer(values, dtype=dtype).reshape(shape, order="F" if by_columns else "C")


def _header(key: str, content: bytes) -> tuple[str, bool, tuple[int, ...], int]:
    """Return type, order and shape that a .npy file declares, and where its values begin.

    The header is a Python literal, of which this reads one form. Python's own parser would do, but takes its
    time over nested brackets, and writes warnings about odd literals where the user would see them.
    """
    version, width = content[6:8], _WIDTHS.get(content[6:8], 0)
    if content[:6] != _MAGIC or not width:
        raise FileError(f"holds {key[:200]!r} as no .npy file of version 1.0 or 2.0, but {version!r}.")
    start = 8 + width
    end = start + int.from_bytes(content[8:start], "little")
    found = _FORM.fullmatch(content, start, end) if end - start <= _LONGEST_HEADER else None
    if found is None or end > len(content):
        raise FileError(f"holds {key[:200]!r} with a header that numpy.save does not write.")
    dtype, by_columns, extents = (text.decode("ascii", "replace") for text in found.groups())
    return dtype, by_columns == "True", tuple(int(n) for n in extents.split(",") if n.strip()), end
