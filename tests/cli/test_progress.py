"""Progress of long runs: a line with the time left on a terminal, plain rows where the output is piped."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from refms.cli.progress import Clock, duration, time_left

FEW = ["--train", "100", "--validation", "50", "--channels", "1", "--iterations", "3"]


def command(*words):
    return [sys.executable, "-m", "refms", "train", "--size", "4", *FEW, *words]


def on_a_terminal(*words):
    """Return what a training writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command(*words), stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    assert process.wait(600) == 0
    return b"".join(pieces).decode()


def seen(text):
    """Return the lines as a terminal leaves them: a carriage return goes back to the start of the line."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        cells = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


def test_a_terminal_shows_what_is_running_and_the_time_left_and_keeps_the_rows_alone(tmp_path):
    text = on_a_terminal("-o", str(tmp_path / "run.h5"))
    assert "iteration 1/3 is running" in text
    assert re.search(r"\riteration 3/3 is running, about \d+ (s|min) ?\S* left", text)
    rows = [line for line in seen(text) if line]
    assert len(rows) == 3
    assert all(re.fullmatch(r"iteration=\d/3 .* seconds=\S+ left=\d+", row) for row in rows)


def test_a_pipe_gets_plain_rows(tmp_path):
    ran = subprocess.run(
        command("-o", str(tmp_path / "run.h5")), capture_output=True, text=True, check=True, timeout=600
    )
    assert "\r" not in ran.stderr
    assert [re.match(r"iteration=(\d)/3 ", row)[1] for row in ran.stderr.splitlines()] == ["1", "2", "3"]


def test_quiet_shows_nothing_on_a_terminal(tmp_path):
    assert "".join(seen(on_a_terminal("-o", str(tmp_path / "run.h5"), "--quiet"))) == ""


def test_the_time_left_leaves_the_first_iteration_out_and_follows_recent_ones():
    assert time_left([30.0], 2) == 60.0
    assert time_left([30.0, 1.0], 2) == 2.0
    assert time_left([30.0, 1.0, 1.0, 50.0], 3) == 3.0
    assert time_left([30.0, *[1.0] * 20, *[4.0] * 10], 3) == 12.0


def test_a_row_may_stand_for_several_iterations(monkeypatch):
    now = iter([100.0, 130.0, 140.0])
    monkeypatch.setattr("refms.cli.progress.time.perf_counter", lambda: next(now))
    clock = Clock(total=60, done=5)
    clock.tick(20)
    clock.tick(40)
    assert clock.seconds == 40.0
    assert clock.left == 20 * 10.0 / 20


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599.7, "1 h 0 min"),
        (86399, "23 h 59 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_times_are_told_in_their_two_largest_units(seconds, words):
    assert duration(seconds) == words
