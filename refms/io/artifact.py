"""What an artefact is: a kind, attributes that JSON can say, and named arrays of a few plain types."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.display import short_repr
from refms.errors import Array, InputError
from refms.io.strict_json import require_shallow

SCHEMA = "refms"
SCHEMA_VERSION = 1
CONVENTIONS = (
    "Features: rows = channels * cells, channel slowest, then the grid axes in C order; one column per "
    "example. Values at cell centers of the unit cube, h = 1/n. Stencils: (c_out, c_in, *stencil) with "
    "(K(s) y)_i = sum_k s_k y_(i+k) (cross-correlation), periodic unless the configuration says otherwise. "
    "Arrays are stored in C order: Julia, MATLAB and Fortran show their axes reversed. "
    "Complex numbers are pairs (r, i). 'attributes' is JSON; simple ones are repeated beside it."
)
"""What a reader in another language has to know; a change of meaning needs a new ``SCHEMA_VERSION``."""

DTYPES = ("<f4", "<f8", "<c8", "<c16", "<i4", "<i8", "|u1")
"""The only types an array may have in a file."""

RESERVED = ("schema", "schema_version", "kind", "conventions", "digest", "attributes")
"""Attributes of the root that the schema itself uses."""

DEEPEST = 16
"""How many words an array's name may have."""

MOST_OBJECTS = 20_000
"""How many arrays, and groups around them, there may be."""

LONGEST_TEXT = 2**24
"""How many characters the JSON text of the attributes may have."""

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_SEGMENT = re.compile(r"[A-Za-z0-9_.+-]{1,128}")


@dataclass(frozen=True, eq=False)
class Artifact:
    """A result that outlives the program: a trained model, a history, a golden.

    Parameters
    ----------
    kind : str
        What it is, such as ``"model"``, ``"history"`` or ``"golden"``; lower-case letters, digits, - and _.
    attributes : mapping
        Configuration, seeds, versions, …: nested mappings and lists of strings, finite numbers, booleans and
        None. Kept as JSON would give them back, so tuples become lists.
    arrays : mapping
        Names such as ``"block/0/S"`` to NumPy arrays of dtype float32, float64, complex64, complex128, int32,
        int64 or uint8; any shape, also () and empty; NaN allowed. A table is one array per column.

    Raises
    ------
    InputError
        If a name, an attribute or an array is not as above.

    Examples
    --------
    >>> model = Artifact("model", {"seed": 3, "shape": (28, 28)}, {"block/0/b": np.zeros(2)})
    >>> model.attributes
    {'seed': 3, 'shape': [28, 28]}
    """

    kind: str
    attributes: Mapping[str, Any]
    arrays: Mapping[str, Array]

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or not _KIND.fullmatch(self.kind):
            raise InputError(f"kind is {self.kind!r}; expected a short lower-case word, such as 'model'.")
        object.__setattr__(self, "attributes", _json_mapping(self.attributes))
        _require_names(self.arrays)
        arrays = {name: _plain_array(name, self.arrays[name]) for name in sorted(self.arrays)}
        object.__setattr__(self, "arrays", arrays)

    @property
    def digest(self) -> str:
        """SHA-256 of kind, attributes and arrays: equal for equal contents, whatever wrote the file.

        The hash runs over one line of JSON with kind and attributes, then for every array, sorted by name,
        one line of JSON with name, type and shape and the values in C order, little-endian.
        """
        state = hashlib.sha256()
        state.update(canonical_json({"kind": self.kind, "attributes": self.attributes}).encode() + b"\n")
        for name, array in self.arrays.items():
            head = {"name": name, "type": array.dtype.newbyteorder("<").str, "shape": list(array.shape)}
            state.update(canonical_json(head).encode() + b"\n")
            state.update(stored_form(array).reshape(-1).view("u1").data)
        return "sha256:" + state.hexdigest()


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: keys sorted, ASCII only, no blanks, no NaN.

    Examples
    --------
    >>> canonical_json({"b": [1, 2.5], "a": None})
    '{"a":null,"b":[1,2.5]}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def stored_form(array: Array) -> Array:
    """Return an array as it lies in a file, C-contiguous and little-endian; itself if it is so already."""
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def simple_attributes(attributes: Mapping[str, Any]) -> dict[str, str | int | float]:
    """Return the attributes that are repeated as plain HDF5 attributes, for readers without JSON.

    Those are short non-empty strings, 64-bit integers (booleans as 0 and 1) and floats of the top level
    whose name is plain ASCII and not one of the schema's own.

    Examples
    --------
    >>> simple_attributes({"seed": 3, "shape": [28, 28], "note": ""})
    {'seed': 3}
    """
    simple: dict[str, str | int | float] = {}
    for name, value in attributes.items():
        if name in RESERVED or not _SEGMENT.fullmatch(name):
            continue
        if isinstance(value, str) and 0 < len(value) <= 1024 and value.isascii() and "\0" not in value:
            simple[name] = value
        elif isinstance(value, bool | int) and -(2**63) <= value < 2**63:
            simple[name] = int(value)
        elif isinstance(value, float):
            simple[name] = value
    return simple


def _json_mapping(attributes: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(attributes, Mapping):
        raise InputError(
            f"attributes are {type(attributes).__name__}; expected a mapping of names to values."
        )
    try:
        text = canonical_json(dict(attributes))
        copied: dict[str, Any] = json.loads(text)
        require_shallow(copied)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"attributes cannot be written as JSON ({error}); expected strings, finite Python numbers, "
            "booleans, None, lists and mappings. Put anything else among the arrays."
        ) from error
    _require_string_keys(attributes)
    if len(text) > LONGEST_TEXT:
        raise InputError(
            f"attributes have {len(text)} characters as JSON; at most {LONGEST_TEXT} are kept. "
            "Put long lists among the arrays."
        )
    return copied


def _require_string_keys(value: Any) -> None:
    """Refuse keys that JSON would turn into strings on its own."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InputError(f"attributes have the key {key!r}; expected a string, JSON knows no other.")
    if isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            _require_string_keys(inner)


def _require_names(arrays: Mapping[str, Array]) -> None:
    if not isinstance(arrays, Mapping):
        raise InputError(f"arrays are {type(arrays).__name__}; expected a mapping of names to arrays.")
    groups: set[str] = set()
    for name in arrays:
        parts = name.split("/") if isinstance(name, str) else []
        if not 1 <= len(parts) <= DEEPEST or any(not _SEGMENT.fullmatch(p) or set(p) == {"."} for p in parts):
            raise InputError(
                f"array name {name!r}; expected up to {DEEPEST} words of letters, digits and _ . + - "
                "joined by slashes, such as 'block/0/S'."
            )
        groups.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
    if len(groups) + len(arrays) > MOST_OBJECTS:
        raise InputError(
            f"there are {len(arrays)} arrays in {len(groups)} groups; at most {MOST_OBJECTS} are kept. "
            "Stack arrays of one shape."
        )
    both = groups.intersection(arrays)
    if both:
        name = min(both)
        raise InputError(f"{name!r} is an array and also the start of another array's name; rename one.")


def _plain_array(name: str, array: Array) -> Array:
    if not isinstance(array, np.ndarray | np.generic):
        raise InputError(
            f"array {name!r} is a {type(array).__module__}.{type(array).__qualname__}; expected a NumPy "
            "array. Move it to the host first, with Backend.to_host."
        )
    if array.dtype.newbyteorder("<").str not in DTYPES:
        known = ", ".join(np.dtype(code).name for code in DTYPES)
        raise InputError(f"array {name!r} has dtype {array.dtype}; expected one of {known}.")
    return np.asarray(array)
