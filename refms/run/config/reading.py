"""TOML files, and sections as frozen dataclasses: unknown keys and wrong types are refused."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from refms.errors import FileError, InputError, require_choice
from refms.io.files import regular_file_size

LONGEST_FILE = 2**20
"""Bytes that a configuration file may have."""


def read_toml(path: str | Path) -> dict[str, Any]:
    """Return what a TOML file says.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict
        Nested; nothing is checked yet.

    Raises
    ------
    FileError
        If the file cannot be read, is longer than :data:`LONGEST_FILE`, or is no TOML.
    """
    size = regular_file_size(path)
    if size > LONGEST_FILE:
        raise FileError(f"{str(path)!r} has {size} bytes; a configuration has at most {LONGEST_FILE}.")
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise FileError(f"cannot read the configuration {str(path)!r}: {error.strerror}.") from error
    except RecursionError as error:
        raise FileError(f"{str(path)!r} is nested too deeply; expected sections of plain keys.") from error
    except ValueError as error:  # of the TOML, of its encoding, or of a number with thousands of digits
        raise FileError(f"{str(path)!r} is not valid TOML: {error}.") from error


def section_of(kind: Any, name: str, values: Mapping[str, Any]) -> Any:
    """Return a section: a frozen dataclass whose defaults say the types of its keys.

    Parameters
    ----------
    kind : type
        The dataclass; a field with a tuple as its default takes a list, one with a mapping a table.
    name : str
        What the section is called.
    values : mapping
        What is given; the rest keeps its default.

    Returns
    -------
    object
        Of that kind.

    Raises
    ------
    InputError
        If a key is unknown, or a value has the wrong type or range.
    """
    types = {item.name: type(_default(item)) for item in fields(kind)}
    checked = {}
    for key, value in values.items():
        require_choice(key, types, f"key in section [{name}]")
        wanted = types[key]
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = _as_float(value)
        if wanted is tuple and isinstance(value, list):
            value = tuple(value)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise InputError(f"[{name}] {key} is {value!r}; expected a value of type {_word(wanted)}.")
        checked[key] = value
    try:
        return kind(**checked)
    except InputError as error:
        raise InputError(f"[{name}] {error}") from error


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default if item.default_factory is dataclasses.MISSING else item.default_factory()


def _word(kind: type) -> str:
    return "list" if kind is tuple else kind.__name__


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:  # the section says that infinity is out of range
        return float("inf") if value > 0 else float("-inf")


def require_at_least(least: int, **values: int) -> None:
    """Refuse a number below a bound.

    Parameters
    ----------
    least : int
        The bound.
    **values : int
        Numbers by the names of their keys.

    Raises
    ------
    InputError
        Naming the first that is too small.
    """
    for name, value in values.items():
        if value < least:
            raise InputError(f"{name} is {value}; expected {least} or more.")
