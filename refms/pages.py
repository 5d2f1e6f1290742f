"""HTML pages that need nothing else: no scripts, no fonts, no links out; texts of others are escaped.

The templates lie in the folder templates beside this file; ``page.html`` is what all pages share.
"""

from __future__ import annotations

import sys
from typing import Any

from refms.errors import InputError, presentable

try:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup, escape
except ImportError as error:
    raise InputError(
        f"pages are made by Jinja2, which cannot be imported ({error}). Install it with "
        "pip install 'refms[plot]'."
    ) from error


def render(template: str, **values: Any) -> str:
    """Return the page that a template makes of values; every text among them is escaped.

    Examples
    --------
    >>> render("page.html", title="a < b").splitlines()[-4:]
    ['<body>', '<h1>a &lt; b</h1>', '</body>', '</html>']
    """
    return _ENVIRONMENT.get_template(template).render(values)


def _visible(value: Any) -> Any:
    r"""Return text on one line, without characters that are invisible or change its direction.

    >>> print(_visible("a\tb\u202e"))
    a b\u202e
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return presentable(value.replace("\n", " ").replace("\t", " "), sys.maxsize)


def _lines(text: str) -> Markup:
    """Return text in as many lines as before, each as :func:`_visible` returns one."""
    return Markup("\n").join(escape(_visible(line)) for line in text.split("\n"))


_ENVIRONMENT = Environment(
    loader=PackageLoader("refms", "templates"),
    autoescape=True,
    finalize=_visible,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters["lines"] = _lines
