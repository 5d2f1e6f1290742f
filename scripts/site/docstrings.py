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
    things = {name: thing_named(name) for name in described}
    pages = {id(thing): described[name] for name, thing in things.items() if not isinstance(thing, int | str)}

    def hook(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
        owner = name.rpartition(".")[0] if what in ("method", "property", "attribute") else name
        holder = thing_named(owner)

        def replace(match: re.Match[str]) -> str:
            target = match[1]
            if isinstance(holder, type) and hasattr(holder, target):
                return f":obj:`{target} <{owner}.{target}>`"
            try:
                thing = _meant(target, holder, owner)
            except (AttributeError, ImportError):
                return match[0]
            page = pages.get(id(thing))
            short = target.rpartition(".")[2] if match[0].count("~") else target
            return f":obj:`{short} <{page}>`" if page else f"``{short}``"

        lines[:] = [
            line if line.lstrip().startswith((">>>", "...")) else as_formulas(ROLE.sub(replace, line))
            for line in lines
        ]

    return hook


def thing_named(name: str) -> Any:
    """Return what a dotted name stands for."""
    words = name.split(".")
    for end in range(len(words), 0, -1):
        try:
            module = import_module(".".join(words[:end]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, words[end:], module)
    raise ImportError(name)


def _meant(target: str, holder: Any, owner: str) -> Any:
    """Return what a docstring means by a name: what its module has, or its package, or all the world."""
    module = sys.modules[getattr(holder, "__module__", "refms")]
    if hasattr(module, target.partition(".")[0]):
        return reduce(getattr, target.split("."), module)
    return thing_named(target if target.startswith("refms.") else f"{owner.rpartition('.')[0]}.{target}")
