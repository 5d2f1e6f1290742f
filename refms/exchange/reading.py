"""Reading cases and results: the format is recognised by its first bytes, and every name is known before."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from refms.errors import Array, FileError
from refms.exchange.layout import case_arrays, expectations, flat_name, precision_of
from refms.exchange.npz import read_npz
from refms.io import read_arrays_contained
from refms.io.files import first_bytes, naming, regular_file_size
from refms.io.mat import read_mat

LARGEST = 2**24
"""Bytes that a file, and all that it holds, may have: some times what cases take, many times results."""


def read_cases(path: str | os.PathLike[str]) -> str:
    """Return the precision of a file of cases in any format; FileError if it is no export of this refms."""
    with naming(path):
        return precision_of(_full_names(_arrays(path), case_arrays()))


def read_results(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Return the results in a file that another program wrote.

    Parameters
    ----------
    path : str or path
        HDF5, .npz or .mat of version 5.

    Returns
    -------
    dict of str to numpy.ndarray
        float64 or float32, by name ``case/quantity``.

    Raises
    ------
    FileError
        If the file is missing, damaged, hostile or too large, or if it holds anything else than results of
        the cases: an unknown name is refused, lest a slip of the pen counts as not implemented.
    """
    with naming(path):
        results = _full_names(_arrays(path), [f"result/{name}" for name in expectations()])
        for name, array in results.items():
            if array.dtype.kind != "f":
                raise FileError(f"holds {name!r} of type {array.dtype}; expected float64 or float32.")
    return {name.removeprefix("result/"): array for name, array in results.items()}


def _arrays(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Read all arrays, by the names that they have in the file."""
    if regular_file_size(path) > LARGEST:
        raise FileError(f"is larger than {LARGEST} bytes; expected cases or results alone.")
    start = first_bytes(path, 8)
    if start == b"\x89HDF\r\n\x1a\n":
        return read_arrays_contained(path, max_bytes=LARGEST)
    if start[:2] == b"PK":
        return read_npz(path, max_bytes=LARGEST)
    if start[:6] == b"MATLAB":
        return read_arrays_contained(path, max_bytes=LARGEST, read=read_mat)
    raise FileError(f"starts with {start!r}; expected an HDF5, .npz or .mat file.")


def _full_names(arrays: Mapping[str, Array], known: Iterable[str]) -> dict[str, Array]:
    """Return the arrays by their full names; each may also be flat, as in .mat files."""
    full = {}
    for name in known:
        full[name] = full[flat_name(name)] = name
    found: dict[str, Array] = {}
    for name, array in arrays.items():
        if name not in full or full[name] in found:
            raise FileError(
                f"holds {name[:200]!r} twice, or under a name that is not asked for; expected names such as "
                f"{next(iter(known))!r}."
            )
        found[full[name]] = array
    return found
