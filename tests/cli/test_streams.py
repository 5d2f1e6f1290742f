"""Standard output and error in every state: the work is done, and the exit code is the true one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import process

from refms.cli.main import main
from refms.cli.streams import Tolerant
from refms.model_file import load_model

TRAIN = ("train", "--size", "4", "--train", "60", "--validation", "30", "--channels", "2", "-o", "new.h5")
TRAIN = (*TRAIN, "--iterations", "2")
LONG, CHECK = ("show", "coarse.h5"), ("diff", "coarse.h5", "fine.h5")
"""More than a buffer of output, which is written at once, and less of a check that fails."""

every_work = pytest.mark.parametrize(("words", "code"), [(LONG, 0), (CHECK, 1), (TRAIN, 0)])
has_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")


def done(words):
    """Whether the model is there, where there should be one."""
    return "train" not in words or load_model("new.h5").history.rows[-1].iteration == 2


@every_work
def test_a_reader_who_has_gone_changes_nothing(refms, words, code):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as closed:
        ran = process(*words, "--json", "a.json", stdout=closed, stderr=closed)
    assert ran.returncode == code
    assert done(words)
    assert Path("a.json").exists()


@pytest.mark.parametrize(("words", "code"), [(CHECK, 1), (TRAIN, 0)])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_change_nothing(refms, words, code, closed):
    command = f'"$0" -m refms "$@" {closed}'
    ran = subprocess.run(["/bin/sh", "-c", command, sys.executable, *words], capture_output=True, text=True)
    assert ran.returncode == code
    assert done(words)
    if "2>" not in closed:
        assert "Traceback" not in ran.stderr
    if closed == "2>&-" and "train" in words:
        assert "iteration=1/2" not in ran.stdout  # what is meant for standard error goes nowhere else


@has_full
@every_work
def test_a_full_standard_output_is_told_after_the_work_and_hides_no_failed_check(refms, words, code):
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = process(*words, stdout=full)
    assert ran.returncode == (code or 2)
    assert ran.stderr.splitlines()[-1] == "refms: cannot write the output: No space left on device."
    assert done(words)


@has_full
def test_a_full_standard_error_changes_nothing(refms):
    with open("/dev/full", "w", encoding="utf-8") as full:
        assert process(*TRAIN, stderr=full).returncode == 0
        assert process("show", "missing.h5", stderr=full).returncode == 2
    assert done(TRAIN)


class Odd:
    """A stream as some notebooks have it: it can be written to and flushed, and nothing else."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@every_work
def test_streams_that_can_only_be_written_to_are_enough(refms, monkeypatch, words, code):
    out, err = Odd(), Odd()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert main(list(words)) == code
    assert (sys.stdout, sys.stderr) == (out, err)
    assert done(words)
    assert out.text


def test_a_script_keeps_its_code_too():
    program = "import sys; from refms.cli.streams import end_with; end_with(lambda: print('x' * 10**5) or 3)"
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as closed:
        ran = subprocess.run([sys.executable, "-c", program], stdout=closed, stderr=subprocess.PIPE)
    assert (ran.returncode, ran.stderr) == (3, b"")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb\u202e\x9b\n\tc", r"a\x1b[2Jb\u202e\x9b" + "\n\tc"),
        ("FAIL\rPASS", r"FAIL\rPASS"),
        ("\rstatus", "\rstatus"),
        ("ρ ≤ 30 …", "ρ ≤ 30 …"),
    ],
)
def test_what_a_terminal_would_obey_is_written_as_an_escape(text, shown):
    odd = Odd()
    assert Tolerant(odd).write(text) == len(text)
    assert odd.text == shown
