"""Outputs: refused before the work, held by one run, and swept after one that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from refms.io.files import atomic_write

HOLDER = """
import argparse, contextlib, sys
from refms.cli import files
options = argparse.Namespace(force=True, held=contextlib.ExitStack())
getattr(files, sys.argv[1])(options, *sys.argv[2:])
print("held", flush=True)
sys.stdin.read()
"""
TRAIN = ("train", "--size", "4", "--train", "60", "--validation", "30", "--iterations", "1", "--quiet", "-o")
RUNS = {
    "train": (*TRAIN, "new.h5"),
    "transfer": ("transfer", "coarse.h5", "--to", "8", "-o", "new.h5"),
    "certify": ("certify", "--shipped", "--json", "new.h5"),
    "plot": ("plot", "coarse.h5", "--only", "weights", "-o", "new.h5"),
}


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS)
def test_an_output_has_one_run_until_that_ends_or_dies(refms, words):
    claim = ["claim_folder", "new.h5", "pictures"] if "plot" in words else ["claim", "new.h5"]
    command = [sys.executable, "-c", HOLDER, *claim]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        before = sorted(Path().iterdir())
        ran = refms(*words)
        assert ran.refused
        assert f"'new.h5' is being written by process {holder.pid} on " in ran.err
        assert sorted(Path().iterdir()) == before
        holder.kill()
    if "certify" not in words:  # which takes long
        assert refms(*words).code == 0
        assert [path.name for path in Path().rglob("*.lock")] == []


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/dev/null", "not a regular file"),
        (".", "is a folder"),
        ("new/", "is a folder"),
        ("", "output is empty"),
        ("a" * 300, "name too long"),
        ("a\0b", "null"),
        ("coarse.h5/new.h5", "does not exist"),
        ("none/new.h5", "create it first"),
        ("coarse.h5", "exists"),
    ],
)
@pytest.mark.parametrize(
    "words", [("transfer", "missing.h5", "--to", 8, "-o"), (*TRAIN[:1], "--dataset", "idx:no", "-o")]
)
def test_what_cannot_be_the_output_is_refused_before_anything_is_read(refms, words, target, says):
    force = () if target == "coarse.h5" else ("--force",)
    ran = refms(*words, target, *force)
    assert ran.refused
    assert says in ran.err.lower()


def test_a_name_too_long_for_checkpoints_is_refused_before_the_work(refms):
    ran = refms(*TRAIN, "a" * 250 + ".h5")
    assert ran.refused
    assert "too long" in ran.err


def test_paths_may_start_at_home(refms, monkeypatch):
    monkeypatch.setenv("HOME", str(Path("home").absolute()))
    Path("home").mkdir()
    assert refms("show", "coarse.h5", "--json", "~/a.json").code == 0
    assert Path("home/a.json").exists()


KILLED = """
import os, signal, sys
from refms.io.files import atomic_write
with atomic_write("a.txt") as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_left_is_swept_by_the_next_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert subprocess.run([sys.executable, "-c", KILLED]).returncode == -9
    assert len(os.listdir()) == 1
    Path(".mine.tmp").write_text("of somebody else")
    with atomic_write("b.txt") as alive:
        alive.write_text("b")
        with atomic_write("c.txt") as temporary:
            temporary.write_text("c")
    assert sorted(os.listdir()) == [".mine.tmp", "b.txt", "c.txt"]
