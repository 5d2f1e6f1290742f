"""How alike results are that should be the same: bitwise, within rounding, or neither."""

from __future__ import annotations

import importlib
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np

from refms.checks.report import Verdict
from refms.conformance.adapters.misbehaviour import Misbehaviour, in_words
from refms.conformance.measures.outcome import Note, Outcome, residual, varies, worst
from refms.conformance.measures.trials import Numbers, Trial

CLASSES = ("bitwise", "within ρ", "neither")
"""Equal in every bit; equal within ρ <= 30; different."""

OFTEN = 1e-5
"""Seconds after which Python lets another thread go on, while several call."""

LIBRARY_THREADS = (1, 2)
"""How many threads BLAS and OpenMP are given."""


def classify(
    trial: Trial, expected: Numbers, found: Iterable[Numbers], scale: float, dtype: str, text: str
) -> Outcome:
    """Judge how alike results are, and note the class.

    >>> one = np.array([0.1 + 0.2])
    >>> trial = Trial("restrict", (), bound=1.0)
    >>> classify(trial, (one,), [(np.array([0.3]),)], 1.0, "float64", "again").notes[0].text
    'within ρ'
    """
    outcomes, text = [], f"{trial.operation}, {text}"
    for one in found:
        sizes = zip(trial.in_units(one), trial.in_units(expected), strict=True)
        judged = worst(residual(a, b, scale, dtype, text) for a, b in sizes)
        pairs = zip(one, expected, strict=True)
        alike = all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)
        rank = 2 if judged.verdict != "PASS" else 0 if alike else 1
        note = Note(trial.operation, CLASSES[rank], rank)
        verdict: Verdict = "FAIL" if rank == 2 else "PASS"
        outcomes.append(Outcome(verdict, judged.rho, "bitwise or ρ <= 30", judged.sentence, (note,)))
    return worst(outcomes)


def each_operation(made: Iterable[tuple[Trial, ...]], check: Callable[..., Iterable[Outcome]]) -> Outcome:
    """Return the worst outcome over the operations; what is not implemented is left out."""
    outcomes, absent = [], NotImplementedError("none of these operations")
    for trial in made:
        try:
            outcome = worst(check(*trial))
        except NotImplementedError as error:
            absent = error
            continue
        except Exception as error:  # one operation that raises hides nothing about the others
            verb = "misbehaves" if isinstance(error, Misbehaviour) else "raises"
            untold = Note(trial[0].operation, f"not told, it {verb}", len(CLASSES) - 1.5)
            outcome = Outcome("FAIL", None, "runs without misbehaviour", in_words(error), (untold,))
        else:
            if outcome.verdict == "FAIL":
                neither = Note(trial[0].operation, CLASSES[-1], len(CLASSES) - 1)
                outcome = replace(outcome, notes=(*outcome.notes, neither))
        outcomes.append(outcome)
    if not outcomes:
        raise absent
    return worst(outcomes)


def varied(name: str, found: Numbers) -> Outcome:
    """Judge that a result is not the same number throughout."""
    return varies(np.concatenate([one.ravel() for one in found]), name)


def same_bits(a: Numbers, b: Numbers) -> bool:
    """Return whether two results have the same bits."""
    return all(one.tobytes() == other.tobytes() for one, other in zip(a, b, strict=True))


def call_at_once(calls: Sequence[Callable[[], Numbers]], times: int) -> list[list[Numbers]]:
    """Return what functions return that are called at the same time, each from a thread of its own."""
    results: list[list[Numbers]] = [[] for _ in calls]
    errors: list[BaseException] = []
    start = threading.Barrier(len(calls))

    def work(number: int) -> None:
        try:
            start.wait()
            with np.errstate(all="ignore"):  # what the runner asks for in its own thread
                for _ in range(times):
                    results[number].append(calls[number]())
        except BaseException as error:  # raised again by the caller, whose thread it has to end
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(len(calls))]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(OFTEN)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    if errors:
        raise errors[0]
    return results


def library_threads() -> Callable[[int], AbstractContextManager[Any]] | None:
    """Return what limits the threads of BLAS and OpenMP, as far as threadpoolctl is installed."""
    try:
        module = importlib.import_module("threadpoolctl")
    except ImportError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it thinks of several OpenMP libraries in one process
        controller = module.ThreadpoolController()
    return lambda number: controller.limit(limits=number)
