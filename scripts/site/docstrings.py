"""Docstrings as Sphinx reads them: names that they mention are looked up, and formulas stay formulas."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from functools import reduce
from importlib import import_module
from typing import Any

ROLE = re.compile(r":(?:func|class|meth|mod|data|attr):`~?([\w.]+)`")
LITERAL = re.compile(r"(``.*?``|:\w+:`.*?`)")
STAR = re.compile(r"(?<![\w*\\])\*(?=\w)(?![^*]*\w\*)|(?<=\w)\*(?=\w)")


def as_formulas(line: str) -> str:
    r"""Return a line in which bars and lone stars stand for themselves: \|λ\|, (c_out, c_in, \*stencil)."""
    pieces = LITERAL.split(line)
    pieces[::2] = [STAR.sub(r"\*", piece).replace("|", r"\|") for piece in pieces[::2]]
    return "".join(pieces)


def looked_up(described: Mapping[str, str]) -> Callable[..., None]:
    """Return the hook that makes links of roles to public names, and code of those to others that exist.

    ``described`` names each public name's page. What is not found is left to Sphinx, which complains.
    """
    pages = {id(_thing(name)): page for name, page in described.items()}

    def hook(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
        owner = name.rpartition(".")[0] if what in ("method", "property", "attribute") else name
        holder = _thing(owner)

        def replace(match: re.Match[str]) -> str:
            target = match[1]
            if isinstance(holder, type) and hasattr(holder, target):
                return f":obj:`{target} <{owner}.{target}>`"
            try:
                thing = _thing(target) if target.startswith("refms.") else _near(holder, target)
            except (AttributeError, ImportError):
                return match[0]
            page = pages.get(id(thing))
            short = target.rpartition(".")[2] if match[0].count("~") else target
            return f":obj:`{short} <{page}>`" if page else f"``{short}``"

        lines[:] = [line if ">>>" in line else as_formulas(ROLE.sub(replace, line)) for line in lines]

    return hook


def _thing(name: str) -> Any:
    """Return what a dotted name stands for."""
    words = name.split(".")
    for end in range(len(words), 0, -1):
        try:
            module = import_module(".".join(words[:end]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, words[end:], module)
    raise ImportError(name)


def _near(holder: Any, target: str) -> Any:
    """Return what a name stands for in the module of a function or class."""
    return reduce(getattr, target.split("."), sys.modules[holder.__module__])
