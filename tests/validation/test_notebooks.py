"""The notebooks run, assert what they claim, and are written in the percent format."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "validation" / "notebooks").glob("*.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_a_notebook_runs_and_its_assertions_hold(notebook):
    command = [sys.executable, "-W", "error", str(notebook)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=1800)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_a_notebook_explains_and_checks(notebook):
    cells = re.split(r"^# %%", notebook.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    explained = [cell for cell in cells if cell.startswith(" [markdown]\n")]
    code = [cell for cell in cells if cell.startswith("\n")]
    assert cells[0].startswith(" [markdown]\n# # ")
    assert len(explained) + len(code) == len(cells)
    for cell in explained:
        assert all(line.startswith("#") for line in cell.rstrip().split("\n")[1:])
    # all but the imports and the set-up claim something
    assert sum("assert" in cell for cell in code) >= len(code) - 3
    assert re.search(r"eqs?\. \(\d\)", "".join(explained))


def test_there_are_two_notebooks():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02"]
