"""A report as one HTML page that needs nothing else: no scripts, no fonts, no links out."""

from __future__ import annotations

from collections.abc import Iterable

from refms.conformance.properties import PROPERTIES
from refms.conformance.reports.report import VERDICTS, Report, Row
from refms.pages import render

SIGNS = dict(zip(VERDICTS, "✓~✗–○·", strict=True))
"""A sign and a word beside each colour: nobody needs to tell colours apart."""


def html_page(reports: Iterable[Report]) -> str:
    """Return reports as an HTML page, one section each; every property opens to show its formula."""
    shown = list(reports)
    names = dict.fromkeys(report.profile.name for report in shown)
    sections = [(one, [(row, _entries(row)) for row in one.rows]) for one in shown]
    title = f"Conformance of {', '.join(names)}"
    return render("conformance.html", title=title, sections=sections, signs=SIGNS)


def _entries(row: Row) -> list[tuple[str, str]]:
    """Return what there is to say about a row, by name."""
    law = next((item for item in PROPERTIES if item.id == row.id), None)
    entries = [
        ("found", row.sentence),
        ("diagnosis", row.diagnosis),
        ("noted", row.noted),
        ("judged by", row.criterion),
        ("worst instance", row.worst_instance),
        ("simplest instance", row.shrunk_instance),
        ("instances", f"{row.instances} in {row.seconds:.2f} s" if row.instances else ""),
    ]
    if law is not None:
        entries += [("formula", law.statement), ("source", law.source), ("catches", law.catches)]
    return [(name, text) for name, text in entries if text]
