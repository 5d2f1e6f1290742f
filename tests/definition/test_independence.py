"""The definition shares nothing with the rest of refms, and no rounded constant spoils a ball."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import refms.definition

FILES = sorted(Path(refms.definition.__file__).parent.glob("*.py"))
OUTSIDE = {
    "__future__",
    "collections",
    "dataclasses",
    "fractions",
    "functools",
    "itertools",
    "math",
    "typing",
    "numpy",
}
NOT_DYADIC = {"activation", "complex_step"}
"""Slope and width of two activations, and the length of a complex step."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_definition_imports_only_itself_and_numpy(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module]
        else:
            continue
        assert all(name.startswith("refms.definition") or name.split(".")[0] in OUTSIDE for name in names)


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem not in NOT_DYADIC], ids=lambda path: path.stem
)
def test_every_constant_is_an_exact_double(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            assert (64 * node.value).is_integer()
