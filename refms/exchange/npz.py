"""Reading .npz files of strangers: no pickles, and nothing is inflated before its size is bounded."""

from __future__ import annotations

import io
import math
import os
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

from refms.errors import Array, FileError
from refms.io.files import regular_file_size
from refms.io.npy import DTYPES, read_npy_header

MOST_MEMBERS = 2000
"""How many arrays there may be."""

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


def read_npz(
    path: str | os.PathLike[str], *, max_bytes: int, dtypes: Sequence[str] = DTYPES
) -> dict[str, Array]:
    """Return the arrays of an .npz file.

    ``max_bytes`` bounds the file, and the sum of what its members declare. Names come without ``.npy``,
    types are those of :mod:`refms.io.npy`, or ``dtypes``; a FileError refuses all else.
    """
    name = os.fspath(path)
    size = regular_file_size(path)
    if size > max_bytes:
        raise FileError(f"{name!r} is larger than {max_bytes} bytes; expected less.")
    try:
        with open(path, "rb") as stream:
            image = stream.read(size)
        with zipfile.ZipFile(io.BytesIO(image)) as archive:
            return _members(archive, max_bytes, dtypes)
    except FileError as error:
        raise FileError(f"{name!r} {error}") from error
    except _ERRORS as error:
        raise FileError(
            f"{name!r} is damaged or no .npz file: {str(error) or type(error).__name__}. Write it anew."
        ) from error


def _members(archive: zipfile.ZipFile, max_bytes: int, dtypes: Sequence[str]) -> dict[str, Array]:
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
        arrays[key] = _array(key, content, dtypes)
    return arrays


def _array(key: str, content: bytes, dtypes: Sequence[str]) -> Array:
    """Return the array of a .npy file, whose header has to be as numpy.save writes it."""
    name, stream = key[:200], io.BytesIO(content)
    header = read_npy_header(stream, name, dtypes)
    values = content[stream.tell() :]
    if math.prod(header.shape) * header.dtype.itemsize != len(values):
        raise FileError(f"holds {name!r} of shape {header.shape}, but {len(values)} bytes of values.")
    order = "F" if header.by_columns else "C"
    array: Array = np.frombuffer(values, dtype=header.dtype)
    return array.reshape(header.shape, order=order)
