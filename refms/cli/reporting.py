"""What ``refms verify`` and ``refms conform run`` share: running the catalogue, progress, last lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from refms.cli.progress import show_status
from refms.errors import InputError

if TYPE_CHECKING:
    from refms.conformance.property import Property
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
    ids = {item.id for item in chosen}
    shown = (
        dataclasses.replace(report, rows=tuple(row for row in report.rows if row.id in ids))
        for report in reports
    )
    print(table(shown, details=details) + "\n")
    return reports


def conclude(reports: Sequence[Report], *, enough: bool = True, failed: bool | None = None) -> bool:
    """Print the headlines and the verdict; return whether none failed, each passed something, all was tested.

    ``enough`` says whether so much was tested that passing means something, ``failed`` whether something
    failed that was not expected to; None: whether anything did.
    """
    for report in reports:
        print(report.headline)
    if failed is None:
        failed = any(report.counts["FAIL"] for report in reports)
    passed = enough and not failed and all(report.counts["PASS"] for report in reports)
    verdict = "FAIL" if failed else "PASS" if passed else "TOO LITTLE TESTED"
    seconds = sum(row.seconds for report in reports for row in report.rows)
    tier, seed = reports[0].tier, reports[0].seed
    print(f"{verdict}: tier {tier}, seed {seed}, {seconds:.1f} s")
    return passed


def _progress(row: Row | None) -> None:
    """Show which property was finished last, on a terminal only; None clears the line."""
    show_status("" if row is None else f"{row.id} {row.title}")
