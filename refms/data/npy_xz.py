"""NumPy's .npy inside .xz, with whatever LZMA filters: for images a delta filter of distance 3 packs best."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from refms.data.npy import read_npy_stream
from refms.errors import Array, FileError
from refms.io.files import regular_file_size

_LARGEST_DICTIONARY = 2**28


def read_npy_xz(path: str | os.PathLike[str], *, max_bytes: int = 2**31) -> Array:
    """Return the array that numpy.save wrote into an .xz file, with whatever LZMA filters.

    Parameters
    ----------
    path : str or path
        The file.
    max_bytes : int
        Largest array to accept, in bytes.

    Returns
    -------
    numpy.ndarray
        float32, float64, int64 or uint8, C-contiguous.

    Raises
    ------
    FileError
        If the file is missing or damaged, declares more than it holds or than ``max_bytes``, or holds more
        than it declares.

    Notes
    -----
    It is unpacked no further than the declared size, which is compared with ``max_bytes`` before; and with at
    most 256 MiB for LZMA's dictionary.

    Examples
    --------
    >>> import lzma, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with lzma.open(f"{folder}/tiny.npy.xz", "wb") as file:
    ...         np.save(file, np.array([5, 6, 7]))
    ...     read_npy_xz(f"{folder}/tiny.npy.xz").tolist()
    [5, 6, 7]
    """
    import lzma  # here, for not every Python is built with it

    name = Path(path)
    regular_file_size(name)
    try:
        with open(name, "rb") as raw:
            return read_npy_stream(_Unpacked(raw), name, max_bytes)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise FileError(f"{str(name)!r} is damaged or no .xz file: {error}. Fetch it again.") from error


class _Unpacked:
    """What an .xz file holds, unpacked no further than it is read."""

    def __init__(self, raw: BinaryIO) -> None:
        import lzma

        self.raw = raw
        self.unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LARGEST_DICTIONARY)

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; behind the end of the stream there must be nothing."""
        while not self.unpacker.eof:
            packed = self.raw.read(2**16) if self.unpacker.needs_input else b""
            if self.unpacker.needs_input and not packed:
                raise EOFError("it ends early")
            if piece := self.unpacker.decompress(packed, size):
                return piece
        return self.unpacker.unused_data[:size] or self.raw.read(size)
