"""A report as Markdown: the headline, what did not pass, and the whole table."""

from __future__ import annotations

import re
from collections.abc import Iterable

from refms.conformance.reports.report import Report, Row


def markdown(reports: Iterable[Report]) -> str:
    """Return reports as a Markdown page.

    >>> from refms.conformance import Adapter, Profile, run
    >>> print(markdown([run(Adapter(Profile("nothing yet")), properties=())]).splitlines()[0])
    # Conformance of nothing yet
    """
    shown = list(reports)
    names = list(dict.fromkeys(report.profile.name for report in shown))
    return "\n".join([f"# Conformance of {_cell(', '.join(names))}", *map(_section, shown)]) + "\n"


def _section(report: Report) -> str:
    profile = report.profile
    lines = [
        "",
        f"## {profile.dtype}: {'passed' if report.passed else 'not passed'}",
        "",
        _cell(report.headline) + f"; tier {report.tier}, seed {report.seed}.",
        "",
        f"Declared: dimensions {', '.join(map(str, profile.dimensions))}; stencil sizes "
        f"{', '.join(map(str, profile.stencil_sizes))}; boundaries {', '.join(profile.boundaries)}; "
        f"orientation {profile.orientation}; pairs {', '.join(profile.pairs)}; layout {profile.layout}; "
        f"loss {profile.reduction}; logits with{'' if profile.volume_weighted else 'out'} h^d.",
        "",
        "| id | property | ρ in eps | verdict | found |",
        "|---|---|---:|---|---|",
        *(_row(row) for row in report.rows),
    ]
    for row in report.rows:
        for name, text, language in (
            ("steps", row.detail, "text"),
            ("script that shows it", row.reproduction, "python"),
        ):
            if text:
                lines += [
                    "",
                    f"### {_cell(row.id)} {report.profile.dtype}: {name}",
                    "",
                    *_fenced(text, language),
                ]
    return "\n".join(lines)


def _row(row: Row) -> str:
    rho = "" if row.rho is None else f"{row.rho:.3g}"
    found = row.sentence + (f" [{row.worst_instance}]" if row.sentence and row.worst_instance else "")
    found += f" {row.diagnosis}." if row.diagnosis else ""
    found += f" {row.noted}." if row.notes else ""
    return f"| {row.id} | {_cell(row.title)} | {rho} | {row.verdict} | {_cell(found)} |"


def _fenced(text: str, language: str) -> list[str]:
    """Return lines of code that nothing in them ends."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.rstrip().splitlines(), fence]


def _cell(text: str) -> str:
    """Return text that stays in one cell and is no markup."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\\", "\\\\")
    for mark in "|`*_[]":
        escaped = escaped.replace(mark, "\\" + mark)
    return " ".join(escaped.split())
