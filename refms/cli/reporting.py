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


def reports_of(
    adapters: Iterable[Any],
    tier: str,
    seed: int,
    properties: Sequence[Property] | None = None,
    run: Callable[..., Report] | None = None,
    *,
    details: bool = False,
) -> list[Report]:
    """Run the catalogue, or some of its properties, on each adapter, and print the table.

    ``run`` is :func:`refms.conformance.runner.run` or does the same elsewhere; ``details`` prints tables of
    steps also for what does not fail.
    """
    import dataclasses

    from refms.conformance.properties import PROPERTIES
    from refms.conformance.reports.report import table
    from refms.conformance.runner import run as run_here

    if seed < 0:
        raise InputError(f"--seed is {seed}; expected 0 or more.")
    chosen = PROPERTIES if properties is None else properties
    judge = run or run_here
    reports = [judge(adapter, tier, seed, properties=chosen, progress=_progress) for adapter in adapters]
    _progress(None)
    shown = (
        dataclasses.replace(report, rows=tuple(row for row in report.rows if row.selected))
        for report in reports
    )
    print(table(shown, details=details) + "\n")
    return reports


def conclude(reports: Sequence[Report]) -> Decision:
    """Print the headlines and the decision, with the reason where too little was tested; return it."""
    from refms.conformance.reports.decision import decide_all

    for report in reports:
        print(report.headline)
    decision = decide_all(reports)
    seconds = sum(row.seconds for report in reports for row in report.rows)
    print(f"{decision.verdict}: tier {reports[0].tier}, seed {reports[0].seed}, {seconds:.1f} s")
    if decision.verdict == "TOO LITTLE TESTED":
        print(decision.sentence)
    return decision


def _progress(row: Row | None) -> None:
    """Show which property was finished last, on a terminal only; None clears the line."""
    show_status("" if row is None else f"{row.id} {row.title}")
