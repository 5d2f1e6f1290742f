"""A report as one HTML page that needs nothing else: no scripts, no fonts, no links out."""

from __future__ import annotations

from refms.conformance.properties import PROPERTIES
from refms.conformance.reports.report import VERDICTS, Row
from refms.conformance.reports.summary import Summary
from refms.environment import versions

SIGNS = dict(zip(VERDICTS, "✓~✗–○·", strict=True))
"""A sign and a word beside each colour: nobody needs to tell colours apart."""


def html_page(summary: Summary) -> str:
    """Return a summary as an HTML page, one section a report; every property opens to show its formula."""
    from refms.pages import render  # which needs an extra

    names = dict.fromkeys(report.profile.name for report in summary.reports)
    places = {
        (report.profile.dtype, row.id): f"p{number}-{place}"
        for number, report in enumerate(summary.reports)
        for place, row in enumerate(report.rows)
    }
    return render(
        "conformance.html",
        title=f"Conformance of {', '.join(names)}",
        summary=summary,
        sections=[(one, [(row, _entries(row)) for row in summary.listed(one)]) for one in summary.reports],
        signs=SIGNS,
        places=places,
        versions=", ".join(f"{name} {version}" for name, version in versions().items()),
    )


def _entries(row: Row) -> list[tuple[str, str]]:
    """Return what there is to say about a row, by name."""
    law = next((item for item in PROPERTIES if item.id == row.id), None)
    entries = [
        ("found", row.sentence),
        ("diagnosis", row.diagnosis),
        ("where", row.where),
        ("noted", row.noted),
        ("judged by", row.criterion),
        ("worst instance", row.worst_instance),
        ("simplest instance", row.shrunk_instance),
        ("instances", f"{row.instances} in {row.seconds:.2f} s" if row.instances else ""),
    ]
    if law is not None:
        entries += [("formula", law.statement), ("source", law.source), ("catches", law.catches)]
    return [(name, text) for name, text in entries if text]
