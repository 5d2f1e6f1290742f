"""Changes of what JSON and TOML say: the text is parsed, changed in its values and written again."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from fuzzing.value_mutations import change_value

Plainly = Callable[[bytes, int], bytes]
"""The fuzzer's own mutation: input, largest size -> changed input."""


def mutated_json(data: bytes, seed: int, most: int, plainly: Plainly) -> bytes:
    """Return JSON with other values, or with some of its bytes changed."""
    return _mutated(json.loads, json.dumps, data, seed, most, plainly)


def mutated_toml(data: bytes, seed: int, most: int, plainly: Plainly) -> bytes:
    """Return TOML with other values, or with some of its bytes changed."""
    return _mutated(tomllib.loads, toml, data, seed, most, plainly)


def toml(table: Mapping[str, Any]) -> str:
    r"""Return a table as TOML: what is nested twice in one line.

    Examples
    --------
    >>> toml({"a": {"b": [1, True], "c": {"d": "e"}}})
    '["a"]\n"b" = [1, true]\n"c" = {"d" = "e"}\n'
    """
    lines = []
    for name, value in sorted(table.items(), key=lambda item: isinstance(item[1], dict)):
        if isinstance(value, dict):
            lines += [
                f"[{json.dumps(name)}]",
                *(f"{json.dumps(key)} = {_inline(v)}" for key, v in value.items()),
            ]
        else:
            lines.append(f"{json.dumps(name)} = {_inline(value)}")
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return repr(value) if isinstance(value, float) else json.dumps(value, default=str)


def _mutated(
    read: Callable[[str], Any],
    write: Callable[[Any], str],
    data: bytes,
    seed: int,
    most: int,
    plainly: Plainly,
) -> bytes:
    dice = random.Random(seed)
    if dice.random() < 0.4:
        return plainly(data, most)
    try:
        value = read(data.decode())
    except (ValueError, RecursionError):
        return plainly(data, most)
    for _ in range(dice.choice((1, 1, 2, 4))):
        change_value(value, dice)
    return write(value).encode()[:most]
