"""A report as one HTML page that needs nothing else: no scripts, no fonts, no links out."""

from __future__ import annotations

from collections.abc import Iterable

from refms.conformance.properties import PROPERTIES
from refms.conformance.reports.report import FINDINGS, Report, Row
from refms.plots.pages import escaped, escaped_lines, page

SIGNS = {"PASS": "✓", "MARGINAL": "~", "FAIL": "✗", "NOT IMPLEMENTED": "–", "NOT RUN": "○"}
"""A sign and a word beside each colour: nobody needs to tell colours apart."""

STYLE = """
td.id { font-weight: 600; white-space: nowrap; }
.verdict { white-space: nowrap; border-left: .4rem solid; padding-left: .4rem; }
.pass { border-color: #0072b2; }
.marginal { border-color: #e69f00; }
.fail { border-color: #d55e00; font-weight: 700; }
.not-implemented, .not-run { border-color: #999; }
.counts span { display: inline-block; margin-right: 1.2rem; }
summary { cursor: pointer; }
dl { margin: .4rem 0 .6rem 1rem; }
dt { font-weight: 600; }
dd { margin: 0 0 .3rem 1rem; overflow-wrap: anywhere; }
"""
"""Colours of Okabe and Ito, which colour-blind readers can tell apart."""

LEGEND = (
    "ρ is the scaled residual ‖got − expected‖ / (eps · scale), the worst of all instances: PASS up to 30, "
    "MARGINAL up to 300. Where there is no ρ, the formula names another criterion. What is not implemented "
    "or was not run is untested."
)


def html_page(reports: Iterable[Report]) -> str:
    """Return reports as an HTML page.

    >>> from refms.conformance import Adapter, Profile, run
    >>> html_page([run(Adapter(Profile("<mine>")), properties=())]).splitlines()[0]
    '<!doctype html>'
    """
    shown = list(reports)
    names = list(dict.fromkeys(report.profile.name for report in shown))
    sections = (line for report in shown for line in _section(report))
    return page(f"Conformance of {', '.join(names)}", [f"<p>{LEGEND}</p>", *sections], STYLE)


def _section(report: Report) -> list[str]:
    profile = report.profile
    declared = (
        ("dimensions", profile.dimensions),
        ("stencil sizes", profile.stencil_sizes),
        ("boundaries", profile.boundaries),
        ("orientation", (profile.orientation,)),
        ("pairs", profile.pairs),
        ("layout", (profile.layout,)),
        ("activations", profile.activations),
        ("logits", ("with h^d" if profile.volume_weighted else "without h^d",)),
        ("loss", (profile.reduction,)),
    )
    listed = "; ".join(f"{name} {', '.join(map(str, values))}" for name, values in declared)
    counts = " ".join(f"<span>{_verdict(name)} {report.counts[name]}</span>" for name in FINDINGS)
    return [
        "<section>",
        f"<h2>{escaped(profile.dtype)}: {'passed' if report.passed else 'not passed'}</h2>",
        f"<p>{escaped(report.headline)}; tier {escaped(report.tier)}, seed {report.seed}.</p>",
        f'<p class="counts">{counts}</p>',
        f"<p>Declared: {escaped(listed)}.</p>",
        "<table>",
        '<thead><tr><th scope="col">id</th><th scope="col">property</th><th scope="col" class="number">ρ in '
        'eps</th><th scope="col">verdict</th></tr></thead>',
        "<tbody>",
        *(_row(row) for row in report.rows),
        "</tbody>",
        "</table>",
        "</section>",
    ]


def _row(row: Row) -> str:
    rho = "" if row.rho is None else f"{row.rho:.3g}"
    opened = " open" if row.verdict in ("FAIL", "MARGINAL") else ""
    entries = "".join(f"<dt>{name}</dt><dd>{escaped(text)}</dd>" for name, text in _details(row) if text)
    blocks = "".join(
        f"<details><summary>{name}</summary><pre>{escaped_lines(text)}</pre></details>"
        for name, text in (("steps", row.detail), ("script that shows it", row.reproduction))
        if text
    )
    return (
        f'<tr><td class="id">{escaped(row.id)}</td>'
        f"<td><details{opened}><summary>{escaped(row.title)}</summary><dl>{entries}</dl>{blocks}</details></td>"
        f'<td class="number">{rho}</td><td>{_verdict(row.verdict)}</td></tr>'
    )


def _details(row: Row) -> list[tuple[str, str]]:
    """Return what there is to say about a row, by name."""
    law = next((item for item in PROPERTIES if item.id == row.id), None)
    stated = [] if law is None else [("formula", law.statement), ("source", law.source)]
    caught = [] if law is None else [("catches", law.catches)]
    return [
        ("found", row.sentence),
        ("diagnosis", row.diagnosis),
        ("noted", row.noted),
        ("judged by", row.criterion),
        ("worst instance", row.worst_instance),
        ("simplest instance", row.shrunk_instance),
        ("instances", f"{row.instances} in {row.seconds:.2f} s" if row.instances else ""),
        *stated,
        *caught,
    ]


def _verdict(finding: str) -> str:
    name = finding.lower().replace(" ", "-")
    return f'<span class="verdict {name}">{SIGNS[finding]} {finding}</span>'
