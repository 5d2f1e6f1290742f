"""Arrays as short Python text: lists of small numbers, or zeros and the few entries that are not."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from refms.errors import Array, presentable

WIDTH = 100
"""Longest line of a script."""

MOST_NUMBERS = 250
"""Most numbers that are written out for one array."""

LONGEST = 10_000
"""Most characters of a comment."""

_FEW, _SMALL = 8, 24
"""From so many entries on zeros are written as such, if so few are not zero."""


class TooLong(Exception):  # noqa: N818 - no error: the script says it in another way
    """An array has more entries than anyone would paste."""


def number(value: Any) -> str:
    """Return one number as short text that gives exactly this number back.

    >>> number(1.0), number(np.float32(0.1)), number(-np.inf)
    ('1', '0.1', '-np.inf')
    """
    exact = float(value)
    if not np.isfinite(exact):
        return "np.nan" if exact != exact else "np.inf" if exact > 0 else "-np.inf"
    if exact == int(exact) and abs(exact) < 1e6 and (exact != 0 or not np.signbit(exact)):
        return str(int(exact))
    return str(np.asarray(value)[()])


def statements(name: str, value: Any) -> list[str]:
    """Return the lines that make a variable hold an array, a mapping of arrays, or what has a repr.

    :class:`TooLong` is raised if an array has too many entries to be written out.

    >>> statements("S", np.array([[[0.0, 0.0, 1.0]]]))
    ['S = np.array([[[0, 0, 1]]], "float64")']
    >>> statements("Y", np.eye(8)[:, :4])[:2]
    ['Y = np.zeros((8, 4), "float64")', 'Y[0, 0] = 1']
    """
    if isinstance(value, Mapping):
        lines = [f"{name} = {{}}"]
        for key in value:
            lines += statements(f'{name}["{key}"]', value[key])
        return lines
    if not isinstance(value, np.ndarray):
        return _wrap(f"{name} = {value!r}")
    shape, dtype = value.shape, f'"{value.dtype}"'
    entries = np.argwhere((value != 0) | np.signbit(value))
    if len(entries) == 0 and value.size > 1:
        return [f"{name} = np.zeros({shape}, {dtype})"]
    if value.size > _SMALL and len(entries) <= _FEW:
        places = [", ".join(map(str, at)) for at in entries.tolist()]
        values = [number(value[tuple(at)]) for at in entries]
        filled = [f"{name}[{place}] = {text}" for place, text in zip(places, values, strict=True)]
        return [f"{name} = np.zeros({shape}, {dtype})", *filled]
    if value.size > MOST_NUMBERS:
        raise TooLong(f"{name} has {value.size} entries")
    return _wrap(f"{name} = np.array({_nested(value)}, {dtype})")


def comment(text: str) -> list[str]:
    """Return text from anywhere as lines that begin with ``#``; it cannot leave them, whatever is in it."""
    line = presentable(" ".join(text.split()), LONGEST)
    return textwrap.wrap(line, WIDTH, initial_indent="# ", subsequent_indent="#   ") or ["#"]


def _nested(array: Array) -> str:
    if array.ndim == 0:
        return number(array[()])
    return f"[{', '.join(_nested(part) for part in array)}]"


def _wrap(line: str) -> list[str]:
    """Return a line broken at blanks inside its brackets."""
    return textwrap.wrap(
        line, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
