"""Sparse matrices in the files of others: SciPy's .npz and Matrix Market, besides refms' own in HDF5."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import scipy.sparse

from refms.errors import Array, FileError
from refms.exchange.npz import read_npz
from refms.io import read_artifact_contained
from refms.io.files import first_bytes, naming, read_whole
from refms.io.matrices import matrix_of
from refms.io.matrix_market import matrix_of_text
from refms.io.npy import DTYPES

LARGEST = 2**24
"""Bytes that a file, and all that it holds, may have."""

LARGEST_TEXT = 2**22
"""Bytes of a text, which takes some times as much memory to read."""

_TYPES = (*DTYPES, "<i4", "<c8", "<c16", "|b1", "|S3")
"""With the places of entries, complex entries, and the two words of ``scipy.sparse.save_npz``."""


def read_matrix(path: str | os.PathLike[str]) -> Any:
    """Return the matrix in a file as a csr_array, the format recognised by its first bytes.

    HDF5 of ``refms matrix``, ``.npz`` of ``scipy.sparse.save_npz`` or Matrix Market; FileError if it is
    damaged, too large, or another file.
    """
    start = first_bytes(path, max(map(len, _READERS)))
    for magic, read in _READERS.items():
        if start.startswith(magic):
            with naming(path):
                return read(path)
    raise FileError(
        f"{os.fspath(path)!r} starts with {start!r}; expected .h5 of refms matrix, .npz of "
        "scipy.sparse.save_npz or .mtx."
    )


def is_matrix(path: str | os.PathLike[str]) -> bool:
    """Tell from its ending whether a file is to hold a matrix that others wrote."""
    return os.path.splitext(path)[1] in (".npz", ".mtx")


def _of_npz(path: str | os.PathLike[str]) -> Any:
    arrays = read_npz(path, max_bytes=LARGEST, dtypes=_TYPES)
    kind = arrays["format"].tobytes() if "format" in arrays else b""
    if kind not in _PARTS:
        raise FileError("holds no matrix by rows, by columns or by entries; write scipy.sparse.csr_array(A).")
    try:
        return _checked(_PARTS[kind](arrays), tuple(int(n) for n in arrays["shape"]))
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise FileError(f"holds no sparse matrix: {error}. Write it again.") from error


def _checked(parts: tuple[Callable[..., Any], Any], shape: tuple[int, ...]) -> Any:
    """Return the csr_array of such parts, all of whose places are within the shape."""
    make, arrays = parts
    A = make(arrays, shape=shape)
    if hasattr(A, "check_format"):
        A.check_format()
    return scipy.sparse.csr_array(A)


_PARTS: Mapping[bytes, Callable[[Mapping[str, Array]], tuple[Callable[..., Any], Any]]] = {
    b"csr": lambda of: (scipy.sparse.csr_array, (of["data"], of["indices"], of["indptr"])),
    b"csc": lambda of: (scipy.sparse.csc_array, (of["data"], of["indices"], of["indptr"])),
    b"coo": lambda of: (scipy.sparse.coo_array, (of["data"], (of["row"], of["col"]))),
}
"""How SciPy names its formats in files, and what makes them."""


def _of_matrix_market(path: str | os.PathLike[str]) -> Any:
    return matrix_of_text(read_whole(path, LARGEST_TEXT, "a small matrix").decode("latin-1"))


_READERS: Mapping[bytes, Callable[[str | os.PathLike[str]], Any]] = {
    b"\x89HDF\r\n\x1a\n": lambda path: matrix_of(read_artifact_contained(path)),
    b"PK": _of_npz,
    b"%%MatrixMarket": _of_matrix_market,
}
