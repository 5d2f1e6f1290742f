"""The formulas share nothing with the rest of refms, and NumPy does no arithmetic for them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import refms.certify.formulas

FOLDER = Path(refms.certify.formulas.__file__).parent
PLAIN = {"__future__", "collections.abc", "dataclasses", "fractions", "itertools", "math", "typing", "numpy"}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_formulas_import_only_each_other(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module)
    assert not {name for name in imported - PLAIN if not name.startswith("refms.certify.formulas")}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_numpy_is_a_container_only_and_there_are_no_floats(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np":
            assert node.attr == "empty"
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float))
        assert not (isinstance(node, ast.Name) and node.id == "float")
