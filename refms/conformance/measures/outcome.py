"""What a property finds on one instance: a residual ρ with its scale, or a count, or a slope in a window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.checks.report import Verdict, verdict, worst_verdict
from refms.conformance.measures.precision import EPS as EPS
from refms.conformance.measures.precision import LIMITS
from refms.errors import Array
from refms.names import HALVES


@dataclass(frozen=True)
class Note:
    """Something worth saying of an instance, be it passed or not."""

    subject: str  # of what it is said, such as an operation
    text: str  # what is said, such as `"bitwise"`
    rank: float = 0.0  # of several notes on one subject the one with the largest rank is kept


@dataclass(frozen=True)
class Outcome:
    """The result of a property on one instance.

    >>> Outcome("PASS", 0.5, "‖s‖₁‖y‖_∞").rho
    0.5
    """

    verdict: Verdict  # `"PASS"`, `"MARGINAL"` or `"FAIL"`
    rho: float | None  # scaled residual in units of eps; None where the criterion is another one
    criterion: str  # what was compared, and against which scale or in which window
    sentence: str = ""  # what was found
    notes: tuple[Note, ...] = ()  # what is said also where it passes
    detail: str = ""  # what it was found from, in several lines: a table of steps and remainders


def residual(got: Array, expected: Array, scale: float, dtype: str, text: str) -> Outcome:
    """Judge ρ = max|got − expected| / (eps · scale): at most 30, in half precisions at most 2.

    >>> residual(np.ones(2), np.ones(2), 1.0, "float64", "ones").verdict
    'PASS'
    """
    a, b = np.asarray(got, dtype="float64"), np.asarray(expected, dtype="float64")
    if a.shape != b.shape:
        return Outcome("FAIL", float("inf"), text, f"{text}: shape {a.shape} instead of {b.shape}.")
    if a.size == 0:
        return too_little(text, "there is no entry to compare")
    if not 0 <= scale < np.inf:
        return Outcome(
            "FAIL", float("inf"), text, f"{text}: errors cannot count against the scale {scale:g}."
        )
    error = np.abs(a - b)
    size = float(error.max())
    unit = EPS[dtype] * float(scale)
    rho = 0.0 if size == 0.0 else size / unit if unit > 0 else float("inf") if size == size else size
    found = verdict(rho)
    if dtype in HALVES:  # a margin of ten would hide what there is to find
        found = "PASS" if rho <= LIMITS[dtype] else "FAIL"
    where = ""
    if found != "PASS" and error.ndim:
        largest = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
        index = tuple(int(i) for i in np.unravel_index(largest, a.shape))
        where = f", largest at {index}: got {a[index]:.6g}, expected {b[index]:.6g}"
    elif found != "PASS":
        where = f": got {float(a):.9g}, expected {float(b):.9g}"
    return Outcome(found, rho, text, f"{text}: ρ = {rho:.3g}{where}.")


def varies(array: Array, text: str) -> Outcome:
    """Judge that a result is not the same number throughout, for then what holds of it is trivial."""
    values = np.asarray(array).ravel()
    trivial = not np.any(values != values[0]) if values.size > 1 else not np.any(values != 0)
    return holds(not trivial, text, "only one and the same number came back, so nothing was tested")


def within(value: float, low: float, high: float, text: str, detail: str = "") -> Outcome:
    """Judge that a number, such as a slope, lies in a window.

    >>> within(1.01, 0.9, 1.1, "slope").verdict
    'PASS'
    """
    inside = low <= value <= high
    criterion = f"{text} in [{low:g}, {high:g}]"
    sentence = f"{text} is {value:.4g}, expected {low:g} to {high:g}."
    return Outcome("PASS" if inside else "FAIL", None, criterion, sentence, detail=detail)


def holds(condition: Any, criterion: str, otherwise: str) -> Outcome:
    """Judge a yes-or-no statement."""
    good = bool(condition)
    return Outcome("PASS" if good else "FAIL", None, criterion, "" if good else f"{criterion}: {otherwise}.")


def too_little(criterion: str, sentence: str, detail: str = "") -> Outcome:
    """Return the outcome where there was nothing to compare, or too little: MARGINAL, and why."""
    return Outcome(
        "MARGINAL", None, criterion, f"{criterion}: {sentence}, so nothing was tested.", detail=detail
    )


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of several outcomes; none at all is MARGINAL, because nothing was checked.

    >>> worst([Outcome("PASS", 1.0, "a"), Outcome("PASS", 2.0, "b")]).rho
    2.0
    """
    found = list(outcomes)
    if not found:
        return too_little("nothing", "no outcome was found")
    badness = worst_verdict(outcome.verdict for outcome in found)
    sizes = [outcome.rho for outcome in found if outcome.rho is not None]
    rho = None if not sizes else max(sizes, key=lambda r: float("inf") if r != r else r)
    culprits = [outcome for outcome in found if outcome.verdict == badness]
    culprit = max(
        culprits, key=lambda o: -1.0 if o.rho is None else float("inf") if o.rho != o.rho else o.rho
    )
    notes: dict[str, Note] = {}
    for note in (note for outcome in found for note in outcome.notes):
        if note.subject not in notes or note.rank > notes[note.subject].rank:
            notes[note.subject] = note
    detail = culprit.detail or next((outcome.detail for outcome in found if outcome.detail), "")
    return Outcome(badness, rho, culprit.criterion, culprit.sentence, tuple(notes.values()), detail)
