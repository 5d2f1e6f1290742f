"""Writing an artefact: the whole file is built in memory, then put in place in one step."""

from __future__ import annotations

import io
import math
import os
from typing import Any

import h5py
import numpy as np

from refms.io.artifact import (
    CONVENTIONS,
    SCHEMA,
    SCHEMA_VERSION,
    Artifact,
    canonical_json,
    simple_attributes,
    stored_form,
)
from refms.io.files import atomic_write

_CHUNK_BYTES = 2**20


def write_artifact(path: str | os.PathLike[str], artifact: Artifact, *, overwrite: bool = False) -> None:
    """Write an artefact so that the file is, at every moment, the earlier one or the whole new one.

    Parameters
    ----------
    path : str or path
        The file, customarily ending in ``.h5``; its folder must exist.
    artifact : Artifact
        What to write.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileError
        If the file exists and may not be replaced, or the system refuses (full disk, permissions, …); the
        earlier file is then as it was.

    Notes
    -----
    Equal artefacts give equal bytes (with one version of HDF5): there are no times in the file, and names are
    sorted. Datasets carry Fletcher-32 checksums, the file the SHA-256 ``Artifact.digest``. The file is built
    in memory, which takes about twice its size.

    Examples
    --------
    >>> import tempfile
    >>> from refms.io.reading import read_artifact
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_artifact(f"{folder.name}/a.h5", Artifact("golden", {"seed": 3}, {"x": np.arange(3)}))
    >>> read_artifact(f"{folder.name}/a.h5").arrays["x"]
    array([0, 1, 2])
    >>> folder.cleanup()
    """
    image = file_image(artifact)
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(image)


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the chunks of a dataset: at most one MiB, whole trailing axes first, all about equally large.

    Examples
    --------
    >>> chunk_shape((300, 1024), 8)
    (100, 1024)
    """
    room = max(1, _CHUNK_BYTES // itemsize)
    chunk: list[int] = []
    for extent in reversed(shape):
        pieces = math.ceil(extent / room)
        chunk.insert(0, math.ceil(extent / pieces))
        room = max(1, room // extent)
    return tuple(chunk)


def file_image(artifact: Artifact) -> bytes:
    """Return the bytes of the HDF5 file that holds an artefact.

    Examples
    --------
    >>> file_image(Artifact("golden", {"seed": 3}, {"x": np.arange(3)}))[1:4]
    b'HDF'
    """
    buffer = io.BytesIO()
    with h5py.File(_new_file(buffer)) as file:
        _set_attribute(file, "schema", SCHEMA)
        _set_attribute(file, "schema_version", SCHEMA_VERSION)
        _set_attribute(file, "kind", artifact.kind)
        _set_attribute(file, "conventions", CONVENTIONS)
        _set_attribute(file, "digest", artifact.digest)
        _set_attribute(file, "attributes", canonical_json(artifact.attributes))
        for name, value in simple_attributes(artifact.attributes).items():
            _set_attribute(file, name, value)
        for name, array in artifact.arrays.items():
            _write_array(file, name, stored_form(array))
    return buffer.getvalue()


def _new_file(buffer: io.BytesIO) -> Any:
    """Return an empty HDF5 file in the buffer, without times and in a format that all readers know."""
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_obj_track_times(False)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    # HDF5 1.8 (2008): every reader in use opens it, and its metadata carry checksums.
    access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_V18)
    # Not the "core" driver of HDF5: the superblock of the images it gives in 1.14 has a wrong checksum.
    access.set_fileobj_driver(h5py.h5fd.fileobj_driver, buffer)
    return h5py.h5f.create(b"artifact", h5py.h5f.ACC_EXCL, fcpl=creation, fapl=access)


def _set_attribute(file: Any, name: str, value: str | int | float) -> None:
    """Set an attribute of the root; strings have a fixed length, which every language reads."""
    if isinstance(value, str):
        text = value.encode("utf-8")
        file.attrs.create(name, np.bytes_(text), dtype=h5py.string_dtype("utf-8", len(text)))
    else:
        file.attrs.create(name, value, dtype="<i8" if isinstance(value, int) else "<f8")


def _write_array(file: Any, name: str, array: Any) -> None:
    groups, _, leaf = name.rpartition("/")
    home = file
    for group in filter(None, groups.split("/")):
        home = home[group] if group in home else _untimed_group(home, group)
    chunked = array.size > 0 and array.ndim > 0
    home.create_dataset(
        leaf,
        data=array,
        chunks=chunk_shape(array.shape, array.itemsize) if chunked else None,
        fletcher32=chunked,
        track_times=False,
    )


def _untimed_group(home: Any, name: str) -> Any:
    creation = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    creation.set_obj_track_times(False)
    return h5py.Group(h5py.h5g.create(home.id, name.encode(), gcpl=creation))
