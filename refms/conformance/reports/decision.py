"""What a run is worth: the one decision that terminal, files, exit codes and pytest say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refms.conformance.reports.report import Report, Row

LEAST_TESTED = 0.5
"""Share of the selected properties that must be tested where the profile claims no level."""

DECISIONS = ("PASS", "TOO LITTLE TESTED", "FAIL")
"""On a whole run, from good to bad."""


@dataclass(frozen=True)
class Decision:
    """The verdict, the share of what had to be tested that was, and why it is no PASS; true if it is one."""

    verdict: str  # one of `DECISIONS`
    tested: float
    sentence: str = ""

    def __bool__(self) -> bool:
        return self.verdict == "PASS"


def decide(rows: Iterable[Row], level: str | None = None, broken: Sequence[str] = ()) -> Decision:
    """Decide on the rows of one implementation in one precision; what does not apply counts for nothing.

    FAIL if a row fails that was not expected to, or an expectation is broken. PASS if something passed and so
    much was tested: all selected properties of the level that is claimed; where there are none, half of the
    selected ones.
    """
    chosen = [row for row in rows if row.selected and row.verdict != "NOT APPLICABLE"]
    of_level = [row for row in chosen if level in row.levels]
    due = of_level or chosen
    untested = [row.id for row in due if row.untested]
    tested = 1 - len(untested) / len(due) if due else 0.0
    failing = [row.id for row in chosen if row.verdict == "FAIL" and not row.expected]
    if failing or broken:
        failed = [f"failed: {', '.join(dict.fromkeys(failing))}."] if failing else []
        return Decision("FAIL", tested, " ".join([*failed, *broken]))
    if of_level and untested:
        names = ", ".join(dict.fromkeys(untested))
        sentence = f"Too little was tested: the profile claims the level {level!r}, but not tested: {names}."
    elif tested < LEAST_TESTED:
        sentence = (
            f"Too little was tested: {100 * tested:.0f} % of the selected properties, expected at least "
            f"{100 * LEAST_TESTED:.0f} %. Implement more operations, select less with --only, or claim a "
            "level in the profile."
        )
    elif not any(row.verdict == "PASS" for row in chosen):
        sentence = "Too little was tested: nothing passed."
    else:
        return Decision("PASS", tested)
    return Decision("TOO LITTLE TESTED", tested, sentence)


def decide_all(reports: Iterable[Report]) -> Decision:
    """Return the worst decision on several reports, with the smallest share; none is TOO LITTLE TESTED."""
    found = [report.decision for report in reports]
    verdict = max((one.verdict for one in found), key=DECISIONS.index, default="TOO LITTLE TESTED")
    sentences = dict.fromkeys(one.sentence for one in found if one.verdict == verdict and one.sentence)
    return Decision(verdict, min((one.tested for one in found), default=0.0), " ".join(sentences))
