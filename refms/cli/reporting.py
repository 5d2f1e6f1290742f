"""What ``refms verify`` and ``refms conform run`` share: running the catalogue, progress, last lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from refms.cli.progress import show_status
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reports.report import Report, Row, table
from refms.conformance.runner import run as run_catalogue
from refms.errors import InputError


def reports_of(
    adapters: Iterable[Any],
    tier: str,
    seed: int,
    properties: Sequence[Property] = PROPERTIES,
    run: Callable[..., Report] = run_catalogue,
    *,
    details: bool = False,
) -> list[Report]:
    """Run the catalogue on some adapters, with progress on a terminal, and print the table.

    Parameters
    ----------
    adapters : iterable of Adapter
        For example the same implementation in both precisions.
    tier, seed, properties
        As for :func:`refms.conformance.runner.run`.
    run : callable
        That function, or one that does the same elsewhere.
    details : bool
        Whether to print tables of steps also for what does not fail.

    Returns
    -------
    list of Report
        One an adapter.

    Raises
    ------
    InputError
        If the seed is negative.
    """
    if seed < 0:
        raise InputError(f"--seed is {seed}; expected 0 or more.")
    reports = [run(adapter, tier, seed, properties=properties, progress=_progress) for adapter in adapters]
    _progress(None)
    ids = {item.id for item in properties}
    shown = (
        dataclasses.replace(report, rows=tuple(row for row in report.rows if row.id in ids))
        for report in reports
    )
    print(table(shown, details=details) + "\n")
    return reports


def conclude(reports: Sequence[Report], *, enough: bool = True, failed: bool | None = None) -> bool:
    """Print the headlines and the verdict.

    Parameters
    ----------
    reports : sequence of Report
        At least one.
    enough : bool
        Whether so much was tested that passing means something.
    failed : bool or None
        Whether something failed that was not expected to; None: whether anything did.

    Returns
    -------
    bool
        Whether none has failed, each has passed something, and enough was tested.
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
