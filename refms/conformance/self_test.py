"""The kit looked over before it judges others: what is wrong must fail here, and what is right must pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.conformance.adapters.adapter import Adapter
from refms.conformance.adapters.around import Around, Change
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.misbehaving import modifying, nothing, raising, returning
from refms.conformance.adapters.misbehaviour import in_words
from refms.conformance.adapters.position import Position
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.cases import Case
from refms.conformance.isolation.implementation import Isolated
from refms.conformance.mutants import mutant_named
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reports.report import Row, row_of
from refms.conformance.runner import check_property, run
from refms.errors import Array

BRIEF = ("C9", "D1", "S3", "S6")
"""Cheap properties that see fields, arrays and numbers."""

_MULTISCALE = ("Z1", "L1", "Q2", "F1", "W1", "M1", "A3")
LONG = (*BRIEF, "C14", "T5", "G1", "G10", "N9", "H3", "O2", "O9", "R1", *_MULTISCALE)
"""One or more of every family that judges single results."""

NUMBERS = ("S6", "H3", "R1")
"""Properties that begin with bare numbers, which have neither shape nor dtype nor anything to modify."""

LIMIT = 1.0
"""Seconds after which an adapter counts as hanging in the long self-test."""


@dataclass(frozen=True)
class Kind:
    """A kind of adapter and what the kit must say of it."""

    name: str  # in words
    make: Callable[[], Any] | str  # () -> adapter; or its name, for a process of its own
    verdict: str = "FAIL"  # what every property must say
    words: str = ""  # what every sentence must contain
    only: tuple[str, ...] = ()  # ids of the properties it is meant for; empty: all
    without: tuple[str, ...] = ()  # ids of the properties it is not meant for


@dataclass(frozen=True)
class Finding:
    """What the kit has said of one kind of adapter."""

    name: str  # the kind
    verdict: str  # what had to be said
    tested: tuple[str, ...]  # ids of the properties
    wrong: tuple[str, ...]  # a sentence for everything else that was said

    @property
    def good(self) -> bool:
        """Whether something was tested and all of it came out as it must."""
        return bool(self.tested) and not self.wrong

    @property
    def line(self) -> str:
        """One line."""
        if self.good:
            return f"good   {self.name}: {self.verdict} in {', '.join(self.tested)}"
        return (
            f"BROKEN {self.name}: expected {self.verdict}, but {'; '.join(self.wrong) or 'nothing was run'}"
        )


def _around(change: Change) -> Callable[[], Any]:
    return lambda: Around(ReferenceAdapter(), change)


def _claiming() -> Adapter:
    """Return what has nothing, and claims the operations of [MST] as well."""
    return Adapter(dataclasses.replace(reference_profile(), level="multiscale"))


def _mistake(name: str, id_: str) -> Kind:
    """Return what fails in one property, under the name of its mutant."""
    return Kind(f"the mistake: {name}", lambda: mutant_named(name).around(ReferenceAdapter()), only=(id_,))


def _longer(array: Array) -> Array:
    return np.append(array, 0.0) if np.ndim(array) else array


def _single(array: Array) -> Array:
    return np.asarray(array, dtype="float32")


_ABSENT, _LATER = "NOT IMPLEMENTED", NotImplementedError("next year")
_SHAPE, _PRECISION = "returned shape", "the precision must not change"

KINDS = (
    Kind("refms itself", ReferenceAdapter, "PASS"),
    Kind("nothing implemented", _claiming, _ABSENT, "the adapter has no"),
    Kind("NotImplementedError raised", _around(raising(_LATER)), _ABSENT, "the adapter says: next year"),
    Kind("None for every result", _around(nothing)),
    Kind("zeros", _around(returning(np.zeros_like))),
    Kind("one constant", _around(returning(np.ones_like))),
    Kind("NaN", _around(returning(lambda array: np.full_like(array, np.nan)))),
    Kind("results of another shape", _around(returning(_longer)), words=_SHAPE, without=NUMBERS),
    Kind("results of another precision", _around(returning(_single)), words=_PRECISION, without=NUMBERS),
    Kind("arguments modified", _around(modifying), words="modified its arguments"),
    Kind("exceptions", _around(raising(ValueError("on fire"))), words="ValueError: on fire"),
    Kind("Python ended", _around(raising(SystemExit(0))), words="SystemExit: 0"),
    _mistake("kernel flipped on all axes", "C9"),
    _mistake("layers copied in place of interpolated", "D1"),
    _mistake("labels forgotten in the gradient, p in place of p − c", "S3"),
    _mistake("R sums where it should average", "T5"),
)
"""What can be looked at in this process."""

_REFERENCE = "refms.conformance.adapters.reference:ReferenceAdapter"
_MISBEHAVING = "refms.conformance.adapters.misbehaving"

PROCESSES = (
    Kind("refms itself, in a process of its own", _REFERENCE, "PASS"),
    Kind("a process that hangs", f"{_MISBEHAVING}:hanging", words="did not return within"),
    Kind("a process that is killed", f"{_MISBEHAVING}:dying", words="the process died"),
    Kind("a process that ends itself", f"{_MISBEHAVING}:leaving", words="ended itself"),
)
"""What needs a process of its own, in D1."""


def self_test(*, long: bool = False) -> Iterator[Finding]:
    """Look the kit over in this installation."""
    chosen = [item for item in PROPERTIES if item.id in (LONG if long else BRIEF)]
    for kind in KINDS:
        laws = [
            item for item in chosen if (not kind.only or item.id in kind.only) and item.id not in kind.without
        ]
        if laws:
            yield _found(kind.name, kind.verdict, kind.words, [_row(kind.make, item) for item in laws])
    yield _unselected()
    if long:
        item = next(item for item in chosen if item.id == "D1")
        for kind in PROCESSES:
            yield _found(kind.name, kind.verdict, kind.words, [_row(kind.make, item)])


def complaints() -> list[str]:
    """Return a line for each kind that the quick self-test judges wrongly, and what to do; or nothing."""
    wrong = [finding.line for finding in self_test() if not finding.good]
    advice = (
        "the kit itself does not work in this installation, so nothing was judged. Reinstall refms and NumPy "
        "in an environment of their own; `refms conform self-test` says more."
    )
    return [*wrong, advice] if wrong else []


def _row(make: Callable[[], Any] | str, item: Property) -> Row:
    """Return what a property says of an adapter, here or in a process of its own; the kit must not raise."""
    try:
        if isinstance(make, str):
            with Isolated(make, "float64", LIMIT if make.endswith(":hanging") else None) as there:
                return there.check(Case(item, there.adapters[0], None))
        hurried = Position(limit=0.0)  # no time for the smallest case and a script
        return check_property(Gate(make(), hurried), item, "quick", 0)
    except Exception as error:
        return row_of(item, sentence=in_words(error))


def _unselected() -> Finding:
    """Look at a report in which nothing was run: it must not have passed."""
    report = run(ReferenceAdapter(), properties=[])
    found = _found("nothing selected", "NOT RUN", "not selected", report.rows)
    return dataclasses.replace(
        found,
        tested=(f"all {len(report.rows)} properties",),
        wrong=(*found.wrong, *(["the report has passed"] if report.passed else [])),
    )


def _found(name: str, verdict: str, words: str, rows: Sequence[Row]) -> Finding:
    wrong = tuple(
        f"{row.id} is {row.verdict}" + (f": {row.sentence}" if row.sentence else "")
        for row in rows
        if row.verdict != verdict or words not in row.sentence
    )
    return Finding(name, verdict, tuple(row.id for row in rows), wrong)
