"""The definition shares nothing with the rest of refms, and no rounded constant spoils a ball."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import refms.definition

FILES = sorted(Path(refms.definition.__file__).parent.glob("*.py"))
NOT_DYADIC = {"activation", "complex_step", "minimization"}
"""Slope and width of two activations, the length of a complex step, and the constant of Armijo's rule."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_definition_imports_only_itself_and_numpy_and_its_constants_are_exact_doubles(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        outside = {name.split(".")[0] for name in names if not name.startswith("refms.definition")}
        assert outside <= {"numpy", *sys.stdlib_module_names}
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and path.stem not in NOT_DYADIC:
            assert (64 * node.value).is_integer()
