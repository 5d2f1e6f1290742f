"""The header of NumPy's .npy format, in the form that numpy.save writes.

It is a Python literal. Python's own parser would do, but takes its time over nested brackets, and writes
warnings about odd literals where the user would see them; and it would be asked of files of strangers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from refms.errors import FileError
from refms.io.files import Stream, fill

DTYPES = ("<f4", "<f8", "<i8", "|u1")
"""Types that an array may have."""

_LONGEST = 4096
_MAGIC = b"\x93NUMPY"
_WIDTHS = {b"\1\0": 2, b"\2\0": 4}
_FORM = re.compile(
    rb"\{\s*'descr'\s*:\s*'([^'\\]{1,16})'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,"
    rb"\s*'shape'\s*:\s*\(((?:\s*[0-9]{1,18}\s*,){0,31}(?:\s*[0-9]{1,18})?\s*)\)\s*,?\s*\}\s*"
)


class NpyHeader(NamedTuple):
    """What a header declares."""

    dtype: np.dtype[np.generic]
    by_columns: bool
    shape: tuple[int, ...]


def read_npy_header(stream: Stream, name: str, dtypes: Sequence[str] = DTYPES) -> NpyHeader:
    """Read the header; messages begin after the file's name and call the array ``name``."""
    start = _read(stream, 8)
    width = _WIDTHS.get(start[6:], 0)
    if start[:6] != _MAGIC or not width:
        raise FileError(f"holds {name!r} as no .npy file of version 1.0 or 2.0, but {start!r}.")
    length = int.from_bytes(_read(stream, width), "little")
    text = _read(stream, length) if length <= _LONGEST else b""
    found = _FORM.fullmatch(text)
    if found is None or len(text) < length:
        raise FileError(f"holds {name!r} with a header that numpy.save does not write.")
    dtype, by_columns, extents = (group.decode("ascii", "replace") for group in found.groups())
    if dtype not in dtypes:
        raise FileError(f"holds {name!r} of type {dtype!r}; expected {' or '.join(dtypes)}.")
    shape = tuple(int(n) for n in extents.split(",") if n.strip())
    return NpyHeader(np.dtype(dtype), by_columns == "True", shape)


def _read(stream: Stream, size: int) -> bytes:
    """Return so many bytes, or those that are left: a stream may hand them out in pieces."""
    content = bytearray(size)
    return bytes(content[: fill(stream, memoryview(content))])
