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
from refms.conformance.adapters.reference import ReferenceAdapter, reference_profile
from refms.conformance.cases import Case
from refms.conformance.isolation.implementation import Isolated
from refms.conformance.mutants import mutant_named
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reports.report import Row, row_of
from refms.conformance.runner import check_property, run
from refms.errors import InputError

BRIEF = ("C9", "D1", "S3", "S6")
"""Cheap properties that see fields, arrays and numbers."""

LONG = (*BRIEF, "C14", "T5", "G1", "G10", "N9", "H3", "O2", "O9", "R1")
"""One or more of every family that judges single results."""

NUMBERS = ("S6", "H3", "R1")
"""Properties that begin with bare numbers, which have neither shape nor dtype nor anything to modify."""

LIMIT = 1.0
"""Seconds after which an adapter counts as hanging in the long self-test."""


@dataclass(frozen=True)
class Kind:
    """A kind of adapter and what the kit must say of it."""

    name: str  # in words
    make: Callable[[], Any]  # () -> adapter
    verdict: str  # what every property must say
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


_CHANGES = (
    ("None for every result", nothing, "", ()),
    ("zeros", returning(np.zeros_like), "", ()),
    ("one constant", returning(np.ones_like), "", ()),
    ("NaN", returning(lambda a: np.full_like(a, np.nan)), "", ()),
    (
        "results of another shape",
        returning(lambda a: np.append(a, 0.0) if np.ndim(a) else a),
        "returned shape",
        NUMBERS,
    ),
    (
        "results of another precision",
        returning(lambda a: np.asarray(a, dtype="float32")),
        "the precision must not change",
        NUMBERS,
    ),
    ("arguments modified", modifying, "modified its arguments", ()),
    ("exceptions", raising(ValueError("on fire")), "ValueError: on fire", ()),
    ("Python ended", raising(SystemExit(0)), "SystemExit: 0", ()),
)
"""What fails: name, change of every operation, words, properties it is not meant for."""

_MISTAKES = (
    ("C9", "kernel flipped on all axes"),
    ("D1", "layers copied in place of interpolated"),
    ("S3", "labels forgotten in the gradient, p in place of p − c"),
    ("T5", "R sums where it should average"),
)
"""What fails in one property, under the name of its mutant."""


def _around(change: Change) -> Callable[[], Any]:
    return lambda: Around(ReferenceAdapter(), change)


def _mutated(name: str) -> Callable[[], Any]:
    return lambda: mutant_named(name).around(ReferenceAdapter())


_ABSENT, _LATER = "NOT IMPLEMENTED", NotImplementedError("next year")

KINDS = (
    Kind("refms itself", ReferenceAdapter, "PASS"),
    Kind("nothing implemented", lambda: Adapter(reference_profile()), _ABSENT, "the adapter has no"),
    Kind("NotImplementedError raised", _around(raising(_LATER)), _ABSENT, "the adapter says: next year"),
    *(
        Kind(name, _around(change), "FAIL", words, without=without)
        for name, change, words, without in _CHANGES
    ),
    *(Kind(f"the mistake: {name}", _mutated(name), "FAIL", only=(id_,)) for id_, name in _MISTAKES),
)
"""What can be looked at in this process."""

_ADAPTERS = "refms.conformance.adapters"

PROCESSES = (
    ("refms itself, in a process of its own", f"{_ADAPTERS}.reference:ReferenceAdapter", "PASS", ""),
    ("a process that hangs", f"{_ADAPTERS}.misbehaving:hanging", "FAIL", "did not return within"),
    ("a process that is killed", f"{_ADAPTERS}.misbehaving:dying", "FAIL", "the process died"),
    ("a process that ends itself", f"{_ADAPTERS}.misbehaving:leaving", "FAIL", "ended itself"),
)
"""What needs a process of its own: name, adapter, verdict, words."""


def self_test(*, long: bool = False) -> Iterator[Finding]:
    """Look the kit over in this installation.

    >>> next(self_test()).line
    'good   refms itself: PASS in C9, D1, S3, S6'
    """
    chosen = [item for item in PROPERTIES if item.id in (LONG if long else BRIEF)]
    for kind in KINDS:
        laws = [
            item for item in chosen if (not kind.only or item.id in kind.only) and item.id not in kind.without
        ]
        if laws:
            yield _found(kind.name, kind.verdict, kind.words, [_row(kind, item) for item in laws])
    yield _unselected()
    if long:
        item = next(item for item in chosen if item.id == "D1")
        for name, spec, verdict, words in PROCESSES:
            yield _found(name, verdict, words, [_row_elsewhere(spec, item)])


def complaints() -> list[str]:
    """Return a line for each kind that the quick self-test judges wrongly, and what to do; or nothing."""
    wrong = [finding.line for finding in self_test() if not finding.good]
    advice = (
        "the kit itself does not work in this installation, so nothing was judged. Reinstall refms and NumPy "
        "in an environment of their own; `refms conform self-test` says more."
    )
    return [*wrong, advice] if wrong else []


def _row(kind: Kind, item: Property) -> Row:
    """Return what a property says of a kind; the kit must not raise."""
    hurried = Position(limit=0.0)  # no time for the smallest case and a script
    try:
        return check_property(Gate(kind.make(), hurried), item, "quick", 0)
    except Exception as error:
        return row_of(item, sentence=in_words(error))


def _row_elsewhere(spec: str, item: Property) -> Row:
    """Return what a property says of an adapter in a process of its own."""
    try:
        with Isolated(spec, "float64", LIMIT if spec.endswith(":hanging") else None) as there:
            return there.check(Case(item, there.adapters[0], None))
    except InputError as error:
        return row_of(item, sentence=str(error))


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
