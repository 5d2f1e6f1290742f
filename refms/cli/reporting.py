"""What ``refms verify`` and ``refms conform run`` share: running the catalogue, progress, last lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from refms.cli.progress import show_status
from refms.errors import InputError

if TYPE_CHECKING:
    from refms.conformance.property import Property
    from refms.conformance.reports.decision import Decision
    from refms.conformance.reports.report import Report, Row
    from refms.conformance.reports.summary import Summary


def reports_of(
    adapters: Iterable[Any],
    tier: str,
    seed: int,
    properties: Sequence[Property] | None = None,
    run: Callable[..., Report] | None = None,
) -> list[Report]:
    """Run the catalogue, or some of its properties, on each adapter.

    ``run`` is :func:`refms.conformance.runner.run` or does the same elsewhere.
    """
    from refms.conformance.properties import PROPERTIES
    from refms.conformance.runner import run as run_here

    if seed < 0:
        raise InputError(f"--seed is {seed}; expected 0 or more.")
    chosen = PROPERTIES if properties is None else properties
    judge = run or run_here
    reports = [judge(adapter, tier, seed, properties=chosen, progress=_progress) for adapter in adapters]
    _progress(None)
    return reports


def conclude(summary: Summary) -> Decision:
    """Print the headlines and the decision, with the reason where too little was tested; return it."""
    reports, decision = summary.reports, summary.decision
    for report in reports:
        print(report.headline)
    seconds = sum(row.seconds for report in reports for row in report.rows)
    print(f"{decision.verdict}: tier {reports[0].tier}, seed {reports[0].seed}, {seconds:.1f} s")
    if decision.verdict == "TOO LITTLE TESTED":
        print(decision.sentence)
    return decision


def _progress(row: Row | None) -> None:
    """Show which property was finished last, on a terminal only; None clears the line."""
    show_status("" if row is None else f"{row.id} {row.title}")
