"""Looking at what an HDF5 file declares, without reading a value of it and without following it anywhere.

A FileError refuses what is not as an artefact has it; its message begins after the file's name.
"""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np

from refms.errors import FileError
from refms.io.artifact import DEEPEST, DTYPES, LONGEST_TEXT, MOST_OBJECTS, RESERVED


def text_attribute(file: Any, name: str) -> str:
    """Return an attribute that is a single UTF-8 string of fixed length."""
    attribute = file.attrs.get_id(name)
    kind = attribute.get_type()
    fixed = kind.get_class() == h5py.h5t.STRING and not kind.is_variable_str()
    if not fixed or attribute.shape != () or kind.get_size() > LONGEST_TEXT:
        raise FileError(f"has an attribute {name!r} that is no single string of fixed length.")
    value = np.empty((), dtype=f"S{kind.get_size()}")
    attribute.read(value, kind)
    try:
        return bytes(value[()]).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(
            f"has an attribute {name!r} that is not UTF-8. Take another copy of the file."
        ) from error


def number_attribute(file: Any, name: str) -> int | float:
    """Return an attribute that is a single int64 or float64."""
    attribute = file.attrs.get_id(name)
    for code in ("<i8", "<f8"):
        if attribute.shape == () and attribute.get_type().equal(_stored_type(code)):
            value = np.empty((), dtype=code)
            attribute.read(value)
            number: int | float = value.item()
            return number
    raise FileError(f"has an attribute {name!r} that is neither a string nor an int64 nor a float64 number.")


def plain_attributes(file: Any) -> dict[str, str | int | float]:
    """Return the attributes of the root that the schema does not use itself."""
    found: dict[str, str | int | float] = {}
    for name in file.attrs:
        if name not in RESERVED:
            is_text = file.attrs.get_id(name).get_type().get_class() == h5py.h5t.STRING
            found[name] = text_attribute(file, name) if is_text else number_attribute(file, name)
    return found


def datasets_of(file: Any) -> dict[str, Any]:
    """Return every dataset of a file under its path, such as ``"block/0/S"``, following hard links only.

    Soft and external links and other objects than groups and datasets are refused, and too many or too
    deep ones: hard links can make circles.
    """
    found: dict[str, Any] = {}
    visited = 0
    waiting = [("", file)]
    while waiting:
        prefix, group = waiting.pop()
        visited += len(group)
        if visited > MOST_OBJECTS:
            raise FileError(f"holds more than {MOST_OBJECTS} objects; expected a file written by refms.")
        if prefix.count("/") >= DEEPEST:
            raise FileError(f"nests groups {DEEPEST} deep or in a circle; expected a file written by refms.")
        for name in group:
            path = prefix + name
            link = group.get(name, getclass=True, getlink=True)
            if link is None:
                raise FileError(
                    f"is damaged: the name {path!r} leads nowhere. Take another copy of the file."
                )
            if link is not h5py.HardLink:
                raise FileError(
                    f"holds a link out of its tree at {path!r} ({link.__name__}), which is not followed."
                )
            what = group.get(name, getclass=True)
            if what is h5py.Group:
                waiting.append((f"{path}/", group[name]))
            elif what is h5py.Dataset:
                found[path] = group[name]
            else:
                raise FileError(f"holds something that is neither an array nor a group at {path!r}.")
    return found


def checked_bytes(name: str, dataset: Any) -> int:
    """Return how many bytes a dataset declares, after checking that it is stored as an artefact stores it."""
    creation = dataset.id.get_create_plist()
    layout = creation.get_layout()
    if layout not in (h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED) or creation.get_external_count():
        raise FileError(
            f"stores the array {name!r} in external, virtual or unknown storage, which is not read."
        )
    filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
    if any(code != h5py.h5z.FILTER_FLETCHER32 for code in filters):
        raise FileError(
            f"stores the array {name!r} through the HDF5 filters {filters}; only Fletcher-32 is read."
        )
    kind = dataset.id.get_type()
    if not any(kind.equal(_stored_type(code)) for code in DTYPES):
        raise FileError(f"holds the array {name!r} of a type that is not read; expected {', '.join(DTYPES)}.")
    space = dataset.id.get_space()
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        raise FileError(f"holds an array {name!r} without an extent, which is not read.")
    shape = space.get_simple_extent_dims()
    if layout == h5py.h5d.CHUNKED and any(c > n for c, n in zip(creation.get_chunk(), shape, strict=True)):
        raise FileError(
            f"stores the array {name!r} of shape {shape} in larger chunks, {creation.get_chunk()}."
        )
    declared: int = math.prod(shape) * kind.get_size()
    stored = dataset.id.get_storage_size()
    if declared > stored:
        raise FileError(
            f"declares {declared} bytes for the array {name!r} but stores {stored}: truncated or hostile."
        )
    return declared


def _stored_type(code: str) -> Any:
    return h5py.h5t.py_create(np.dtype(code))
