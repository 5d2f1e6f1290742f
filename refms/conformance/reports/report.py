"""What a run of the catalogue says: one row a property, a headline that counts the untested, a table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from refms.conformance.adapters.profile import LEVELS, Profile
from refms.conformance.property import Property
from refms.conformance.reports.decision import Decision, decide
from refms.display import short_repr, table_as_html
from refms.errors import presentable

RowVerdict = Literal["PASS", "MARGINAL", "FAIL", "NOT IMPLEMENTED", "NOT RUN", "NOT APPLICABLE"]
"""On a property; what is not implemented or not run is untested, what the profile rules out is not."""

VERDICTS: tuple[RowVerdict, ...] = get_args(RowVerdict)
TESTED: tuple[RowVerdict, ...] = ("PASS", "MARGINAL", "FAIL")
UNTESTED: tuple[RowVerdict, ...] = ("NOT IMPLEMENTED", "NOT RUN")

HEADLINED = {"E1": "repeats", "E2": "threads", "E3": "batch splits"}
"""Properties of which the last note, the worst, stands in the headline."""

MOST_NAMED = 12
"""How many subjects of a note the table on the terminal names; all other formats name all."""


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
        What was found, on one line; empty for PASS.
    instances : int
        How many were checked.
    worst_instance : str
        The case of the worst outcome, with its seed.
    seconds : float
        Time spent.
    diagnosis : str
        Which known mistakes give the same wrong output; empty if none does.
    mistakes : tuple of str
        Their names, the nearest first.
    certain : bool
        Whether the first of them is told from all others.
    operation : str
        The first operation that gives something else than refms; empty if none is known to.
    where : str
        On which instances it fails, such as "fails only where m = 1"; empty unless FAIL.
    notes : tuple of (str, str)
        What is said of the subjects of the property, also where it passes: subject and text.
    detail : str
        What the worst outcome was found from, in several lines: a table of steps and remainders.
    shrunk_instance : str
        The simplest case that was found to fail in the same way; empty unless FAIL.
    reproduction : str
        A script that ends with 1 as long as it fails, see :mod:`refms.conformance.reproduction`; empty unless
        FAIL.
    levels : tuple of str
        The levels to which the property belongs.
    selected : bool
        Whether it was to be run.
    expected : bool
        Whether its failure was expected.
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
    mistakes: tuple[str, ...] = ()
    certain: bool = False
    operation: str = ""
    where: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    detail: str = ""
    shrunk_instance: str = ""
    reproduction: str = ""
    levels: tuple[str, ...] = ()
    selected: bool = True
    expected: bool = False

    __repr__ = short_repr

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence", presentable(self.sentence))  # what an adapter says stands in it

    @property
    def untested(self) -> bool:
        """Whether it applies and was not tested."""
        return self.verdict in UNTESTED

    @property
    def noted(self) -> str:
        """The notes in one line, subjects with the same text together; empty if there are none."""
        return self._noted(len(self.notes))

    @property
    def noted_briefly(self) -> str:
        """The same, a long list of subjects as their number."""
        return self._noted(MOST_NAMED)

    def _noted(self, most: int) -> str:
        groups: dict[str, list[str]] = {}
        for subject, text in self.notes:
            groups.setdefault(text, []).append(subject)
        return "; ".join(
            f"{', '.join(subjects) if len(subjects) <= most else f'{len(subjects)} operations'}: {text}"
            for text, subjects in groups.items()
        )

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """What takes several lines, by name: a table of steps, a script."""
        named = ("steps", self.detail), ("script that shows it", self.reproduction)
        return [(name, text) for name, text in named if text]


def row_of(item: Property, verdict: RowVerdict = "NOT RUN", sentence: str = "", **found: Any) -> Row:
    """Return the row of a property."""
    named = item.id, item.family, item.title
    return Row(*named, verdict, sentence=sentence, levels=levels_of(item), **found)


def levels_of(item: Property) -> tuple[str, ...]:
    """Return the levels to which a property belongs: with all that it needs, and some of what it uses."""
    needs, uses = frozenset(item.needs), frozenset(item.uses)
    return tuple(
        name
        for name, known in LEVELS.items()
        if known is None or (known >= needs and (known & uses or not uses))
    )


def count(rows: Sequence[Row], what: str = "properties") -> str:
    """Return how many rows have which verdict in words, the untested ones apart."""
    n = {finding: sum(row.verdict == finding for row in rows) for finding in VERDICTS}
    missing, idle = n["NOT IMPLEMENTED"], n["NOT RUN"]
    untested = f"{missing + idle} untested"
    if missing + idle:
        untested += f" ({missing} not implemented, {idle} not run)"
    parts = [f"{n['PASS']} pass", f"{n['MARGINAL']} marginal", f"{n['FAIL']} fail", untested]
    if n["NOT APPLICABLE"]:
        parts.append(f"{n['NOT APPLICABLE']} not applicable")
    return f"{', '.join(parts)} of {len(rows)} {what}"


@dataclass(frozen=True)
class Report:
    """The outcome of a run; as a truth value, whether it has passed.

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
    broken : tuple of str
        A sentence for each failure that was expected and did not come.
    """

    profile: Profile
    tier: str
    seed: int
    rows: tuple[Row, ...]
    broken: tuple[str, ...] = ()

    __repr__ = short_repr

    def _repr_html_(self) -> str:
        """Return the properties that were tested, with their verdicts."""
        tested = [row for row in self.rows if not row.untested]
        rhos = ["" if row.rho is None else f"{row.rho:.2f}" for row in tested]
        rows = [
            (one.id, one.title, rho, one.verdict, one.sentence) for one, rho in zip(tested, rhos, strict=True)
        ]
        caption = f"{self.decision.verdict} {self.decision.sentence}"
        return table_as_html(caption, rows, ("", "property", "ρ", "verdict", ""))

    def __bool__(self) -> bool:
        return self.passed

    @property
    def counts(self) -> dict[str, int]:
        """How many properties have which verdict; all verdicts are listed."""
        return {finding: sum(row.verdict == finding for row in self.rows) for finding in VERDICTS}

    @property
    def untested(self) -> int:
        """How many properties were not implemented or not run."""
        return sum(row.untested for row in self.rows)

    @property
    def decision(self) -> Decision:
        """The verdict, how much was tested and why it is no PASS."""
        return decide(self.rows, self.profile.level, self.broken)

    @property
    def passed(self) -> bool:
        """Whether the decision is PASS: nothing failed, and enough was tested."""
        return bool(self.decision)

    @property
    def headline(self) -> str:
        """One line: the counts, the untested ones apart, and how deterministic it is."""
        line = f"{self.profile.name} {self.profile.dtype}: {count(self.rows)}"
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
            ``profile``, ``tier``, ``seed``, ``verdict``, ``passed``, ``tested``, ``counts``, ``untested``,
            ``headline``, ``rows``.
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
            "verdict": self.decision.verdict,
            "passed": self.passed,
            "tested": self.decision.tested,
            "counts": self.counts,
            "untested": self.untested,
            "headline": self.headline,
            "rows": rows,
        }


def severity(verdict: str) -> int:
    """Return how bad a verdict on a property is."""
    return ("PASS", "NOT APPLICABLE", "NOT RUN", "NOT IMPLEMENTED", "MARGINAL", "FAIL").index(verdict)
