"""The page validation/public/PUBLIC.md from the result of ``judge.py``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from writing import table, words

RESULT = Path(__file__).resolve().parents[2] / "validation" / "public" / "results" / "judged.json"
COLUMNS = ("function", "refms", "ρ, double", "ρ, single", "")


def text() -> str:
    """Return the page."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    rows = result["rows"]
    libraries = list(dict.fromkeys(row["library"] for row in rows))
    return words(
        __file__,
        command=result["command"],
        date=result["date"],
        versions=", ".join(f"{name} {version}" for name, version in result["versions"].items()),
        instances=result["instances"],
        count=len(rows),
        agree=sum(row["outcome"] == "agrees" and row["expected"] for row in rows),
        differ=sum(row["outcome"] == "differs" and row["expected"] for row in rows),
        unexpected=sum(not row["expected"] for row in rows),
        libraries="\n\n".join(_library(name, rows) for name in libraries),
    )


def _library(name: str, rows: list[dict[str, Any]]) -> str:
    """Return a section: the table of a library, and what differs."""
    own = [row for row in rows if row["library"] == name]
    told = [_difference(row) for row in own if row["outcome"] == "differs"]
    return "\n\n".join([f"## {name}", table(COLUMNS, [_row(row) for row in own]), *told])


def _row(row: Mapping[str, Any]) -> list[str]:
    rho = row.get("rho", {})
    outcome = row["outcome"] if row["expected"] else f"**{row['outcome']}, unexpected**"
    return [
        f"`{row['function']}`",
        f"`{row['refms']}`",
        *(_short(rho.get(dtype, "")) for dtype in ("float64", "float32")),
        outcome,
    ]


def _short(rho: float | str) -> str:
    """Return two digits.

    >>> _short(0.327), _short(4.56e13), _short("inf")
    ('0.33', '4.6e+13', 'inf')
    """
    return rho if isinstance(rho, str) else f"{rho:.2g}"


def _difference(row: Mapping[str, Any]) -> str:
    """Return why a row differs, and the smallest input that shows it."""
    head = f"* `{row['function']}` and `{row['refms']}` differ. {row['why']}"
    smallest = row["smallest"]
    if smallest is None:
        return head
    inputs = "; ".join(f"{name}: {told}" for name, told in smallest["inputs"].items())
    theirs, ours = _told(smallest["theirs"]), _told(smallest["ours"])
    return f"{head} Smallest input found: {inputs} → {theirs}, refms {ours}."


def _told(number: float | str) -> str:
    return number if isinstance(number, str) else f"{number:.10g}"
