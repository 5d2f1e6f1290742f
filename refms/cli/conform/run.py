"""``refms conform run``: the catalogue on an implementation, an adapter of which can be imported."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from refms.cli.conform.codes import EXIT_CODES, KIT_AT_FAULT
from refms.cli.conform.scripts import claim_script_folder, first_script, with_adapter, write_scripts
from refms.cli.conform.self_test import kit_works
from refms.cli.files import claim, write_json, write_text
from refms.cli.options import Commands, add_adapter, add_command, add_list_option, add_options
from refms.cli.reporting import conclude, reports_of
from refms.errors import InputError
from refms.names import TIME_LIMITS

if TYPE_CHECKING:
    from refms.conformance.property import Property
    from refms.conformance.reports.summary import Summary

Page = tuple[str, Callable[["Summary"], str]]
"""Where to write a report, and how."""


def register(actions: Commands) -> None:
    """Add ``run`` to the actions."""
    command = add_command(
        actions,
        "run",
        "refms conform run mypackage.conformance:MyAdapter --junit conformance.xml",
        run,
        "Run the catalogue on an implementation, an adapter of which can be imported.",
    )
    limits = ", ".join(f"{seconds:g} in tier {tier}" for tier, seconds in TIME_LIMITS.items())
    add_adapter(command, "a property", limits)
    add_list_option(
        command, "--only", "ID,…", "these properties or families alone, such as C5,G1 or transfer"
    )
    add_options(command, "--tier", "--dtype", "--seed")
    command.add_argument("--junit", metavar="FILE", help="also write the report as JUnit XML")
    command.add_argument("--markdown", metavar="FILE", help="also write the report as Markdown")
    command.add_argument("--html", metavar="FILE", help="also write the report as one HTML page")
    command.add_argument(
        "--xfails",
        metavar="FILE",
        help="TOML file of known failures, such as 'G4-*-float32' = 'reason' under [xfails]; each must fail, "
        "and nothing else may",
    )
    command.add_argument(
        "--scripts",
        metavar="DIR",
        help="also write one script for each property that fails, such as C5-float64.py, which shows the "
        "failure with a few lines of NumPy (DIR is new or empty; --force replaces earlier scripts)",
    )
    command.add_argument(
        "--details",
        action="store_true",
        help="also show the tables of steps and remainders of what does not fail",
    )
    command.add_argument(
        "--all", action="store_true", help="also list properties that are not implemented or do not apply"
    )
    command.add_argument("--brief", action="store_true", help="print only the causes and the verdict")


def run(options: argparse.Namespace) -> int:
    """Print causes and table; return 0 for pass, 1 if a property failed, 3 if too few were tested."""
    from refms.conformance.isolation.implementation import Isolated
    from refms.conformance.probing.coverage import profile_lines
    from refms.conformance.reports.expected import check_expectations
    from refms.conformance.reports.summary import summarize
    from refms.conformance.reports.text import text
    from refms.conformance.reports.xfails import read_xfails

    pages = _pages(options)
    for target, _ in pages:
        claim(options, target)
    if options.scripts is not None:
        claim_script_folder(options)
    xfails = read_xfails(options.xfails) if options.xfails is not None else {}
    chosen = select_properties(options.only)
    limit = TIME_LIMITS[options.tier] if options.timeout is None else options.timeout
    with Isolated(options.adapter, options.dtype, limit) as there:
        if not kit_works():  # looked at while the worker imports the adapter
            return KIT_AT_FAULT
        adapters = there.adapters
        expected = check_expectations(xfails, adapters, chosen, options.tier, options.seed, there.check)
        found = reports_of(adapters, options.tier, options.seed, chosen, there.run)
        probes = [there.probe(adapter) for adapter in adapters]
    reports = [with_adapter(expected.noted(one), options.adapter) for one in found]
    said = [line for one in probes for line in one.disagreements]
    right = profile_lines([one.right for one in probes if one.disagreements])
    said += [f"right would be {line}" for line in right]
    summary = summarize(reports, said, everything=options.all)
    print(text(summary, details=options.details, brief=options.brief), end="")
    broken = [line for report in reports for line in report.broken]
    if not options.brief:
        _print_more(summary, [*expected.met, *broken])
    if options.scripts is not None:
        written = write_scripts(options.scripts, reports)
        example = f", such as {written[0]}" if written else ""
        print(f"scripts: {len(written)} in {options.scripts}{example}")
    decision = conclude(summary)
    for target, rendered in pages:
        write_text(target, rendered(summary), force=options.force)
    write_json(
        options.json,
        {
            "adapter": options.adapter,
            "verdict": decision.verdict,
            "passed": bool(decision),
            "tested": decision.tested,
            **summary.to_dict(),
            "expected_failures": {"met": list(expected.met), "broken": broken},
            "reports": [report.to_dict() for report in reports],
        },
    )
    return EXIT_CODES[decision.verdict]


def _print_more(summary: Summary, expectations: Sequence[str]) -> None:
    """Print the first script, what the probe says, and what became of expected failures."""
    if script := first_script(summary.reports):
        print(script)
    for line in (*(f"probe: {one}" for one in summary.said), *expectations):
        print(line)


def _pages(options: argparse.Namespace) -> list[Page]:
    """Return the pages that are asked for, and what makes them of reports."""
    from refms.conformance.reports.html import html_page
    from refms.conformance.reports.junit import junit
    from refms.conformance.reports.markdown import markdown

    pages = (
        (options.junit, junit),
        (options.markdown, markdown),
        (options.html, html_page),
    )
    return [(target, made) for target, made in pages if target is not None]


def select_properties(wanted: Sequence[str] | None) -> tuple[Property, ...]:
    """Return the properties with the given ids and families, in the order of the catalogue; all for None.

    >>> [item.id for item in select_properties(["depth", "c5"])]
    ['C5', 'D1', 'D2', 'D3']
    """
    from refms.conformance.properties import PROPERTIES

    if wanted is None:
        return PROPERTIES
    families = {name.lower() for name in wanted} & {item.family for item in PROPERTIES}
    ids = {property_named(name).id for name in wanted if name.lower() not in families}
    return tuple(item for item in PROPERTIES if item.id in ids or item.family in families)


def property_named(name: str) -> Property:
    """Return the property with an id, in upper or lower case."""
    from refms.conformance.properties import PROPERTIES

    by_id = {item.id: item for item in PROPERTIES}
    found = by_id.get(name.strip().upper())
    if found is None:
        last = {item.family: item.id for item in PROPERTIES}
        known = ", ".join(f"{family} (to {id_})" for family, id_ in last.items())
        raise InputError(f"there is no property {name!r}; expected an id of one of the families {known}.")
    return found
