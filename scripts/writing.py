"""What pages are made of: words from Markdown files with values in them, and tables."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def words(module: str, name: str = "", **values: object) -> str:
    """Return the Markdown file beside a module, of its name or another, with values in place of {names}."""
    path = Path(module).with_suffix(".md")
    text = (path.with_name(f"{name}.md") if name else path).read_text(encoding="utf-8")
    return text.format(**values) if values else text


def table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, without an end of line.

    Examples
    --------
    >>> print(table(["", "b"], [["1", "2"]]))
    | | b |
    |---|---|
    | 1 | 2 |
    """
    cells = list(head)
    top = "|".join(f" {cell} " if cell else " " for cell in cells)
    return "\n".join([f"|{top}|", "|---" * len(cells) + "|", *(f"| {' | '.join(row)} |" for row in rows)])
