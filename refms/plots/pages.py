"""An HTML page that needs nothing else: no scripts, no fonts, no links out; texts of others are escaped."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8886; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { overflow-x: auto; font-size: .85rem; }
"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a page may load: its own style, and nothing else."""


def page(title: str, body: Iterable[str], style: str = "", *, pictures: bool = False) -> str:
    """Return an HTML document.

    Parameters
    ----------
    title : str
        Title and first heading; it is escaped.
    body : iterable of str
        Markup below the heading; texts of others in it must have been through :func:`escaped`.
    style : str
        CSS besides what all pages share.
    pictures : bool
        Whether the page may show pictures that it holds itself (``data:`` URLs).

    Returns
    -------
    str
        The document.

    Examples
    --------
    >>> page("a < b", ["<p>Yes.</p>"]).splitlines()[-4:]
    ['<h1>a &lt; b</h1>', '<p>Yes.</p>', '</body>', '</html>']
    """
    policy = POLICY + "; img-src data:" if pictures else POLICY
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escaped(title)}</title>",
        f"<style>{STYLE}{style.lstrip()}</style>",
        "</head>",
        "<body>",
        f"<h1>{escaped(title)}</h1>",
        *body,
    ]
    return "\n".join([*lines, "</body>", "</html>", ""])


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> list[str]:
    """Return a table; all texts are escaped.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : iterable of sequence of str
        As many texts in each as there are columns.
    numbers : sequence of str
        Names of columns that hold numbers, which are set flush right.

    Returns
    -------
    list of str
        Lines of markup.

    Examples
    --------
    >>> table(["method", "loss"], [["<b>", "0.5"]], numbers=["loss"])[-3]
    '<tr><td>&lt;b&gt;</td><td class="number">0.5</td></tr>'
    """
    kinds = [' class="number"' if name in numbers else "" for name in head]
    titles = (f'<th scope="col"{kind}>{escaped(name)}</th>' for name, kind in zip(head, kinds, strict=True))
    lines = ["<table>", f"<thead><tr>{''.join(titles)}</tr></thead>", "<tbody>"]
    for row in rows:
        cells = (f"<td{kind}>{escaped(text)}</td>" for text, kind in zip(row, kinds, strict=True))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return [*lines, "</tbody>", "</table>"]


def escaped(text: str) -> str:
    r"""Return text without markup, and without characters that are invisible or change its direction.

    Parameters
    ----------
    text : str
        Anything; line breaks and tabs become blanks.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> escaped("<b>\u202e")
    '&lt;b&gt;�'
    """
    spaced = text.replace("\n", " ").replace("\t", " ")
    visible = (
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn") else "\ufffd" for c in spaced
    )
    return html.escape("".join(visible))


def escaped_lines(text: str) -> str:
    """Return text in lines without markup, as :func:`escaped` returns one line.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        As many lines as before.
    """
    return "\n".join(map(escaped, text.split("\n")))
