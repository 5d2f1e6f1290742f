"""The environments of the scripts: what is made is said, and PYTHON is taken at its word."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "environment.sh"
FAKE = """#!/usr/bin/env bash
case "$*" in
*platform*) echo "Python {version}" ;;
*version_info*) exit {old} ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip"*) echo "$@" >>pip.log ;;
esac
"""
"""A Python that makes environments of itself, and notes what pip is to do."""


@pytest.fixture
def make(tmp_path):
    """Make an environment in an empty folder, with fake Pythons; return what happened."""

    def make(python="", version="3.12.1", old=0):
        for name, own in (("python3", "3.11.9"), ("other", version)):
            path = tmp_path / name
            path.write_text(FAKE.format(version=own, old=old if name == "other" else 0), encoding="utf-8")
            path.chmod(0o755)
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHON": python}
        command = ["bash", "-c", f"set -euo pipefail; . {SCRIPT}; make_environment .venv data,plot"]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    return make


def test_the_first_time_says_what_it_does_and_the_next_times_nothing(make, tmp_path):
    first, second = make("./other"), make("./other")
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "making .venv with Python 3.12.1" in first.stdout
    assert "installing refms and its extras data,plot into .venv" in first.stdout
    assert "… done after" in first.stdout
    assert second.stdout == second.stderr == ""
    calls = (tmp_path / "pip.log").read_text(encoding="utf-8").splitlines()
    assert len(calls) == 2
    assert calls[0].endswith("--editable .[data,plot]")


def test_another_python_than_that_of_the_environment_is_said(make, tmp_path):
    assert make("./other").returncode == 0
    ran = make("./other", "3.13.0")
    assert ran.returncode == 2
    assert ".venv has Python 3.12.1, but PYTHON=./other is Python 3.13.0" in ran.stderr
    assert "Remove .venv" in ran.stderr
    assert len((tmp_path / "pip.log").read_text(encoding="utf-8").splitlines()) == 1
    assert make().returncode == 0  # nobody asked for another one


@pytest.mark.parametrize(("python", "old"), [("./other", 1), ("./none", 0)])
def test_a_python_that_cannot_be_used_is_refused_and_no_other_one_taken(make, tmp_path, python, old):
    ran = make(python, "3.9.0", old)
    assert ran.returncode == 2
    assert f"which {python} is not; set PYTHON=" in ran.stderr
    assert not (tmp_path / ".venv").exists()
