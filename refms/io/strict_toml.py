"""TOML that is looked at before it is parsed: a parser takes the square of the length of dotted keys."""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any

from refms.errors import FileError
from refms.io.files import read_whole

LONGEST_FILE = 2**20
"""Bytes that a file may have."""

DEEPEST = 32
"""How many brackets may lie within each other."""

MOST_PARTS = 8
"""How many parts a dotted key may have."""

_TEXTS = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\Z)' r"|'''.*?(?:'''|\Z)" r'|"(?:\\.|[^"\\\n])*"?' r"|'[^'\n]*'?|#[^\n]*",
    re.DOTALL,
)
_DOTTED = re.compile(rf"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){{{MOST_PARTS}}}")


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a TOML file says; FileError if it cannot be read, is too long or nested, or is no TOML."""
    data, name = read_whole(path, LONGEST_FILE, "sections of plain keys"), repr(os.fspath(path))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{name} is not valid TOML: it holds bytes that are no text.") from error
    return parse_toml(text, name)


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Return what a TOML text says; FileError, with its name, if it is too long or nested, or no TOML."""
    plain = _TEXTS.sub("x", text)
    if _DOTTED.search(plain):
        raise FileError(f"{name} has a key of more than {MOST_PARTS} parts; expected sections of plain keys.")
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", plain):
        depth = max(depth + (1 if bracket in "[{" else -1), 0)
        if depth > DEEPEST:
            raise FileError(f"{name} is nested too deeply; expected sections of plain keys.")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also of a number with thousands of digits
        raise FileError(f"{name} is not valid TOML: {error}.") from error


def parse_value(text: str, name: str) -> Any:
    """Return what TOML says a value is; a text that is none, such as a plain word, as it is.

    >>> parse_value("[8, 4]", "widths"), parse_value("zero", "boundary")
    ([8, 4], 'zero')
    """
    try:
        said = parse_toml(f"value = {text}", name)
    except FileError:
        return text
    return said["value"] if set(said) == {"value"} else text
