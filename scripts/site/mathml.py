"""Formulas as MathML, which browsers show by themselves: nothing is fetched, now or by the reader."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging


def add_to(app: Any) -> None:
    """Make MathML the way in which pages show formulas."""
    inline, block = (partial(write, block=block) for block in (False, True))
    app.add_html_math_renderer("mathml", (inline, None), (block, None))


def write(writer: Any, node: Any, *, block: bool) -> None:
    """Write a formula; what is no formula is a warning."""
    try:
        formula = tex2mathml(as_converted(node.astext()), as_block=block)
        writer.body.append(f'<div class="formula">{formula}</div>' if block else formula)
    except MathError as error:
        logging.getLogger(__name__).warning("%s in the formula %s", error, node.astext(), location=node)
    raise nodes.SkipNode


def as_converted(tex: str) -> str:
    r"""Return TeX without what the converter does not know.

    \frac12 has two arguments, \tag a number, and the index of \dot y_k stands beside the y, not below it.
    """
    tex = re.sub(r"\\(dot|hat|bar|tilde)\s*(\w|\{[^{}]*\}|\\[a-z]+)", r"{\\\1 \2{}}", tex)
    tex = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", tex)
    return re.sub(r"\\tag\{(.*?)\}", r"\\qquad\\text{(\1)}", tex)
