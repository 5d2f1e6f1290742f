"""Pieces of Markdown: tables, numbers with three digits, and where a record comes from."""

from collections.abc import Iterable, Sequence
from typing import Any

import writing

NOTHING = "–"


def words(name: str, **values: object) -> str:
    """Return the words of a section, with an empty line after them."""
    return f"{writing.words(__file__, name, **values)}\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with its end of line."""
    return f"{writing.table(head, rows)}\n"


def digits(value: float, count: int = 3) -> str:
    """Return a number with so many significant digits, without exponent.

    Examples
    --------
    >>> digits(1234.5), digits(12.345), digits(0.012345)
    ('1230', '12.3', '0.0123')
    """
    value = float(f"{value:.{count}g}")
    if value == 0:
        return "0"
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    if whole >= count:
        return f"{value:.0f}"
    if whole:
        return f"{value:.{count - whole}f}"
    return f"{value:.10f}".rstrip("0")


def milliseconds(times: dict[str, Any] | None, clock: str = "cpu") -> str:
    """Return the median of a way in milliseconds."""
    return NOTHING if times is None else digits(1e3 * times[clock][1])


def environment(record: dict[str, Any]) -> str:
    """Return machine, C library and versions in one sentence."""
    versions = ", ".join(f"{package} {version}" for package, version in record["versions"].items())
    settings = record["settings"]
    pages = settings["transparent huge pages"]
    return f"{record['machine']}, {settings['C library']}, transparent huge pages {pages}; {versions}."


def provenance(record: dict[str, Any]) -> str:
    """Return command, date, the revisions that rows come from, and load in one or two sentences."""
    loads = [value for row in record["rows"] for value in row["load"] if value is not None]
    load = f" The load of the machine was {min(loads):.1f} to {max(loads):.1f}." if loads else ""
    quick = " **A quick run for development, not for quotation.**" if record["quick"] else ""
    revisions = sorted({row.get("revision", record["revision"]) for row in record["rows"]}) or [
        record["revision"]
    ]
    made = f"revision{'s' * (len(revisions) > 1)} {', '.join(revisions)}"
    return f"`{record['command']}`, {record['date']}, {made}.{load}{quick}"
