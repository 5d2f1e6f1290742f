"""`refms conform run --scripts --details`: files, what is refused, what is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from refms.cli import main as program
from refms.cli.conform.scripts import MOST_LINES
from refms.conformance.reproduction import MARK

THEIRS = """
from refms.conformance.mutants import mutant_named
from refms.conformance.adapters.reference import ReferenceAdapter

def Summing(dtype):
    return mutant_named("R sums where it should average").around(ReferenceAdapter(dtype=dtype))

def Steep(dtype):
    return mutant_named("gradient too large by 0.1 %").around(ReferenceAdapter(dtype=dtype))

def Right(dtype):
    return ReferenceAdapter(dtype=dtype)
"""


@pytest.fixture
def conform(tmp_path, monkeypatch, capsys):
    """Run `conform run` in a folder with adapters."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs.py").write_text(THEIRS, encoding="utf-8")

    def run(adapter, *words):
        code = program.main(["conform", "run", f"theirs.py:{adapter}", *words])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_every_failing_property_has_a_file_that_ends_with_1(conform, tmp_path):
    code, printed = conform("Summing", "--only", "T1,D1", "--scripts", "out", "--json", "r.json")
    assert code == 1
    assert "scripts: 2 in out, such as T1-float64.py\n" in printed
    assert printed.splitlines()[-1].startswith("FAIL")
    assert sorted(os.listdir("out")) == ["T1-float32.py", "T1-float64.py"]
    script = (tmp_path / "out" / "T1-float64.py").read_text(encoding="utf-8")
    assert script.startswith(MARK)
    assert f"This shows that T1 fails in float64:\n\n{script}" in printed
    rows = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["reports"][0]["rows"]
    assert next(one for one in rows if one["id"] == "T1")["reproduction"] == script
    ran = subprocess.run(
        [sys.executable, "out/T1-float64.py"],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "first differing index (0, 0): got 1.0, expected 0.5\n" in ran.stdout


def test_scripts_of_an_earlier_run_are_replaced_by_force_alone_and_those_out_of_date_go(conform):
    conform("Summing", "--only", "T1", "--dtype", "float64", "--scripts", "out")
    assert os.listdir("out") == ["T1-float64.py"]
    words = ("Right", "--only", "T1", "--dtype", "float64", "--scripts", "out")
    code, printed = conform(*words)
    assert code == 2
    assert "'out' holds 'T1-float64.py' of an earlier run; choose another folder, or --force" in printed
    assert os.listdir("out") == ["T1-float64.py"]
    code, printed = conform(*words, "--force")
    assert code == 0
    assert "scripts: 0 in out\n" in printed
    assert os.listdir("out") == []


@pytest.mark.parametrize("what", ["other.txt", "other.py", "link.py", "folder.py"])
def test_a_folder_with_anything_else_is_refused_before_the_run(conform, tmp_path, what):
    out = tmp_path / "out"
    out.mkdir()
    if what == "folder.py":
        (out / what).mkdir()
    elif what == "link.py":
        (tmp_path / "script.py").write_text(MARK, encoding="utf-8")
        (out / what).symlink_to(tmp_path / "script.py")
    else:
        (out / what).write_text("print('mine')\n", encoding="utf-8")
    code, printed = conform("Summing", "--only", "T1", "--scripts", "out")
    assert code == 2
    assert printed.startswith("refms: ")
    assert f"'out' holds '{what}', which is no script of an earlier run" in printed
    assert os.listdir(out) == [what]


@pytest.mark.parametrize(
    ("path", "sentence"), [("theirs.py", "is no folder"), ("no/where", "does not exist")]
)
def test_what_cannot_be_a_folder_is_refused(conform, path, sentence):
    code, printed = conform("Summing", "--only", "T1", "--scripts", path)
    assert code == 2
    assert printed.count("\n") == 1
    assert sentence in printed


def test_a_full_disk_is_said_in_a_sentence(conform, full_disk):
    code, printed = conform("Summing", "--only", "T1", "--dtype", "float64", "--scripts", "out")
    assert code == 2
    assert "the disk is full" in printed
    assert not os.path.exists("out")


def test_a_long_script_is_not_printed_but_written(conform):
    code, printed = conform("Steep", "--only", "O1", "--dtype", "float64", "--scripts", "out")
    assert code == 1
    with open("out/O1-float64.py", encoding="utf-8") as file:
        count = len(file.read().splitlines())
    assert count > MOST_LINES
    assert "This shows" not in printed
    assert f"A script of {count} lines shows that O1 fails in float64; --scripts DIR writes it.\n" in printed
    assert "2^-23" in printed  # the table, because it fails


def test_tables_of_what_passes_are_shown_if_asked_for(conform):
    assert "slope" in conform("Right", "--only", "D2", "--dtype", "float64", "--details")[1]


def test_what_was_expected_to_fail_is_not_printed_but_written(conform, tmp_path):
    (tmp_path / "x.toml").write_text("[xfails]\n'T1-*-float64' = 'it sums'\n", encoding="utf-8")
    code, printed = conform(
        "Summing", "--only", "T1,D1", "--dtype", "float64", "--xfails", "x.toml", "--scripts", "out"
    )
    assert code == 0, printed
    assert "This shows" not in printed
    assert os.listdir("out") == ["T1-float64.py"]
