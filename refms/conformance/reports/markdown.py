"""A report as Markdown: the headline, what did not pass, and the whole table."""

from __future__ import annotations

import re
from collections.abc import Iterable

from refms.conformance.reports.report import Report, Row


def markdown(reports: Iterable[Report]) -> str:
    """Return reports as a Markdown page."""
    shown = list(reports)
    names = list(dict.fromkeys(report.profile.name for report in shown))
    return "\n".join([f"# Conformance of {_cell(', '.join(names))}", *map(_section, shown)]) + "\n"


def _section(report: Report) -> str:
    dtype, decision = report.profile.dtype, report.decision
    lines = [
        "",
        f"## {dtype}: {decision.verdict}",
        "",
        *([_cell(decision.sentence), ""] if decision.sentence else []),
        _cell(report.headline) + f"; tier {report.tier}, seed {report.seed}.",
        "",
        f"Declared: {_cell(report.profile.declared)}.",
        "",
        "| id | property | ρ in eps | verdict | found |",
        "|---|---|---:|---|---|",
        *(_row(row) for row in report.rows),
    ]
    for row in report.rows:
        for name, text in row.blocks:
            language = "text" if name == "steps" else "python"
            lines += ["", f"### {_cell(row.id)} {dtype}: {name}", "", *_fenced(text, language)]
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
