"""A target notices what must not happen, and a finding is told from what a process left behind."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import fuzz
import pytest
from fuzzing.board import Board
from fuzzing.sentences import kind_of
from fuzzing.targets import TARGETS

from refms.errors import InputError

IDX = TARGETS["idx"]


def refusing(sentence):
    def read(folder):
        raise InputError(sentence.format(folder=folder))

    return replace(IDX, read=read)


def test_what_is_read_says_nothing_and_what_is_refused_says_why(tmp_path):
    good = IDX.seeds()[0]
    assert IDX.check(tmp_path, good) == ""
    assert "declares 48 bytes of shape (3, 4, 4), but holds 8" in IDX.check(tmp_path, good[:-40])


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "no.",
        "'{folder}/x' has a\nline of its own.",
        "'{folder}/x' \x1b[31m is red.",
        "the file is damaged somehow.",
        "'{folder}/x' " + "is long " * 1000,
    ],
)
def test_what_is_no_sentence_for_a_terminal_is_a_finding(tmp_path, sentence):
    with pytest.raises(AssertionError, match="not a sentence"):
        refusing(sentence).check(tmp_path, b"")


def test_any_other_error_is_a_finding(tmp_path):
    with pytest.raises(ZeroDivisionError):
        replace(IDX, read=lambda folder: 1 // 0).check(tmp_path, b"")


def test_too_much_memory_is_a_finding(tmp_path):
    """In a process of its own, as the fuzzer has it: what a process once took hides what it takes later."""
    code = (
        "import sys; from dataclasses import replace; from pathlib import Path; from fuzzing import targets;"
        "hungry = replace(targets.TARGETS['idx'], read=lambda folder: bytearray(2**29).find(1));"
        "hungry.check(Path(sys.argv[1]), b'')"
    )
    script = os.path.dirname(fuzz.__file__)
    command = [sys.executable, "-c", code, str(tmp_path)]
    ran = subprocess.run(command, cwd=script, check=False, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "AssertionError: this input alone took" in ran.stderr


def test_two_files_make_one_input(tmp_path):
    IDX.store(tmp_path, b"\3\0abcimages")
    assert (tmp_path / "train-labels-idx1-ubyte").read_bytes() == b"abc"
    assert (tmp_path / "train-images-idx3-ubyte").read_bytes() == b"images"


def test_sentences_are_told_apart_by_what_they_say_in_general():
    damaged = "'/a/b' is damaged or truncated: HDF5 reports {!r}. Take another copy of the file."
    one, other = (
        damaged.format(f"Can't open object (object {name!r} at {at})") for name, at in (("x", 7), ("yy", 8))
    )
    assert kind_of(one) == kind_of(other)
    assert kind_of(one) != kind_of(damaged.format("Can't read data (no filter)"))


def test_a_board_outlives_its_process(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from fuzzing.board import Board;"
        "board = Board(Path(sys.argv[1])); board.post(b'one'); board.post(b'three'); os.abort()"
    )
    script = os.path.dirname(fuzz.__file__)
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "board")], cwd=script, check=False, capture_output=True
    )
    board = Board(tmp_path / "board")
    assert (board.count, board.last) == (2, b"three")


CRASH = """Fatal Python error: Segmentation fault

Current thread 0x00007fd51cc56b80 (most recent call first):
  File "/x/h5py/_hl/dataset.py", line 1135 in read_direct
  File "/x/refms/io/reading.py", line 181 in _values
  File "/x/refms/io/reading.py", line 145 in <dictcomp>
"""
RAISED = """ === Uncaught Python exception: ===
ValueError: array 'a' is too big for 17
Traceback (most recent call last):
  File "/x/refms/data/mnist.py", line 55, in load_mnist
  File "/x/refms/data/idx.py", line 122, in _read_array
