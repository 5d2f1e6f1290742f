"""JSON as RFC 8259 has it, read: no NaN, no infinity, no name twice in one object."""

from __future__ import annotations

import json
import math
import os
from typing import Any, NoReturn

from refms.errors import FileError, presentable
from refms.io.files import read_whole


def read_json(path: str | os.PathLike[str], longest: int, what: str) -> Any:
    """Return what a JSON file of at most ``longest`` bytes holds, or raise FileError."""
    text = read_whole(path, longest, what)
    try:
        return parse_json(text)
    except (ValueError, RecursionError) as error:  # of the JSON, its encoding or its depth
        raise FileError(f"{os.fspath(path)!r} is not valid JSON: {presentable(str(error), 300)}.") from error


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text holds; ValueError for what is no JSON, RecursionError for what is too deep.

    Of a name that stands twice other readers take the first or the last, so that a text could say two things.

    >>> parse_json('{"rho": 0.5}')
    {'rho': 0.5}
    """
    return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_finite)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name!r} stands twice in one object")
        found[name] = value
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large for a number of 64 bits")
    return number
