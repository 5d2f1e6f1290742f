"""Reading an artefact: everything a file declares is checked before it is believed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import h5py
import numpy as np

from refms.errors import Array, FileError, InputError
from refms.io.artifact import RESERVED, SCHEMA, SCHEMA_VERSION, Artifact, simple_attributes
from refms.io.files import first_bytes
from refms.io.inspection import (
    checked_bytes,
    datasets_of,
    number_attribute,
    plain_attributes,
    text_attribute,
)
from refms.io.strict_json import parse_json

Contents = TypeVar("Contents")

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# What h5py raises when a file is not what its own headers say.
_HDF5_ERRORS = (OSError, RuntimeError, LookupError, ValueError, TypeError, NotImplementedError, SystemError)


def read_artifact(path: str | os.PathLike[str], *, max_bytes: int = 2**32) -> Artifact:
    """Return the artefact in a file, after checking all that the file declares.

    Parameters
    ----------
    path : str or path
        A file written by ``write_artifact``.
    max_bytes : int
        Largest sum of the arrays' sizes to accept, in bytes; compared before any array is read.

    Returns
    -------
    Artifact
        Kind, attributes and arrays as they were written.

    Raises
    ------
    FileError
        If the file is missing, truncated, foreign, of a newer schema version, damaged, or holds anything that
        ``write_artifact`` does not write: other types, filters, links, external or virtual storage.

    Notes
    -----
    Nothing in the file is executed, and no other file is opened on its behalf. The Fletcher-32 sums are
    checked as the arrays are read, and then the SHA-256 over all contents. HDF5 itself, which has to parse
    the file before anything can be checked, can be made to crash: ``read_artifact_contained`` stands that.

    Examples
    --------
    >>> import tempfile
    >>> from refms.io import write_artifact
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_artifact(f"{folder}/a.h5", Artifact("golden", {"seed": 3}, {}))
    ...     read_artifact(f"{folder}/a.h5").attributes["seed"]
    3
    """
    return _read_checked(path, lambda file: _read(file, max_bytes))


def read_arrays(path: str | os.PathLike[str], *, max_bytes: int = 2**24) -> dict[str, Array]:
    """Return the arrays of an HDF5 file that another program wrote, after checking all that it declares.

    Parameters
    ----------
    path : str or path
        Any HDF5 file; attributes are not looked at.
    max_bytes : int
        Largest sum of the arrays' sizes to accept, in bytes; compared before any array is read.

    Returns
    -------
    dict of str to numpy.ndarray
        Every dataset of the file, by its path without the leading slash.

    Raises
    ------
    FileError
        If the file is missing, truncated or damaged, or holds other types, filters, links or storage than
        an artefact may have. In particular, arrays must not be compressed.

    Notes
    -----
    For files of strangers take ``read_arrays_contained``, which does the same in a process of its own.

    Examples
    --------
    >>> import h5py, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with h5py.File(f"{folder}/a.h5", "w") as file:
    ...         file["layer/bias"] = [1.0, 2.0]
    ...     read_arrays(f"{folder}/a.h5")["layer/bias"].tolist()
    [1.0, 2.0]
    """
    return _read_checked(path, lambda file: _bounded_arrays(file, max_bytes))


def _read_checked(path: str | os.PathLike[str], read: Callable[[Any], Contents]) -> Contents:
    """Open a file with care, and say in a sentence what is wrong with it."""
    name = os.fspath(path)
    _require_signature(path)
    try:
        with h5py.File(path, "r", locking=False) as file:
            return read(file)
    except FileError as error:
        raise FileError(f"{name!r} {error}") from error
    except InputError as error:
        raise FileError(f"{name!r} holds what no artefact may hold: {error}") from error
    except _HDF5_ERRORS as error:
        # a KeyError puts its words into quotes
        words = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
        raise FileError(
            f"{name!r} is damaged or truncated: HDF5 reports {words or type(error).__name__!r}. "
            "Take another copy of the file."
        ) from error


def _require_signature(path: str | os.PathLike[str]) -> None:
    start = first_bytes(path, len(_SIGNATURE))
    if start != _SIGNATURE:
        found = f"starts with {start!r}" if start else "is empty"
        raise FileError(
            f"{os.fspath(path)!r} is not an HDF5 file: it {found}. Expected an HDF5 file of refms."
        )


def _read(file: Any, max_bytes: int) -> Artifact:
    """Read an open file; messages begin after the file's name."""
    _require_schema(file)
    kind = text_attribute(file, "kind")
    attributes = _json_mapping(text_attribute(file, "attributes"))
    artifact = Artifact(kind, attributes, _bounded_arrays(file, max_bytes))
    if plain_attributes(file) != simple_attributes(artifact.attributes):
        raise FileError(
            "was edited: its plain attributes do not repeat the JSON text. Write it anew with refms."
        )
    if text_attribute(file, "digest") != artifact.digest:
        raise FileError("is damaged or was edited: its contents do not have the SHA-256 it states.")
    return artifact


def _bounded_arrays(file: Any, max_bytes: int) -> dict[str, Array]:
    """Read all arrays, once the sizes that they declare are known to be bounded."""
    # Asked of the open file: under this name there may be a newer one by now.
    size = file.id.get_filesize()
    datasets = datasets_of(file)
    declared = sum(checked_bytes(name, dataset) for name, dataset in datasets.items())
    if declared > size:
        raise FileError(
            f"declares {declared} bytes of arrays, but is {size} bytes long: truncated or hostile."
        )
    if declared > max_bytes:
        raise FileError(
            f"declares {declared} bytes of arrays; the limit is {max_bytes}. "
            "Raise max_bytes if you trust the file."
        )
    return {name: _values(name, dataset) for name, dataset in datasets.items()}


def _require_schema(file: Any) -> None:
    missing = [name for name in RESERVED if name not in file.attrs]
    if "schema" in missing or text_attribute(file, "schema") != SCHEMA:
        raise FileError("is an HDF5 file of another program; expected one written by refms (schema 'refms').")
    version = 0 if "schema_version" in missing else number_attribute(file, "schema_version")
    if version > SCHEMA_VERSION:
        raise FileError(
            f"has schema version {version}; this refms reads up to version "
            f"{SCHEMA_VERSION}. Install a newer refms."
        )
    if version != SCHEMA_VERSION:
        raise FileError(f"has schema version {version}; expected {SCHEMA_VERSION}.")
    if missing:
        raise FileError(f"lacks the attribute {missing[0]!r}; expected a file written by refms.")


def _json_mapping(text: str) -> dict[str, Any]:
    try:
        value = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise FileError(
            f"has attributes that are not JSON ({error}). Take another copy of the file."
        ) from error
    if not isinstance(value, dict):
        raise FileError("has attributes that are JSON, but no mapping; expected a file written by refms.")
    return value


def _values(name: str, dataset: Any) -> Array:
    values = np.empty(dataset.shape, dtype=dataset.dtype)
    if not values.size:
        return values
    try:
        dataset.read_direct(values)
    except OSError as error:
        raise FileError(
            f"is damaged: the array {name!r} does not have its checksum or is not all "
            "there. Take another copy."
        ) from error
    return values
