"""The pages of the reference: every public name once, under the first package that exports it."""

from __future__ import annotations

import ast
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from docstrings import as_formulas

import refms

PACKAGES = (
    "refms",
    "refms.stencils",
    "refms.maps",
    "refms.objective",
    "refms.objective.losses",
    "refms.objective.preconditioners",
    "refms.linear",
    "refms.optimize",
    "refms.multiscale",
    "refms.run",
    "refms.run.config",
    "refms.data",
    "refms.io",
    "refms.plots",
    "refms.checks",
    "refms.conformance",
    "refms.conformance.mutants",
    "refms.conformance.reproduction",
    "refms.strategies",
)
"""In the order in which a reader needs them."""


def homes() -> dict[str, str]:
    """Return where each public name is described: ``refms.maps.Residual`` under ``refms.Residual``."""
    first: dict[int, str] = {}
    return {
        name: first.setdefault(id(thing), name) if has_page(thing) else name
        for package in PACKAGES
        for name, thing in exported(package).items()
    }


def classes() -> dict[str, str]:
    """Return where each public class is described, by its short name if no other class has it."""
    things = {
        home: thing for one in PACKAGES for home, thing in exported(one).items() if isinstance(thing, type)
    }
    found = {home for home in homes().values() if home in things}
    times = Counter(home.rpartition(".")[2] for home in found)
    return {short: home for home in found if times[short := home.rpartition(".")[2]] == 1}


def exported(package: str) -> dict[str, Any]:
    """Return what a package exports, by full names."""
    module = import_module(package)
    return {f"{package}.{name}": getattr(module, name) for name in module.__all__}


def has_page(thing: Any) -> bool:
    """Say whether something has a page of its own; constants and types of arguments have a paragraph."""
    return isinstance(thing, FunctionType | type)


def pages() -> dict[str, str]:
    """Return the text of each page by its file."""
    described = homes()
    entries = "".join(f"   {package}\n" for package in PACKAGES)
    said = "".join(f"* :doc:`{package}`: {_first_line(package)}\n" for package in PACKAGES)
    index = f"{_title('Reference')}{said}\n.. toctree::\n   :hidden:\n\n{entries}"
    return {"api/index.rst": index} | {f"api/{one}.rst": _page(one, described) for one in PACKAGES}


def _page(package: str, described: dict[str, str]) -> str:
    module, things = import_module(package), exported(package)
    text = f"{_title(package)}{_first_line(package)}\n\n"
    for title, names in _groups(package).items():
        own = [name for name in names if described[name] == name]
        text += f".. rubric:: {title}\n\n" if title else ""
        text += _table([name for name in own if has_page(things[name])])
        text += "".join(_constant(name, module) for name in own if not has_page(things[name]))
        text += _elsewhere([described[name] for name in names if described[name] != name])
    return text


def _first_line(package: str) -> str:
    return (import_module(package).__doc__ or "").partition("\n")[0]


def _groups(package: str) -> dict[str, list[str]]:
    """Return the names of a package by titles: those of refms as its help has them."""
    if package == "refms":
        return {
            title: [f"refms.{name}" for names in files.values() for name in names]
            for title, files in refms._NAMES.items()
        }
    return {"": list(exported(package))}


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n\n"


def _table(names: list[str]) -> str:
    entries = "".join(f"   ~{name}\n" for name in names)
    return f".. autosummary::\n   :toctree: names\n   :nosignatures:\n\n{entries}\n" if names else ""


def _elsewhere(names: list[str]) -> str:
    return f"Also here: {', '.join(f':obj:`{name}`' for name in names)}.\n\n" if names else ""


def _constant(name: str, package: ModuleType) -> str:
    """Return the entry of what is neither function nor class, with the text below its assignment."""
    short = name.rpartition(".")[2]
    return f".. py:data:: {name}\n\n   {as_formulas(_words_below(short, package))}\n\n"


def _words_below(name: str, module: ModuleType) -> str:
    """Return the docstring below the assignment of a name, where the module or one it imports from has it."""
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    for node, below in zip(tree.body, [*tree.body[1:], None], strict=True):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            said = below.value if isinstance(below, ast.Expr) else None
            return str(said.value) if isinstance(said, ast.Constant) else ""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            return _words_below(name, import_module(str(node.module)))
    return ""
