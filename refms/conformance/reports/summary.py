"""What a run says in short, made once for all formats: the causes of its failures, and counts by family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from refms.conformance.instances.covering import Coverage
from refms.conformance.reports.decision import Decision, decide_all
from refms.conformance.reports.reach import reach_of
from refms.conformance.reports.report import TESTED, VERDICTS, Report, Row, severity


@dataclass(frozen=True)
class Failure:
    """A property that fails in one precision."""

    dtype: str
    row: Row


@dataclass(frozen=True)
class Cause:
    """What explains some failures: a known mistake, one of several, or an operation that is wrong."""

    failures: tuple[Failure, ...]
    mistakes: tuple[str, ...] = ()  # the nearest, this one first
    certain: bool = False  # whether some failure tells it from all others
    only: str = ""  # the precision, if the same properties pass in the other

    @property
    def first(self) -> Failure:
        """The first failure, in the order of the catalogue."""
        return self.failures[0]

    @property
    def ids(self) -> tuple[str, ...]:
        """The properties that it fails."""
        return tuple(dict.fromkeys(one.row.id for one in self.failures))

    @property
    def name(self) -> str:
        """The mistake; where none has a name, what fails first."""
        row = self.first.row
        if self.certain:
            return self.mistakes[0]
        if self.mistakes:
            return f"nearest known mistakes: {', or '.join(self.mistakes[:3])}"
        wrong = f"{row.operation} is wrong" if row.operation else row.title
        return f"no known mistake: {wrong}"

    @property
    def where(self) -> str:
        """On which instances and in which precision alone, if most of its failures say so."""
        told = Counter(one.row.where for one in self.failures)
        most, count = max(told.items(), key=lambda one: one[1])
        rule = most if most.startswith("fails only") and 2 * count >= len(self.failures) else ""
        return "; ".join(filter(None, (rule, f"{self.only} only" if self.only else "")))

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        named = {"name": self.name, "certain": self.certain, "mistakes": self.mistakes, "where": self.where}
        return {**named, "failures": [{"id": one.row.id, "dtype": one.dtype} for one in self.failures]}


@dataclass(frozen=True)
class Summary:
    """Reports on one implementation, their decision, and what all formats say of them first."""

    reports: tuple[Report, ...]
    decision: Decision
    causes: tuple[Cause, ...]
    families: dict[str, dict[str, int]]  # how many properties have which verdict, the worst of all precisions
    reach: dict[str, Coverage]  # which pairs of levels of the axes of variation came up, by family
    said: tuple[str, ...] = ()  # what the probe says
    everything: bool = False  # whether also properties are listed that are not implemented or do not apply

    @property
    def headline(self) -> str:
        """How many causes explain how many failures; empty if nothing fails."""
        n, failures = len(self.causes), {id_ for cause in self.causes for id_ in cause.ids}
        if not failures:
            return ""
        explain = "1 cause explains" if n == 1 else f"{n} causes explain"
        return f"{explain} {len(failures)} failure{'s' * (len(failures) > 1)}"

    def listed(self, report: Report) -> tuple[Row, ...]:
        """Return the rows that are shown one by one, the same of all reports; the others are counted."""
        shown = {row.id for one in self.reports for row in one.rows if self.everything or _counts(row)}
        return tuple(row for row in report.rows if row.id in shown)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON, without the reports themselves."""
        causes = [cause.to_dict() for cause in self.causes]
        reach = {name: found.to_dict() for name, found in self.reach.items()}
        return {"causes": causes, "families": self.families, "instances": reach, "probe": list(self.said)}


def _counts(row: Row) -> bool:
    """Return whether a property was tested, or was to be and could not."""
    return row.verdict in TESTED or (row.verdict == "NOT RUN" and row.selected)


def summarize(reports: Iterable[Report], said: Iterable[str] = (), *, everything: bool = False) -> Summary:
    """Return the summary of reports on the same catalogue."""
    shown = tuple(reports)
    facts = decide_all(shown), causes_of(shown), families_of(shown), reach_of(shown)
    return Summary(shown, *facts, tuple(dict.fromkeys(said)), everything)


def causes_of(reports: Sequence[Report]) -> tuple[Cause, ...]:
    """Return what explains all failures that were not expected, first what explains most.

    Of the known mistakes that outputs agree with, again and again the one is taken that explains most of the
    failures that are left. Failures that none explains go by the operation that is wrong first, or by family.
    """
    left = [
        Failure(report.profile.dtype, row)
        for report in reports
        for row in report.rows
        if row.verdict == "FAIL" and not row.expected
    ]
    order = list(dict.fromkeys(row.id for report in reports for row in report.rows))
    left.sort(key=lambda one: order.index(one.row.id))
    found = []
    while left:
        told = Counter(name for one in left for name in one.row.mistakes)
        named = Counter(one.row.mistakes[0] for one in left if one.row.certain)
        name = max(told, key=lambda one: (told[one], named[one]), default="")
        taken = [one for one in left if name in one.row.mistakes] if name else _alike(left)
        mistakes = dict.fromkeys([name, *taken[0].row.mistakes]) if name else ()
        certain = any(one.row.certain for one in taken)
        found.append(Cause(tuple(taken), tuple(mistakes), certain, _only(taken, reports)))
        left = [one for one in left if one not in taken]
    return tuple(sorted(found, key=lambda cause: -len(cause.ids)))


def _alike(left: Sequence[Failure]) -> list[Failure]:
    """Return the failures of the operation, or of the family, in which the first one is."""

    def kind(one: Failure) -> str:
        return one.row.operation or one.row.family

    return [one for one in left if kind(one) == kind(left[0])]


def _only(failures: Sequence[Failure], reports: Sequence[Report]) -> str:
    """Return the precision in which alone some properties fail, all of which pass in another one."""
    dtypes, ids = {one.dtype for one in failures}, {one.row.id for one in failures}
    passing = [
        row.id
        for report in reports
        if report.profile.dtype not in dtypes
        for row in report.rows
        if row.verdict in ("PASS", "MARGINAL") and row.id in ids
    ]
    return dtypes.pop() if len(dtypes) == 1 and ids <= set(passing) else ""


def families_of(reports: Sequence[Report]) -> dict[str, dict[str, int]]:
    """Return how many properties of each family have which verdict, of several precisions the worst."""
    found: dict[str, dict[str, int]] = {}
    for rows in zip(*(report.rows for report in reports), strict=True):
        counts = found.setdefault(rows[0].family, dict.fromkeys(VERDICTS, 0))
        counts[max((row.verdict for row in rows), key=severity)] += 1
    return found
