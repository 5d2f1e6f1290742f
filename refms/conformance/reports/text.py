"""A report as text for a terminal: causes, counts by family, and the table of properties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from refms.conformance.reports.reach import in_a_line
from refms.conformance.reports.report import VERDICTS, Report, Row, severity
from refms.conformance.reports.summary import Summary


def text(summary: Summary, *, details: bool = False, brief: bool = False) -> str:
    """Return what a terminal shows before the verdict; with ``brief`` the causes alone."""
    parts = [causes(summary)]
    if not brief:
        listed = [replace(one, rows=summary.listed(one)) for one in summary.reports]
        parts += [
            families(summary),
            table(listed, details=details) if any(one.rows for one in listed) else "",
            in_a_line(summary.reach),
        ]
    return "".join(f"{part}\n\n" for part in parts if part)


def causes(summary: Summary) -> str:
    """Return the causes, the failures of each and where they come up; empty if nothing fails."""
    if not summary.causes:
        return ""
    lines = [f"{summary.headline}:"]
    for number, cause in enumerate(summary.causes, start=1):
        lines += [f"{number:3}. {cause.name}", f"{'':5}fails {', '.join(cause.ids)}"]
        lines += [f"{'':5}{cause.where}"] * bool(cause.where)
    return "\n".join(lines)


def families(summary: Summary) -> str:
    """Return how many properties of each family have which verdict; verdicts that none has are left out."""
    shown = [one for one in VERDICTS if any(counts[one] for counts in summary.families.values())]
    width = max(map(len, summary.families), default=0)
    lines = [f"{'':{width}}  {'  '.join(shown)}"]
    for family, counts in summary.families.items():
        numbers = (f"{counts[one] or '-':>{len(one)}}" for one in shown)
        lines.append(f"{family:{width}}  {'  '.join(numbers)}")
    return "\n".join(lines)


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
        worst = max((row.verdict for row in rows), key=severity)
        lines.append(f"{first.id:>4} {first.title:{width}} {sizes}  {worst}")
        for report, row in zip(columns, rows, strict=True):
            lines += [f"{'':9}{report.profile.dtype}: {text}" for text in _remarks(row)]
            if row.detail and (details or row.verdict == "FAIL"):
                lines.append(f"{'':9}{report.profile.dtype}:")
                lines += [f"{'':9}{one}" for one in row.detail.splitlines()]
    return "\n".join(lines)


def _remarks(row: Row) -> list[str]:
    """Return what there is to say under the line of a property."""
    case = f" [{row.worst_instance}]" if row.worst_instance else ""
    smaller = row.shrunk_instance not in ("", row.worst_instance)
    said = (
        f"{row.sentence}{case}" if row.verdict != "PASS" else "",
        f"{row.diagnosis}." if row.diagnosis else "",
        f"it {row.where}." if row.where else "",
        f"it fails on [{row.shrunk_instance}] too." if smaller else "",
        f"{row.noted_briefly}." if row.notes else "",
    )
    return [text for text in said if text]


def _size(row: Row) -> str:
    if row.rho is None:
        return "-"
    return f"{row.rho:.2f}" if row.rho < 999.995 else f"{row.rho:.1e}"
