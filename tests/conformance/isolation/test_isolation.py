"""Implementations in a process of their own: those that hang, die, print or fork get their verdict."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from refms.conformance import PROPERTIES, Profile, Report, run
from refms.conformance.adapters.loading import load
from refms.conformance.isolation import implementation, messages
from refms.conformance.isolation.implementation import Isolated
from refms.conformance.isolation.process import how_it_ended
from refms.conformance.probing.probe import probe
from refms.conformance.reports.expected import check_expectations
from refms.conformance.reports.report import Row
from refms.errors import InputError

LIMIT = 2.0
"""Seconds; what does not hang takes a hundredth of it."""

THEIRS = """
import ctypes, os, resource, signal, subprocess, sys, time
from refms.conformance.adapters.reference import ReferenceAdapter

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

class Wrong(ReferenceAdapter):
    def depth_prolong(self, Theta, layers):
        return super().depth_prolong(Theta, layers) * 2
    def stencil_up(self, S, pair):
        raise NotImplementedError("next year")
    def restrict(self, Y, grid, pair):
        return super().restrict(Y, grid, pair) * float("nan")
    def activation(self, Z, name):
        raise ValueError("no \\udcff \\n way")

class Hanging(ReferenceAdapter):
    def convolution_adjoint(self, S, Z, grid, boundary):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ctypes.PyDLL(None).sleep(600)  # with the lock of the interpreter

class Dying(ReferenceAdapter):
    def convolution_adjoint(self, S, Z, grid, boundary):
        ctypes.string_at(0)
    def depth_prolong(self, Theta, layers):
        os._exit(3)
    def restrict(self, Y, grid, pair):
        os.kill(os.getpid(), signal.SIGKILL)

class Parting(ReferenceAdapter):
    def depth_prolong(self, Theta, layers):
        subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
        if os.fork():
            os._exit(0)
        time.sleep(600)

class Chatting(ReferenceAdapter):
    def depth_prolong(self, Theta, layers):
        print('{"row": {}}', flush=True)
        os.write(1, b'{"enter": "nothing"}\\n')
        try:
            sys.stdin.read() and input()
        except EOFError:
            pass
        return super().depth_prolong(Theta, layers)

class Slow(ReferenceAdapter):
    def depth_prolong(self, Theta, layers):
        time.sleep(0.05)
        return super().depth_prolong(Theta, layers)

class Sleeping(ReferenceAdapter):
    def depth_prolong(self, Theta, layers):
        open(os.path.join(os.path.dirname(__file__), "asleep"), "w").close()
        time.sleep(600)

def vanishing(dtype):
    flag = os.path.join(os.path.dirname(__file__), "made")
    if os.path.exists(flag):
        raise RuntimeError("no second licence")
    open(flag, "w").close()
    return Dying(dtype=dtype)
