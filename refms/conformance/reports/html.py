"""A report as one HTML page that needs nothing else: no scripts, no fonts, no links out."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable

from refms.conformance.properties import PROPERTIES
from refms.conformance.reports.report import FINDINGS, Report, Row

SIGNS = {"PASS": "✓", "MARGINAL": "~", "FAIL": "✗", "NOT IMPLEMENTED": "–", "NOT RUN": "○"}
"""A sign and a word beside each colour: nobody needs to tell colours apart."""

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8886; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
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
pre { overflow-x: auto; font-size: .85rem; }
"""
"""Colours of Okabe and Ito, which colour-blind readers can tell apart."""


POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What the page may load: its own style, and nothing else."""

LEGEND = (
    "ρ is the scaled residual ‖got − expected‖ / (eps · scale), the worst of all instances: PASS up to 30, "
    "MARGINAL up to 300. Where there is no ρ, the formula names another criterion. What is not implemented "
    "or was not run is untested."
)


def html_page(reports: Iterable[Report]) -> str:
    """Return reports as an HTML page.

    Parameters
    ----------
    reports : iterable of Report
        For example the same implementation in both precisions.

    Returns
    -------
    str
        The document: one section a report with its counts and a table, where every property opens to show
        its formula and what was found. All texts are escaped, and characters that show nothing or turn the
        direction of text are replaced.

    Examples
    --------
    >>> from refms.conformance import Adapter, Profile, run
    >>> html_page([run(Adapter(Profile("<mine>")), properties=())]).splitlines()[0]
    '<!doctype html>'
    """
    shown = list(reports)
    names = list(dict.fromkeys(report.profile.name for report in shown))
    title = f"Conformance of {_text(', '.join(names))}"
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        f"<h1>{title}</h1>",
        f"<p>{LEGEND}</p>",
    ]
    for report in shown:
        lines += _section(report)
    return "\n".join([*lines, "</body>", "</html>", ""])


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
        f"<h2>{_text(profile.dtype)}: {'passed' if report.passed else 'not passed'}</h2>",
        f"<p>{_text(report.headline)}; tier {_text(report.tier)}, seed {report.seed}.</p>",
        f'<p class="counts">{counts}</p>',
        f"<p>Declared: {_text(listed)}.</p>",
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
    entries = "".join(f"<dt>{name}</dt><dd>{_text(text)}</dd>" for name, text in _details(row) if text)
    blocks = "".join(
        f"<details><summary>{name}</summary><pre>{_block(text)}</pre></details>"
        for name, text in (("steps", row.detail), ("script that shows it", row.reproduction))
        if text
    )
    return (
        f'<tr><td class="id">{_text(row.id)}</td>'
        f"<td><details{opened}><summary>{_text(row.title)}</summary><dl>{entries}</dl>{blocks}</details></td>"
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


def _block(text: str) -> str:
    """Return text in lines without markup, as :func:`_text` returns one line."""
    return "\n".join(map(_text, text.split("\n")))


def _text(text: str) -> str:
    """Return text without markup, and without characters that are invisible or change its direction."""
    spaced = text.replace("\n", " ").replace("\t", " ")
    visible = (
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn") else "\ufffd" for c in spaced
    )
    return html.escape("".join(visible))
