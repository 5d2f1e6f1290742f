"""How an object shows itself: one short line where it is printed, a table where a notebook shows it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from types import ModuleType
from typing import Any

from refms.errors import escaped

LONGEST = 300
"""Characters of a line."""

SHORT = 80
"""Characters of a field's value that is shown as it is."""


def short_repr(thing: Any) -> str:
    """Return ``Name(field=value, …)`` without fields at their defaults, arrays as dtype and shape.

    >>> import numpy as np
    >>> from refms.objective import Examples
    >>> Examples(np.zeros((64, 500)), np.ones((10, 500)))
    Examples(inputs=float64 (64, 500), targets=float64 (10, 500))
    """
    shown = [f"{name}={summary(value)}" for name, value in changed_fields(thing).items()]
    return _cut(f"{type(thing).__name__}({', '.join(shown)})", LONGEST)


def changed_fields(thing: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are not at their default."""
    plain = (bool, int, float, str, tuple, type(None))
    return {
        one.name: value
        for one in fields(thing)
        if one.repr
        and (value := getattr(thing, one.name)) is not one.default
        and (one.default is MISSING or not isinstance(value, plain) or value != one.default)
    }


def summary(value: Any) -> str:
    """Return a value in at most some 80 characters.

    >>> summary({"W": __import__("numpy").zeros((64, 10))}), summary(range), summary((1.0,) * 1000)
    ('{W: float64 (64, 10)}', 'range', '1000 of float')
    """
    if isinstance(value, ModuleType) or (callable(value) and hasattr(value, "__name__")):
        return str(value.__name__)
    if hasattr(value, "dtype") and getattr(value, "shape", None):
        return f"{value.dtype} {tuple(value.shape)}"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{name}: {summary(one)}" for name, one in list(value.items())[:SHORT])
        return _cut(f"{{{inside}}}", 2 * SHORT)
    if isinstance(value, tuple | list) and len(value) > SHORT // 4:
        return f"{len(value)} of {type(value[0]).__name__}"
    text = repr(value)
    if len(text) > SHORT and isinstance(value, tuple | list):
        return f"{len(value)} of {type(value[0]).__name__}"
    return f"{type(value).__name__}(…)" if len(text) > SHORT and is_dataclass(value) else _cut(text, SHORT)


def fields_as_html(thing: Any) -> str:
    """Return a dataclass as a table of its fields, the entries of mappings in lines of their own."""
    rows = list[tuple[str, str]]()
    for one in fields(thing):
        value = getattr(thing, one.name)
        inside = value.items() if isinstance(value, Mapping) else ()
        rows += [(f"{one.name}[{name!r}]", summary(entry)) for name, entry in inside]
        rows += [] if isinstance(value, Mapping) else [(one.name, summary(value))]
    return table_as_html(type(thing).__name__, rows)


def table_as_html(caption: str, rows: Iterable[Sequence[object]], head: Sequence[object] = ()) -> str:
    """Return a table, all texts escaped.

    >>> table_as_html("a < b", [(1, "<i>")])
    '<table><caption>a &lt; b</caption><tr><td>1</td><td>&lt;i&gt;</td></tr></table>'
    """

    def row(cells: Sequence[object], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{_safe(cell)}</{tag}>' for cell in cells)}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f"<table><caption>{_safe(caption)}</caption>{row(head, 'th') if head else ''}{body}</table>"


def _safe(text: object) -> str:
    return html.escape(escaped(str(text)))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 2]}…{text[-1]}"