"""


@pytest.fixture
def theirs(tmp_path):
    path = tmp_path / "theirs.py"
    path.write_text(THEIRS, encoding="utf-8")
    return f"{path}:{{}}".format


def chosen(*ids):
    return [item for item in PROPERTIES if item.id in ids]


def rows(report: Report, *ids):
    return [row for row in report.rows if row.id in ids]


def timeless(report: Report):
    """Return all that is said in a report, but for the seconds; text, for NaN is not equal to NaN."""
    return [repr(dataclasses.replace(row, seconds=0.0)) for row in report.rows]


@pytest.mark.parametrize("name", ["ReferenceAdapter", "Wrong"])
def test_the_rows_are_those_of_a_run_in_this_process(theirs, name):
    some = chosen("C9", "D1", "T5", "G4", "N9", "O4", "S6")
    with Isolated(theirs(name)) as there:
        for adapter, here in zip(there.adapters, load(theirs(name)).adapters(), strict=True):
            assert adapter.profile == here.profile
            found = there.run(adapter, seed=3, properties=some)
            assert timeless(found) == timeless(run(here, seed=3, properties=some))
            assert there.probe(adapter) == probe(here)


def test_expected_failures_are_looked_at_there(theirs):
    known = {"D1-*": "known", "T5-2d-float32": "known too", "C9-1d-float64": "no longer so"}
    some = chosen("C9", "D1", "T5")
    with Isolated(theirs("Wrong")) as there:
        found = check_expectations(known, there.adapters, some, check=there.check)
    assert found == check_expectations(known, load(theirs("Wrong")).adapters(), some)
    assert found.met
    assert found.broken


def test_a_property_that_hangs_fails_and_the_others_are_checked(theirs):
    with Isolated(theirs("Hanging"), "float64", LIMIT) as there:
        (adapter,) = there.adapters
        row, depth = rows(there.run(adapter, properties=chosen("C14", "D1")), "C14", "D1")
    assert row.verdict == "FAIL"
    assert row.sentence.startswith(f"did not return within {LIMIT:g} s in convolution_adjoint, after ")
    assert row.worst_instance.startswith("grid (")
    assert row.seconds >= LIMIT
    assert depth.verdict == "PASS"


def test_what_hangs_again_and_again_is_waited_for_no_more(theirs, monkeypatch):
    monkeypatch.setattr(implementation, "MOST_HANGS", 2)
    needing = [item for item in PROPERTIES if "convolution_adjoint" in item.needs]
    assert len(needing) > 2
    with Isolated(theirs("Hanging"), "float64", 1.0) as there:
        (adapter,) = there.adapters
        report = there.run(adapter, properties=needing)
        untold = there.probe(adapter)
    found = rows(report, *(item.id for item in needing))
    assert [row.verdict for row in found] == ["FAIL", "FAIL", *["NOT RUN"] * (len(found) - 2)]
    first, second = needing[:2]
    assert found[-1].sentence == (
        f"it needs convolution_adjoint, which did not return in {first.id}-float64, {second.id}-float64."
    )
    assert (untold.told, untold.disagreements) == (0, ())


def test_a_property_in_which_the_process_dies_fails_and_says_how(theirs):
    some = chosen("C14", "D1", "T5", "S6")
    with Isolated(theirs("Dying"), "float64", 60.0) as there:
        (adapter,) = there.adapters
        found = {row.id: row for row in there.run(adapter, properties=some).rows}
        untold = there.probe(adapter)
    assert {item.id: found[item.id].verdict for item in some} == {
        "C14": "FAIL",
        "D1": "FAIL",
        "S6": "PASS",
        "T5": "FAIL",
    }
    assert found["C14"].sentence == "the process died with signal 11 (SIGSEGV) in convolution_adjoint."
    assert found["D1"].sentence == "the process ended itself with exit code 3 in depth_prolong."
    assert found["T5"].sentence == (
        "the process died with signal 9 (SIGKILL, perhaps for lack of memory) in restrict."
    )
    assert untold.traits[0].sentence.startswith("conventions: cannot tell, for the process died with signal")


def test_a_death_is_seen_at_once_although_a_child_lives_on(theirs):
    with Isolated(theirs("Parting"), "float64", 300.0) as there:
        (adapter,) = there.adapters
        (row,) = rows(there.run(adapter, properties=chosen("D1")), "D1")
    assert row.sentence == "the process ended itself with exit code 0 in depth_prolong."


def test_what_an_adapter_prints_goes_to_standard_error_and_spoils_nothing(theirs, capfd):
    with Isolated(theirs("Chatting"), "float64", 60.0) as there:
        (adapter,) = there.adapters
        (row,) = rows(there.run(adapter, properties=chosen("D1")), "D1")
    assert row.verdict == "PASS"
    printed = capfd.readouterr()
    assert printed.out == ""
    assert '{"row": {}}\n{"enter": "nothing"}\n' in printed.err


def test_slowness_is_told_from_hanging_and_not_held_against_the_operation(theirs, monkeypatch):
    monkeypatch.setattr(implementation, "MOST_HANGS", 1)
    with Isolated(theirs("Slow"), "float64", LIMIT / 2) as there:
        (adapter,) = there.adapters
        found = rows(there.run(adapter, "full", properties=chosen("D1", "D2")), "D1", "D2")
    assert [row.verdict for row in found] == ["FAIL", "FAIL"]
    assert found[0].sentence.endswith("calls that did; if it is only slow, raise the time limit.")


def test_an_adapter_that_can_be_made_once_only_leaves_the_rest_not_run(theirs):
    with Isolated(theirs("vanishing"), "float64", 60.0) as there:
        (adapter,) = there.adapters
        found = rows(there.run(adapter, properties=chosen("D1", "D2", "C9")), "D1", "D2", "C9")
    assert {row.id: row.verdict for row in found} == {"C9": "PASS", "D1": "FAIL", "D2": "NOT RUN"}
    assert "after the process had died: " in found[-1].sentence
    assert "no second licence" in found[-1].sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import time; time.sleep(600)", "cannot be loaded: it was not imported and made within 2 s"),
        (
            "import os; os._exit(0)",
            "cannot be loaded: the process ended itself with exit code 0 while it was",
        ),
        ("import sys; sys.exit(0)", "cannot be imported: SystemExit: 0"),
        (
            "import no_such_module",
            "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        ("", "has no 'Mine'"),
    ],
)
def test_an_adapter_that_cannot_be_loaded_is_refused(tmp_path, monkeypatch, text, sentence):
    if "sleep" in text:
        monkeypatch.setattr(implementation, "LEAST_TO_LOAD", 2.0)
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    with Isolated(f"{path}:Mine", limit=0.1) as there, pytest.raises(InputError) as caught:
        _ = there.adapters
    assert sentence in str(caught.value)


def test_modules_of_the_current_folder_do_not_hide_others(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise ImportError('hidden')", encoding="utf-8")
    (tmp_path / "mine.py").write_text(
        "from refms.conformance.adapters.reference import ReferenceAdapter as Mine", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    with Isolated("mine:Mine", "float32", 60.0) as there:
        assert [one.profile.dtype for one in there.adapters] == ["float32"]


def children(pid):
    """Return the processes that a process has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(one) for one in found]


