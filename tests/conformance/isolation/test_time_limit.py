"""Time limits in the process itself: SIGALRM, what it interrupts, and what it leaves as it was."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
import weakref

import pytest

from refms.conformance import PROPERTIES, run
from refms.conformance.adapters.position import Position
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.isolation.time_limit import TimeIsUp, time_limit
from refms.errors import InputError

CHOSEN = [item for item in PROPERTIES if item.id in ("C14", "D1")]


class Hanging(ReferenceAdapter):
    def convolution_adjoint(self, S, Z, grid, boundary):
        while True:
            try:
                time.sleep(60)
            except Exception:  # what a loop of attempts does
                continue


class Leaving(ReferenceAdapter):
    def depth_prolong(self, Theta, layers):
        raise SystemExit(0)


def found(adapter, **options):
    return {row.id: row for row in run(adapter, properties=CHOSEN, **options).rows}


def test_a_property_that_hangs_fails_and_the_others_are_checked():
    rows = found(Hanging(), timeout=1.0)
    assert rows["C14"].verdict == "FAIL"
    assert rows["C14"].sentence.startswith("did not return within 1 s in convolution_adjoint, after")
    assert rows["C14"].worst_instance.startswith("grid (")
    assert rows["C14"].seconds >= 1.0
    assert rows["D1"].verdict == "PASS"


def test_an_implementation_that_ends_python_fails_and_does_not_end_it():
    row = found(Leaving())["D1"]
    assert row.verdict == "FAIL"
    assert row.sentence.startswith("SystemExit: 0 (")


def test_handlers_and_timers_are_left_as_they_were():
    def own(number, frame):
        raise AssertionError("too early")

    earlier = signal.signal(signal.SIGALRM, own)
    try:
        signal.setitimer(signal.ITIMER_REAL, 6000)
        with pytest.raises(TimeIsUp), time_limit(0.05):
            time.sleep(600)
        assert signal.getsignal(signal.SIGALRM) is own
        assert 3000 < signal.setitimer(signal.ITIMER_REAL, 0)[0] < 6000
    finally:
        signal.signal(signal.SIGALRM, earlier)


def test_a_limit_that_is_caught_comes_again():
    caught = []

    def stubborn():
        while len(caught) < 2:
            try:
                time.sleep(600)
            except TimeIsUp as error:
                caught.append(error)
        raise caught[-1]

    with pytest.raises(TimeIsUp), time_limit(0.05):
        stubborn()


def test_other_threads_have_no_limit():
    ended = []

    def work():
        with time_limit(0.01):
            time.sleep(0.1)
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_limits_that_are_none_are_refused(seconds):
    with pytest.raises(InputError, match="time limit"), time_limit(seconds):
        pass


def test_many_calls_are_told_from_one():
    where = Position()
    where.start -= 10
    for _ in range(3):
        where.enter("restrict")
    assert where.overdue(10.0) == (
        "did not return within 10 s in restrict, after 2 calls that did; "
        "if it is only slow, raise the time limit."
    )
    where.since -= 9
    assert where.overdue(10.0) == "did not return within 10 s in restrict, after 2 calls that did."
    assert Position().overdue(1.0) == "did not return within 1 s before any operation was called."


def waste():
    """Take some time, in a frame of its own."""
    return sum(range(2000))


def test_an_end_that_falls_into_the_collector_or_a_finaliser_is_not_lost(monkeypatch):
    """Tools such as hypothesis measure how long collections take: there, too, the exception is dropped."""
    monkeypatch.setattr("refms.conformance.isolation.time_limit._AGAIN", 600.0)  # the limit comes but once

    def callback(phase, info):
        waste()

    class Slow:
        def __del__(self):
            waste()

    def collect_for_ever():
        while True:
            Slow()
            gc.collect(0)
            for _ in range(6):
                waste()

    gc.callbacks.append(callback)
    try:
        for _ in range(10):
            with pytest.raises(TimeIsUp), time_limit(0.02):
                collect_for_ever()
    finally:
        gc.callbacks.remove(callback)


def test_an_end_that_falls_into_a_callback_of_a_weak_reference_is_not_lost(monkeypatch):
    """There, Python would drop the exception and say so, which fails a test."""

    monkeypatch.setattr("refms.conformance.isolation.time_limit._AGAIN", 600.0)  # the limit comes but once

    class Thing:
        pass

    def forget_for_ever():
        kept = weakref.WeakSet()
        while True:
            kept.add(Thing())  # forgotten at once: half of the time goes into callbacks

    for _ in range(20):
        with pytest.raises(TimeIsUp), time_limit(0.02):
            forget_for_ever()


def test_a_limit_that_is_reached_while_it_is_taken_off_is_none_any_more():
    def just_then(frame, event, called):
        if event == "c_call" and called is signal.setitimer:
            signal.raise_signal(signal.SIGALRM)

    try:
        with time_limit(60.0):
            sys.setprofile(just_then)
    finally:
        sys.setprofile(None)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
