"""Reading .mat files (version 5) of strangers: numeric arrays alone, and never more of them than is bounded.

The format: 128 bytes of header, then elements. An element is a tag (type and size, four bytes each), its
content, and padding to eight bytes; up to four bytes of content may stand in the tag itself. An element of
type 15 is another one, compressed by zlib; one of type 14 is an array: flags, extents, name, values.
"""

from __future__ import annotations

import math
import os
import zlib
from dataclasses import dataclass

import numpy as np

from refms.errors import Array, FileError
from refms.io.files import regular_file_size

MOST_VARIABLES = 2000
"""How many arrays there may be."""

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "<f8", 7: "<f4", 9: "|u1", 14: "<i8"}
_MOST_AXES = 16
_LONGEST_NAME = 63
_COMPLEX = 0x08


def read_mat(path: str | os.PathLike[str], *, max_bytes: int) -> dict[str, Array]:
    """Return the arrays of a .mat file that was saved as version 5 (``-v6`` or ``-v7`` in MATLAB and Octave).

    Parameters
    ----------
    path : str or path
        The file.
    max_bytes : int
        Largest size of the file, and of all that it holds when it is inflated, in bytes.

    Returns
    -------
    dict of str to numpy.ndarray
        By name; float64, float32, int64 or uint8, with at least two axes.

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
    except OSError as error:
        raise FileError(f"{name!r} cannot be read: {error.strerror or error}.") from error
    try:
        return _variables(image, max_bytes)
    except FileError as error:
        raise FileError(f"{name!r} {error}") from error
    except ValueError as error:  # NumPy, of extents whose product is zero but too large on the way
        raise FileError(f"{name!r} is damaged: {error}. Save it anew.") from error


@dataclass(frozen=True)
class _Element:
    kind: int
    content: bytes
    after: int


def _variables(image: bytes, max_bytes: int) -> dict[str, Array]:
    if b"MATLAB 7.3" in image[:_HEADER]:
        raise FileError("is a .mat file of version 7.3; save it with -v7.")
    if len(image) < _HEADER or image[126:128] not in (b"IM", b"MI"):
        raise FileError("is no .mat file of version 5; save it with -v7.")
    order = "<" if image[126:128] == b"IM" else ">"
    arrays: dict[str, Array] = {}
    room, place = max_bytes, _HEADER
    while place < len(image):
        element = _element(image, place, order, padded=False)
        place = element.after
        if element.kind == _COMPRESSED:
            inflated = _inflated(element.content, room)
            room -= len(inflated)
            element = _element(inflated, 0, order)
        if element.kind != _MATRIX:
            raise FileError(f"holds an element of type {element.kind}; expected numeric arrays alone.")
        name, array = _array(element.content, order)
        if name in arrays or len(arrays) >= MOST_VARIABLES:
            raise FileError(f"holds {name!r} twice, or more than {MOST_VARIABLES} arrays.")
        arrays[name] = array
    return arrays


def _inflated(content: bytes, room: int) -> bytes:
    """Return what zlib packed, but never more than there is room for."""
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(content, max(room, 1))
    except zlib.error as error:
        raise FileError(f"is damaged: {error}. Save it anew.") from error
    if not inflater.eof:
        raise FileError(f"is truncated, or inflates to more than the limit, of which {room} bytes are left.")
    return inflated


def _element(image: bytes, place: int, order: str, *, padded: bool = True) -> _Element:
    if place + 8 > len(image):
        raise FileError("is truncated: it ends inside an element.")
    first, size = (int(n) for n in np.frombuffer(image, order + "u4", 2, place))
    small = first >> 16
    if small:
        if small > 4:
            raise FileError(f"is damaged: an element in its own tag has {small} bytes, expected at most 4.")
        return _Element(first & 0xFFFF, image[place + 4 : place + 4 + small], place + 8)
    end = place + 8 + size
    if end > len(image):
        raise FileError(f"is truncated: an element declares {size} bytes, {len(image) - place - 8} are left.")
    # compressed elements are not padded; of others the padding may be missing at the very end
    pad = -size % 8 if padded or first != _COMPRESSED else 0
    return _Element(first, image[place + 8 : end], min(end + pad, len(image)))


def _array(content: bytes, order: str) -> tuple[str, Array]:
    flags = _element(content, 0, order)
    extents = _element(content, flags.after, order)
    title = _element(content, extents.after, order)
    name = title.content.decode("ascii", errors="replace")
    known = flags.kind == 6 and len(flags.content) == 8 and extents.kind == 5 and title.kind == 1
    if not known or not 0 < len(name) <= _LONGEST_NAME or not name.isidentifier():
        raise FileError(f"is damaged, or holds something that is no named array: {name[:_LONGEST_NAME]!r}.")
    word = int(np.frombuffer(flags.content, order + "u4")[0])
    if word & 0xFF not in _CLASSES or (word >> 8) & _COMPLEX:
        raise FileError(f"holds {name!r} as a complex array or of a class that is not read; expected double.")
    shape = _shape(name, extents, order)
    values = _element(content, title.after, order)
    stored = np.dtype(order + _STORED.get(values.kind, "V1"))
    if stored.kind == "V" or math.prod(shape) * stored.itemsize != len(values.content):
        raise FileError(f"holds {name!r} of shape {shape}, but {len(values.content)} bytes of values.")
    with np.errstate(all="ignore"):
        found = np.frombuffer(values.content, stored).astype(_CLASSES[word & 0xFF])
    return name, found.reshape(shape, order="F")


def _shape(name: str, extents: _Element, order: str) -> tuple[int, ...]:
    if len(extents.content) % 4 or not 8 <= len(extents.content) <= 4 * _MOST_AXES:
        raise FileError(f"holds {name!r} with {len(extents.content) // 4} axes; expected 2 to {_MOST_AXES}.")
    shape = tuple(int(n) for n in np.frombuffer(extents.content, order + "i4"))
    if any(n < 0 for n in shape):
        raise FileError(f"holds {name!r} of shape {shape}, with a negative extent.")
    return shape
