"""Implementations in a process of their own: those that hang, die, print or fork get their verdict."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from processes import refms_after

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


@pytest.fixture
def judged(theirs):
    """Judge an adapter in double precision by some properties; return their rows by id."""

    def judge(name, *ids, tier="quick", limit=60.0):
        with Isolated(theirs(name), "float64", limit) as there:
            (adapter,) = there.adapters
            found = there.run(adapter, tier, properties=chosen(*ids)).rows
            return {row.id: row for row in found if row.id in ids}

    return judge


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


def test_a_property_that_hangs_fails_and_the_others_are_checked(judged):
    found = judged("Hanging", "C14", "D1", limit=LIMIT)
    row = found["C14"]
    assert (row.verdict, found["D1"].verdict) == ("FAIL", "PASS")
    assert row.sentence.startswith(f"did not return within {LIMIT:g} s in convolution_adjoint, after ")
    assert row.worst_instance.startswith("grid (")
    assert row.seconds >= LIMIT


def test_what_hangs_again_and_again_is_waited_for_no_more(theirs, monkeypatch):
    monkeypatch.setattr(implementation, "MOST_HANGS", 2)
    needing = [item for item in PROPERTIES if "convolution_adjoint" in item.needs]
    with Isolated(theirs("Hanging"), "float64", 1.0) as there:
        (adapter,) = there.adapters
        report = there.run(adapter, properties=needing)
        untold = there.probe(adapter)
    found = [row for row in report.rows if row.selected]
    assert [row.verdict for row in found] == ["FAIL", "FAIL", *["NOT RUN"] * (len(needing) - 2)]
    assert found[-1].sentence == (
        f"it needs convolution_adjoint, which did not return in {found[0].id}-float64, {found[1].id}-float64."
    )
    assert (untold.told, untold.disagreements) == (0, ())


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        (
            "Dying",
            {
                "C14": "the process died with signal 11 (SIGSEGV) in convolution_adjoint.",
                "D1": "the process ended itself with exit code 3 in depth_prolong.",
                "T5": "the process died with signal 9 (SIGKILL, perhaps for lack of memory) in restrict.",
                "S6": "",
            },
        ),
        (
            "Parting",
            {"D1": "the process ended itself with exit code 0 in depth_prolong."},
        ),  # a child lives on
    ],
)
def test_a_property_in_which_the_process_dies_fails_and_says_how(judged, name, sentences):
    found = judged(name, *sentences, limit=300.0)
    assert {id_: row.sentence for id_, row in found.items()} == sentences
    assert {id_: row.verdict for id_, row in found.items()} == {
        id_: "FAIL" if sentence else "PASS" for id_, sentence in sentences.items()
    }


def test_what_dies_has_no_conventions(theirs):
    with Isolated(theirs("Dying"), "float64", 60.0) as there:
        (trait,) = there.probe(there.adapters[0]).traits
    assert trait.sentence.startswith("conventions: cannot tell, for the process died with signal")


def test_what_an_adapter_prints_goes_to_standard_error_and_spoils_nothing(judged, capfd):
    assert judged("Chatting", "D1")["D1"].verdict == "PASS"
    printed = capfd.readouterr()
    assert printed.out == ""
    assert '{"row": {}}\n{"enter": "nothing"}\n' in printed.err


def test_slowness_is_told_from_hanging_and_not_held_against_the_operation(judged, monkeypatch):
    monkeypatch.setattr(implementation, "MOST_HANGS", 1)
    found = judged("Slow", "D1", "D2", tier="full", limit=LIMIT / 2)
    assert {row.verdict for row in found.values()} == {"FAIL"}
    assert found["D1"].sentence.endswith("calls that did; if it is only slow, raise the time limit.")


def test_an_adapter_that_can_be_made_once_only_leaves_the_rest_not_run(judged):
    found = judged("vanishing", "D1", "D2", "C9")
    assert {id_: row.verdict for id_, row in found.items()} == {"C9": "PASS", "D1": "FAIL", "D2": "NOT RUN"}
    assert found["D2"].sentence.startswith("after the process had died: ")
    assert "no second licence" in found["D2"].sentence


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


HEEDS_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""Where the tests run in the background of a shell, processes ignore Ctrl-C unless they are told not to."""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_run_is_ended(theirs, tmp_path, number):
    words = [*refms_after(HEEDS_CTRL_C), "conform", "run", theirs("Sleeping"), "--only", "D1"]
    ran = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
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


def test_a_signal_without_a_name_is_put_into_words():
    number = signal.SIGRTMIN + 3
    assert how_it_ended(-number) == f"the process died with signal {number} (unknown)"
