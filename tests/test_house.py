"""A room imports only from floors below it, no imports run in a circle, and a name stands for one thing."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import refms

HOUSE = Path(refms.__file__).parent

FLOORS = (
    "lazy errors names seconds environment definition",
    "display",
    "backend grid pages",
    "elementwise parallel sums",
    "stencils linear io",
    "maps checks data",
    "objective",
    "optimize",
    "model",
    "model_file multiscale",
    "run",
    "certify conformance plots strategies",
    "exchange pytest_options",
    "cli",
    "__main__",
)
"""From the ground up: a room is a folder or a file of refms; rooms of one floor do not import one another."""


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name."""
    files = {".".join(("refms", *f.relative_to(HOUSE).with_suffix("").parts)): f for f in HOUSE.rglob("*.py")}
    return {name.removesuffix(".__init__"): file for name, file in files.items()}


MODULES = modules()


def imports(name: str, *, deferred: bool) -> Iterator[str]:
    """Yield the modules of refms that a module imports, with ``deferred`` also those inside its functions."""
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    for node in ast.walk(tree) if deferred else at_import(tree.body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "refms")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "refms":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)


def at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, without those for type checkers."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from at_import(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from at_import([n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)])


def room(name: str) -> str:
    """Return the room of a module: refms.stencils.routes.table stands in stencils."""
    return name.split(".")[1] if "." in name else ""


FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names.split()}


@pytest.mark.parametrize("here", FLOOR_OF)
def test_a_room_imports_only_from_floors_below(here: str) -> None:
    above = {
        f"{name} imports {other}"
        for name in MODULES
        if room(name) == here
        for other in imports(name, deferred=True)
        if room(other) not in ("", here) and FLOOR_OF[room(other)] >= FLOOR_OF[here]
    }
    assert not above


def test_every_room_stands_on_a_floor() -> None:
    assert {room(name) for name in MODULES} - {""} == set(FLOOR_OF)


def test_no_imports_run_in_a_circle() -> None:
    graph = {name: set(imports(name, deferred=False)) - {name} for name in MODULES}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


SHARED = {"Case", "Outcome", "Problem", "Report"}
"""Classes of the kit whose names stand elsewhere, too."""


def test_a_class_has_its_name_alone() -> None:
    trees = (ast.parse(file.read_text("utf-8")) for file in MODULES.values())
    names = Counter(node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef))
    assert {name for name, times in names.items() if times > 1 and not name.startswith("_")} <= SHARED
