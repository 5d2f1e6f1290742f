"""Sections as frozen dataclasses: unknown keys and wrong types are refused."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Container, Mapping
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
    checked = fields_of(kind, name, values)
    try:
        return kind(**checked)
    except InputError as error:
        raise InputError(f"[{name}] {error}") from error


def fields_of(kind: Any, name: str, values: Any, but: Container[str] = ()) -> dict[str, Any]:
    """Return what a table says of a dataclass' fields, each in the type of its default, if it has one."""
    known = {item.name: item for item in dataclasses.fields(kind) if item.name not in but}
    checked = {}
    for key, value in table_of(values, name).items():
        item = known[require_choice(key, known, f"key in section [{name}]")]
        default = _default(item)
        if item.metadata.get("also") is tuple and isinstance(value, list | tuple):
            default = (default,)
        checked[key] = value if default is None else _value(f"[{name}] {key}", value, default)
    return checked


def finite_fields(kind: Any, name: str, values: Any, but: Container[str] = ()) -> dict[str, Any]:
    """Return :func:`fields_of` of a class that does not look at its numbers, which have to be finite."""
    found = fields_of(kind, name, values, but)
    for key, value in found.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"[{name}] {key} is {value}; expected a finite number.")
    return found


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


def has_no_default(item: dataclasses.Field[Any]) -> bool:
    """Return whether a field has to be given."""
    return item.default is item.default_factory is dataclasses.MISSING


def _default(item: dataclasses.Field[Any]) -> Any:
    """Return the default of a field, None where there is none."""
    if item.default_factory is not dataclasses.MISSING:
        return item.default_factory()
    return None if has_no_default(item) else item.default


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:  # the section says that infinity is out of range
        return float("inf") if value > 0 else float("-inf")