def gone(pid, seconds):
    """Return whether a process ends in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_run_is_ended(theirs, tmp_path, number):
    words = [sys.executable, "-m", "refms", "conform", "run", theirs("Sleeping"), "--only", "D1"]
    # where the tests run in the background of a shell, processes ignore Ctrl-C unless they are told not to
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    ran = subprocess.Popen(words, preexec_fn=heeds, **pipes)
    try:
        end = time.monotonic() + 600
        while not (tmp_path / "asleep").exists() and time.monotonic() < end:
            time.sleep(0.05)
        (worker,) = children(ran.pid)
        ran.send_signal(number)
        _, errors = ran.communicate(timeout=600)
    finally:
        ran.kill()
    assert gone(worker, 600)
    assert ran.returncode == (130 if number == signal.SIGINT else -number)
    if number == signal.SIGINT:
        assert errors == "refms: interrupted; files written before are intact.\n"


def test_every_field_of_a_row_and_a_profile_comes_through():
    told = Row("C1", "f", "t\udcff", "FAIL", float("inf"), "c", "s", 3, "w", 0.1 + 0.2, "d")
    assert Row(**messages.message(messages.line(dataclasses.asdict(told)))) == told
    profile = Profile("mine", dimensions=(np.int64(1),), stencil_sizes=[3], layout="NHWC")
    through = Profile(**messages.message(messages.line(messages.fields(profile))))
    assert through == dataclasses.replace(profile, dimensions=(1,), stencil_sizes=(3,))


def test_ends_are_put_into_words():
    assert how_it_ended(0) == "the process ended itself with exit code 0"
    assert (
        how_it_ended(-signal.SIGRTMIN - 3) == f"the process died with signal {signal.SIGRTMIN + 3} (unknown)"
    )