"""


@pytest.mark.parametrize(
    ("status", "said", "kind", "where"),
    [
        (signal.SIGSEGV, CRASH, "signal", "SIGSEGV at refms/io/reading.py:181 _values"),
        (signal.SIGKILL, "", "signal", "SIGKILL at an unknown place"),
        (71 << 8, "==1== ERROR: libFuzzer: out-of-memory", "memory", "more than 1024 MiB"),
        (
            77 << 8,
            RAISED,
            "exception",
            "ValueError: array … is too big for … at refms/data/idx.py:122 _read_array",
        ),
    ],
)
def test_a_finding_says_what_happened_and_where(status, said, kind, where):
    found = fuzz._finding(status, said, b"x")
    assert (found.kind, found.where) == (kind, where)


def test_equal_findings_count_and_the_smallest_input_stays():
    tally = fuzz.Tally()
    for data in (b"abc", b"a", b"ab"):
        tally.add(7, 2**20, fuzz._finding(signal.SIGSEGV, CRASH, data))
    (found,) = tally.findings.values()
    assert (found.count, found.data) == (3, b"a")
    assert (tally.executions, tally.peak_bytes) == (21, 2**20)


def test_processes_at_a_time_share_the_executions_and_each_has_a_seed_of_its_own(tmp_path, monkeypatch):
    begun = []

    def one_process(name, runs, seed, home):
        begun.append((runs, seed))
        return runs, 2**20 * seed, None

    monkeypatch.setattr(fuzz, "_round", one_process)
    tally = fuzz.fuzz("xfails-toml", 7, 10, tmp_path, jobs=3)
    assert sorted(begun) == [(3, 11), (3, 12), (3, 13)]
    assert (tally.executions, tally.peak_bytes, tally.findings) == (9, 13 * 2**20, {})


def test_the_command_line_refuses_an_input_that_is_shown_to_it(tmp_path):
    door = fuzz.front_door(TARGETS["model-hdf5"], b"hello", tmp_path / "door")
    assert door.startswith("exit 2: refms: 'x' is not an HDF5 file: it starts with b'hello'.")


def test_an_input_that_takes_too_long_is_traced(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "SECONDS", 1)
    path = Path(__file__).parent / "corpus" / "findings" / "results-hdf5" / "never-ends"
    found = fuzz._unending("results-hdf5", path.read_bytes(), tmp_path / "x")
    assert found is not None
    assert found.kind == "timeout"
    assert found.where.startswith("more than 1 s at refms/io/inspection.py:")


def test_an_input_that_is_read_in_time_the_second_time_is_no_finding(tmp_path):
    assert fuzz._unending("results-mat", TARGETS["results-mat"].seeds()[0], tmp_path / "x") is None


def test_a_process_that_stands_still_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "STANDSTILL", 0.2)
    board = Board(tmp_path / "board")
    board.post(b"the one")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    status, _, stuck = fuzz._waited_for(child, board)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert (stuck, child.returncode) == (True, -signal.SIGKILL)


def test_a_process_that_ends_is_waited_for(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    status, usage, stuck = fuzz._waited_for(child, Board(tmp_path / "board"))
    child.returncode = os.waitstatus_to_exitcode(status)
    assert (stuck, child.returncode) == (False, 3)
    assert usage.ru_maxrss > 0


def test_the_fuzzer_runs(tmp_path, capsys, monkeypatch):
    pytest.importorskip("atheris")
    monkeypatch.setattr(fuzz, "RECORD", tmp_path / "fuzz.json")
    words = [
        "--target",
        "results-mat",
        "--runs",
        "300",
        "--seed",
        "0",
        "--record",
        "--scratch",
        str(tmp_path),
    ]
    assert fuzz.main([*words, "--jobs", "2", "-o", str(tmp_path / "out")]) == 0
    assert "results-mat: 300 executions" in capsys.readouterr().out
    record = json.loads((tmp_path / "fuzz.json").read_text(encoding="utf-8"))
    assert record["results-mat"]["executions"] == 300
    assert record["results-mat"]["findings"] == []
    assert record["results-mat"]["peak_bytes"] > 0
    assert (
        len(list((tmp_path / "out" / "results-mat" / "corpus").iterdir()))
        == record["results-mat"]["corpus"]
        > 0
    )
