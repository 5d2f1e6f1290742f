"""Configurations to begin with: every key at its default, below what its docstring says of it."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

_WIDTH = 100


def template(sections: Mapping[str, Any], headline: str) -> str:
    """Return sections, frozen dataclasses by the names of their tables, as TOML with comments.

    >>> from refms.run.config import ClassifierSection
    >>> print(template({"classifier": ClassifierSection()}, "Mine.").splitlines()[0])
    # Mine.
    """
    lines = [f"# {headline}"]
    for name, section in sections.items():
        lines += ["", *_table(name, section)]
    return "\n".join(lines) + "\n"


def _table(name: str, section: Any) -> Iterator[str]:
    """Yield the lines of a table; a mapping becomes a table of its own after the keys."""
    summary, told = _documented(type(section))
    yield from _comment(re.sub(r"^\[[\w.-]+\]: (.)", lambda match: match[1].upper(), summary))
    yield f"[{name}]"
    tables, before = dict[str, str](), ""
    for item in fields(section):
        value, why = getattr(section, item.name), told.get(item.name, "")
        shown, before = why if why != before else "", why  # keys that share a line of the docstring
        if isinstance(value, Mapping):
            tables[item.name] = shown
        else:
            yield from _comment(shown)
            yield f"{item.name} = {_toml(value)}"
    for key, shown in tables.items():
        yield ""
        yield from _comment(shown)
        yield f"[{name}.{key}]"
        yield from (f"{_key(one)} = {_toml(value)}" for one, value in getattr(section, key).items())


def _documented(kind: type) -> tuple[str, dict[str, str]]:
    """Return the first paragraph of a class's docstring, and what Parameters, those of its base too, say."""
    text = inspect.cleandoc(kind.__doc__ or "")
    before, _, parameters = text.partition("\nParameters\n----------\n")
    told = {} if kind is object else _documented(kind.__base__ or object)[1]
    names: list[str] = []
    for line in re.split(r"\n\n\w+\n---+\n", parameters)[0].splitlines():
        if line.startswith(" "):
            told |= {name: f"{told.get(name, '')} {line.strip()}".strip() for name in names}
        elif line:
            names = [name.strip() for name in line.partition(" : ")[0].split(",")]
    return before.partition("\n\n")[0].replace("\n", " "), told


def _comment(text: str) -> list[str]:
    """Return text without the marks of its docstring, as lines of comment."""
    plain = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"\1", text).replace("``", "")
    return [f"# {line}" for line in textwrap.wrap(plain, _WIDTH)]


def _key(name: str) -> str:
    """Return a key as TOML has it, in quotes where it must be."""
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)


def _toml(value: Any) -> str:
    """Return a value as TOML has it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)
