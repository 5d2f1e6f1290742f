"""JSON as RFC 8259 has it, read: no NaN, no infinity, no name twice in one object; and nothing endless."""

from __future__ import annotations

import json
import math
import os
from typing import Any, NoReturn

from refms.errors import FileError, presentable
from refms.io.files import read_whole

DEEPEST = 64
"""How many lists and objects may lie within each other."""

LARGEST = 2**1023
"""Bound on whole numbers, so that each has a float."""


def read_json(path: str | os.PathLike[str], longest: int, what: str) -> Any:
    """Return what a JSON file of at most ``longest`` bytes holds, or raise FileError."""
    text = read_whole(path, longest, what)
    try:
        return parse_json(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FileError(f"{os.fspath(path)!r} is not valid JSON: it holds bytes that are no text.") from error
    except (ValueError, RecursionError) as error:  # of the JSON or its depth
        raise FileError(f"{os.fspath(path)!r} is not valid JSON: {presentable(str(error), 300)}.") from error


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text holds; ValueError for what is no JSON, RecursionError for what is too deep.

    Of a name that stands twice other readers take the first or the last, so that a text could say two things.

    >>> parse_json('{"rho": 0.5}')
    {'rho': 0.5}
    """
    numbers: dict[str, Any] = {"parse_constant": _refuse, "parse_float": _finite, "parse_int": _whole}
    found = json.loads(text, object_pairs_hook=_object, **numbers)
    require_shallow(found)
    return found


def require_shallow(value: Any) -> None:
    """Raise ValueError for lists and objects within each other, more than :data:`DEEPEST`."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _parts(outer) if isinstance(inner, dict | list)]
    if level:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels")


def _parts(outer: Any) -> Any:
    return outer.values() if isinstance(outer, dict) else outer


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name!r} stands twice in one object")
        found[name] = value
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _whole(digits: str) -> int:
    number = int(digits)
    if abs(number) > LARGEST:
        raise ValueError(f"a number of {len(digits)} digits is too large")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large for a number of 64 bits")
    return number
