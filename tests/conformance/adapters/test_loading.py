"""An adapter in a file finds what lies beside it, and where it raises its own line is shown."""

from __future__ import annotations

import html
import json

import pytest

from refms.cli import main as program

ADAPTER = """
from beside_it import ones_like
from refms.conformance import Adapter, Profile

class Mine(Adapter):
    def __init__(self, dtype="float64"):
        super().__init__(Profile("mine", dtype))

    def depth_prolong(self, Theta, layers):
        import found_later
        return found_later.deepen(ones_like(Theta), layers)
"""
BESIDE = """
from numpy import ones_like
"""
LATER = """
import numpy as np

def deepen(Theta, layers):
    return np.linalg.solve(Theta, np.ones(77))
"""


@pytest.fixture
def there(tmp_path, monkeypatch):
    for name, text in (("mine", ADAPTER), ("beside_it", BESIDE), ("found_later", LATER)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def test_what_lies_beside_an_adapter_is_found_and_its_last_line_shown_in_every_report(there, capsys):
    files = {name: there / f"report.{name}" for name in ("json", "html")}
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    run = "conform", "run", "../mine.py:Mine", "--only", "D1", "--dtype", "float64"
    program.main([*run, *options])
    line = f"({there}/found_later.py:5: return np.linalg.solve(Theta, np.ones(77)))"
    rows = json.loads(files["json"].read_text("utf-8"))["reports"][0]["rows"]
    assert line in next(row["sentence"] for row in rows if row["id"] == "D1")
    assert line in html.unescape(files["html"].read_text("utf-8"))
    assert line in capsys.readouterr().out


def test_a_file_in_the_folder_of_the_run_is_named_from_there(there, capsys, monkeypatch):
    monkeypatch.chdir(there)
    program.main(["conform", "run", "mine.py:Mine", "--only", "D1", "--dtype", "float64"])
    assert "(found_later.py:5: return np.linalg" in capsys.readouterr().out


def test_the_line_that_imports_what_is_missing_is_shown(tmp_path, capsys):
    (tmp_path / "mine.py").write_text("import json\nimport no_such_module\n", encoding="utf-8")
    assert program.main(["conform", "probe", f"{tmp_path}/mine.py:Mine"]) == 2
    said = capsys.readouterr().err
    assert f"No module named 'no_such_module' ({tmp_path}/mine.py:2: import no_such_module)" in said


def test_the_line_of_an_installed_package_is_shown(there, capsys, monkeypatch):
    package = there / "site-packages" / "theirs"
    package.mkdir(parents=True)
    own = ADAPTER.replace("from b", "from theirs.b").replace("import found", "from theirs import found")
    for name, text in (("__init__", own), ("beside_it", BESIDE), ("found_later", LATER)):
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(package.parent)
    program.main(["conform", "run", "theirs:Mine", "--only", "D1", "--dtype", "float64"])
    assert f"({package}/found_later.py:5: return np.linalg" in capsys.readouterr().out
