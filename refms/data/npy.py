"""NumPy's .npy files, read without pickle and no further than they declare."""

from __future__ import annotations

import os
from pathlib import Path

from refms.data.reading import read_values
from refms.errors import Array, FileError
from refms.io.files import Stream, naming, regular_file_size
from refms.io.npy import read_npy_header


def read_npy(path: str | os.PathLike[str], *, max_bytes: int = 2**31) -> Array:
    """Return the array of a .npy file: float32, float64, int64 or uint8; FileError if there is none."""
    name = Path(path)
    regular_file_size(name)
    with open(name, "rb") as stream:
        return read_npy_stream(stream, name, max_bytes)


def read_npy_stream(stream: Stream, name: Path, max_bytes: int) -> Array:
    """Return the array that is all of a stream, C-contiguous; messages name the file."""
    with naming(name):
        header = read_npy_header(stream, "the array")
        if header.by_columns:
            raise FileError("holds an array in Fortran order; save numpy.ascontiguousarray of it.")
        return read_values(stream, name, header.dtype, header.shape, max_bytes)
