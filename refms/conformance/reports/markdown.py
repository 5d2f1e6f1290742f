"""A report as Markdown: its causes, counts by family, and the table of what was tested."""

from __future__ import annotations

import re

from refms.conformance.reports.reach import in_a_line
from refms.conformance.reports.report import VERDICTS, Report, Row
from refms.conformance.reports.summary import Failure, Summary


def markdown(summary: Summary) -> str:
    """Return a summary and its reports as a Markdown page."""
    names = list(dict.fromkeys(report.profile.name for report in summary.reports))
    head = [f"# Conformance of {_cell(', '.join(names))}", "", *_causes(summary), *_families(summary)]
    head += [f"* {_cell(line)}" for line in (in_a_line(summary.reach),) if line]
    head += [f"* probe: {_cell(line)}" for line in summary.said]
    return "\n".join([*head, *(_section(summary, report) for report in summary.reports)]) + "\n"


def _causes(summary: Summary) -> list[str]:
    """Return the causes, each with a link to the first property that it fails."""
    if not summary.causes:
        return []
    lines = [f"**{summary.decision.verdict}: {summary.headline}**", ""]
    for cause in summary.causes:
        where = f"; {_cell(cause.where)}" if cause.where else ""
        script = f" ([script](#{_anchor(cause.first)}))" if cause.first.row.reproduction else ""
        lines.append(f"1. {_cell(cause.name)}: fails {_cell(', '.join(cause.ids))}{where}{script}")
    return [*lines, ""]


def _families(summary: Summary) -> list[str]:
    lines = [f"| family | {' | '.join(VERDICTS).lower()} |", "|---" * (1 + len(VERDICTS)) + "|"]
    for family, counts in summary.families.items():
        lines.append(f"| {_cell(family)} | {' | '.join(str(counts[one]) for one in VERDICTS)} |")
    return [*lines, ""]


def _anchor(failure: Failure) -> str:
    """Return where the script of a failure stands: what GitHub makes of its heading."""
    return f"{failure.row.id}-{failure.dtype}-script-that-shows-it".lower()


def _section(summary: Summary, report: Report) -> str:
    dtype, decision, rows = report.profile.dtype, report.decision, summary.listed(report)
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
        *map(_row, rows),
    ]
    for row in rows:
        for name, text in row.blocks:
            language = "text" if name == "steps" else "python"
            lines += ["", f"### {_cell(row.id)} {dtype}: {name}", "", *_fenced(text, language)]
    return "\n".join(lines)


def _row(row: Row) -> str:
    rho = "" if row.rho is None else f"{row.rho:.3g}"
    found = row.sentence + (f" [{row.worst_instance}]" if row.sentence and row.worst_instance else "")
    found += "".join(f" {one}." for one in (row.diagnosis, row.where) if one)
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
