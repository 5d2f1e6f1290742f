"""What a run of the catalogue says: one row a property, a headline that counts the untested, a table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from refms.conformance.adapters.profile import Profile
from refms.conformance.property import Property

RowVerdict = Literal["PASS", "MARGINAL", "FAIL", "NOT IMPLEMENTED", "NOT RUN"]
"""Verdict on a property; the last two are untested."""

VERDICTS: tuple[RowVerdict, ...] = ("PASS", "MARGINAL", "FAIL", "NOT IMPLEMENTED", "NOT RUN")
HEADLINED = {"E1": "repeats", "E2": "threads", "E3": "batch splits"}
"""Properties of which the last note, the worst, stands in the headline."""

MOST_NAMED = 12
"""How many subjects of a note the table on the terminal names; all other formats name all."""

UNTESTED: tuple[RowVerdict, ...] = ("NOT IMPLEMENTED", "NOT RUN")


@dataclass(frozen=True)
class Row:
    """What was found of one property.

    Parameters
    ----------
    id, family, title : str
        Which property.
    verdict : str
        One of ``VERDICTS``; NOT RUN unless something was really checked.
    rho : float or None
        Worst scaled residual in eps; None where the criterion is another one or nothing ran.
    criterion : str
        What the worst outcome was judged by.
    sentence : str
        What was found; empty for PASS.
    instances : int
        How many were checked.
    worst_instance : str
        The case of the worst outcome, with its seed.
    seconds : float
        Time spent.
    diagnosis : str
        Which known mistakes give the same wrong output; empty if none does.
    notes : tuple of (str, str)
        What is said of the subjects of the property, also where it passes: subject and text.
    detail : str
        What the worst outcome was found from, in several lines: a table of steps and remainders.
    shrunk_instance : str
        The simplest case that was found to fail in the same way; empty unless FAIL.
    reproduction : str
        A script that ends with 1 as long as it fails, see :mod:`refms.conformance.reproduction`; empty unless
        FAIL.
    """

    id: str
    family: str
    title: str
    verdict: RowVerdict = "NOT RUN"
    rho: float | None = None
    criterion: str = ""
    sentence: str = ""
    instances: int = 0
    worst_instance: str = ""
    seconds: float = 0.0
    diagnosis: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    detail: str = ""
    shrunk_instance: str = ""
    reproduction: str = ""

    @property
    def noted(self) -> str:
        """The notes in one line, subjects with the same text together; empty if there are none."""
        return "; ".join(f"{', '.join(subjects)}: {text}" for text, subjects in self._groups)

    @property
    def noted_briefly(self) -> str:
        """The same, a long list of subjects as their number."""
        shown = [
            (text, ", ".join(subjects) if len(subjects) <= MOST_NAMED else f"{len(subjects)} operations")
            for text, subjects in self._groups
        ]
        return "; ".join(f"{subjects}: {text}" for text, subjects in shown)

    @property
    def _groups(self) -> list[tuple[str, list[str]]]:
        texts = dict.fromkeys(text for _, text in self.notes)
        return [(text, [subject for subject, said in self.notes if said == text]) for text in texts]


@dataclass(frozen=True)
class Report:
    """The outcome of a run.

    Parameters
    ----------
    profile : Profile
        What the implementation declares.
    tier : str
        How much was run.
    seed : int
        With which seed.
    rows : tuple of Row
        One a property.
    """

    profile: Profile
    tier: str
    seed: int
    rows: tuple[Row, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many properties have which verdict; all verdicts are listed."""
        return {finding: sum(row.verdict == finding for row in self.rows) for finding in VERDICTS}

    @property
    def untested(self) -> int:
        """How many properties were not implemented or not run."""
        return sum(row.verdict in UNTESTED for row in self.rows)

    @property
    def passed(self) -> bool:
        """Whether something passed and nothing failed; a report in which nothing ran has not passed."""
        return self.counts["FAIL"] == 0 and self.counts["PASS"] > 0

    @property
    def headline(self) -> str:
        """One line: the counts, the untested ones apart, and how deterministic it is."""
        counts = self.counts
        parts = [f"{counts['PASS']} pass", f"{counts['MARGINAL']} marginal", f"{counts['FAIL']} fail"]
        untested = f"{self.untested} untested" + (
            f" ({counts['NOT IMPLEMENTED']} not implemented, {counts['NOT RUN']} not run)"
            if self.untested
            else ""
        )
        name = f"{self.profile.name} {self.profile.dtype}"
        line = f"{name}: {', '.join(parts)}, {untested} of {len(self.rows)} properties"
        alike = [
            f"{HEADLINED[row.id]} {row.notes[-1][1]}"
            for row in self.rows
            if row.id in HEADLINED and row.notes
        ]
        return "; ".join([line, *([", ".join(alike)] if alike else [])])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain Python values, ready for JSON: a ρ that is not finite becomes a string.

        Returns
        -------
        dict
            ``profile``, ``tier``, ``seed``, ``passed``, ``counts``, ``untested``, ``headline``, ``rows``.
        """
        rows = [dataclasses.asdict(row) for row in self.rows]
        for row in rows:
            if row["rho"] is not None and not math.isfinite(row["rho"]):
                row["rho"] = str(row["rho"])
            row["notes"] = dict(row["notes"])
        return {
            "profile": dataclasses.asdict(self.profile),
            "tier": self.tier,
            "seed": self.seed,
            "passed": self.passed,
            "counts": self.counts,
            "untested": self.untested,
            "headline": self.headline,
            "rows": rows,
        }


def untested_row(item: Property, sentence: str, verdict: RowVerdict = "NOT RUN") -> Row:
    """Return the row of a property before anything was checked, with the reason."""
    return Row(item.id, item.family, item.title, verdict, sentence=sentence)


def table(reports: Iterable[Report], *, details: bool = False) -> str:
    """Return reports on the same catalogue side by side as text: property, worst ρ for each, verdict.

    Parameters
    ----------
    reports : iterable of Report
        For example the same implementation in both precisions; at least one.
    details : bool
        Whether to show what was found from which numbers also where it did not fail.

    Returns
    -------
    str
        One line a property with its title; below it, indented, what was found where it did not pass. ρ is "-"
        where the criterion is a window or a statement instead.
    """
    columns = list(reports)
    width = max(len(row.title) for row in columns[0].rows)
    labels = " ".join(f"{'ρ ' + report.profile.dtype:>11}" for report in columns)
    lines = [f"{'':4} {'property':{width}} {labels}  verdict"]
    family = ""
    for rows in zip(*(report.rows for report in columns), strict=True):
        first = rows[0]
        if first.family != family:
            family = first.family
            lines.append(family)
        sizes = " ".join(f"{_size(row):>11}" for row in rows)
        worst = max((row.verdict for row in rows), key=_severity)
        lines.append(f"{first.id:>4} {first.title:{width}} {sizes}  {worst}")
        for report, row in zip(columns, rows, strict=True):
            if row.verdict != "PASS":
                case = f" [{row.worst_instance}]" if row.worst_instance else ""
                lines.append(f"{'':9}{report.profile.dtype}: {row.sentence}{case}")
            if row.diagnosis:
                lines.append(f"{'':9}{report.profile.dtype}: {row.diagnosis}.")
            if row.shrunk_instance not in ("", row.worst_instance):
                lines.append(f"{'':9}{report.profile.dtype}: it fails on [{row.shrunk_instance}] too.")
            if row.notes:
                lines.append(f"{'':9}{report.profile.dtype}: {row.noted_briefly}.")
            if row.detail and (details or row.verdict == "FAIL"):
                lines += [
                    f"{'':9}{report.profile.dtype}:",
                    *(f"{'':9}{one}" for one in row.detail.splitlines()),
                ]
    return "\n".join(lines)


def _size(row: Row) -> str:
    if row.rho is None:
        return "-"
    return f"{row.rho:.2f}" if row.rho < 999.995 else f"{row.rho:.1e}"


def _severity(verdict: str) -> int:
    return ("PASS", "NOT RUN", "NOT IMPLEMENTED", "MARGINAL", "FAIL").index(verdict)
