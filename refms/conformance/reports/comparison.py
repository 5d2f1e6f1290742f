"""Two reports on one catalogue compared: whose verdicts changed, for better or worse, and by how much ρ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from refms.conformance.reports.report import TESTED
from refms.conformance.reports.saved import SavedReport, SavedRow

NOTABLE = 2.0
"""Factor from which a change of ρ is worth a line."""

ABSENT = SavedRow("absent", None)
"""Stands where a report does not know the property or the precision."""


@dataclass(frozen=True)
class Change:
    """One property in one precision, before and after."""

    id: str
    dtype: str
    before: SavedRow
    after: SavedRow

    @property
    def changed(self) -> bool:
        """Whether the verdict is another one."""
        return self.before.verdict != self.after.verdict

    @property
    def worse(self) -> bool:
        """Whether a property fails anew, is marginal where it passed, or is tested no longer.

        What failed and does not apply any more is neither worse nor better: nothing is claimed of it.
        """
        before, after = self.before.verdict, self.after.verdict
        if after not in TESTED:
            return before in TESTED and (before, after) != ("FAIL", "NOT APPLICABLE")
        return after == "FAIL" != before or (before, after) == ("PASS", "MARGINAL")

    @property
    def better(self) -> bool:
        """Whether the verdict is another one of something tested, and not worse."""
        return self.changed and not self.worse and self.after.verdict in TESTED

    @property
    def ratio(self) -> float | None:
        """Of ρ after to ρ before; None unless both are positive and finite."""
        a, b = self.before.rho, self.after.rho
        if a is None or b is None or not (0 < a < math.inf and 0 < b < math.inf):
            return None
        ratio = b / a
        return ratio if 0 < ratio < math.inf else None

    @property
    def sentence(self) -> str:
        """Verdicts and ρ in one line."""
        first, second = self.before.verdict, self.after.verdict
        line = f"{self.id} {self.dtype}: " + (f"{first} -> {second}" if self.changed else first)
        a, b = self.before.rho, self.after.rho
        if a is None and b is None:
            return line
        sizes = [("-" if rho is None else f"{rho:.3g}") for rho in (a, b)]
        times = "" if self.ratio is None else f" ({self.ratio:.3g} times)"
        return f"{line}, ρ {sizes[0]} -> {sizes[1]}{times}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Where another note is made of an operation than before, such as its class of determinism."""
        after = self.after.notes
        return tuple(
            f"{self.id} {self.dtype}, {subject}: {said} -> {after[subject]}"
            for subject, said in self.before.notes.items()
            if after.get(subject, said) != said
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the change as plain Python values, ready for JSON."""
        return {
            "id": self.id,
            "dtype": self.dtype,
            "before": self.before.verdict,
            "after": self.after.verdict,
            "worse": self.worse,
            "rho_before": self.before.rho,
            "rho_after": self.after.rho,
            "rho_ratio": self.ratio,
            "remarks": list(self.remarks),
        }


def compare(before: Sequence[SavedReport], after: Sequence[SavedReport]) -> tuple[Change, ...]:
    """Return all properties of two sets of reports side by side, precision by precision."""
    found = []
    one, two = ({report.dtype: report.rows for report in reports} for reports in (before, after))
    for dtype in dict.fromkeys([*one, *two]):
        a, b = one.get(dtype, {}), two.get(dtype, {})
        found += [
            Change(id_, dtype, a.get(id_, ABSENT), b.get(id_, ABSENT)) for id_ in dict.fromkeys([*a, *b])
        ]
    return tuple(found)


def notable(change: Change) -> bool:
    """Return whether ρ has grown or shrunk by a factor worth a line, the verdict being the same."""
    ratio = change.ratio
    return not change.changed and ratio is not None and not 1 / NOTABLE < ratio < NOTABLE
