"""Sections as frozen dataclasses: unknown keys and wrong types are refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from refms.errors import FileError, InputError, require_choice
from refms.io.strict_toml import read_toml


def build_from(path: str | Path, build: Callable[[dict[str, Any]], Any]) -> Any:
    """Return what ``build`` makes of a TOML file; what is wrong with it is told with the file's name."""
    given = read_toml(path)
    try:
        return build(given)
    except InputError as error:
        raise FileError(f"{path}: {error}") from error


def table_of(value: Any, name: str) -> Mapping[str, Any]:
    """Return a section's keys and values, or refuse what is none."""
    if not isinstance(value, Mapping):
        raise InputError(f"section [{name}] is {value!r}; expected keys and values.")
    return value


def section_of(kind: Any, name: str, values: Any) -> Any:
    """Return a section: a frozen dataclass whose defaults say the types of its keys.

    A tuple takes a list, of the type of the default's entries where it has any, and so does what is marked
    as ``also`` a tuple; a mapping takes a table; a float takes an int. What is not given keeps its default.
    Raises InputError if a key is unknown (the nearest match is offered), or a value has the wrong type or
    range.
    """
    defaults = {item.name: _default(item) for item in dataclasses.fields(kind)}
    also = {item.name: item.metadata.get("also") for item in dataclasses.fields(kind)}
    checked = {}
    for key, value in table_of(values, name).items():
        default = defaults[require_choice(key, defaults, f"key in section [{name}]")]
        if also[key] is tuple and isinstance(value, list | tuple):
            default = (default,)
        checked[key] = _value(f"[{name}] {key}", value, default)
    try:
        return kind(**checked)
    except InputError as error:
        raise InputError(f"[{name}] {error}") from error


def _value(name: str, value: Any, default: Any) -> Any:
    """Return a value in the type of its default, or refuse it."""
    wanted = type(default)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return _as_float(value)
    if wanted is tuple:
        inner = type(default[0]) if default else None
        expected = f"a list of {inner.__name__}" if inner else "a list"
        if not isinstance(value, list | tuple) or (inner and {*map(type, value)} - {inner}):
            raise InputError(f"{name} is {value!r}; expected {expected}.")
        return tuple(value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise InputError(f"{name} is {value!r}; expected a value of type {wanted.__name__}.")
    return value


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default if item.default_factory is dataclasses.MISSING else item.default_factory()


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:  # the section says that infinity is out of range
        return float("inf") if value > 0 else float("-inf")
