"""``refms conform``: the catalogue of properties, for other people's implementations."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable

from refms.cli.conform_self_test import kit_works
from refms.cli.files import require_target, write_json
from refms.cli.mutants import INCOMPLETE
from refms.cli.reporting import conclude, reports_of
from refms.cli.scripts import require_folder, shown, with_adapter, write_scripts
from refms.conformance.adapters.adapter import Adapter
from refms.conformance.isolation.implementation import Isolated
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reports.expected import held_against
from refms.conformance.reports.html import html_page
from refms.conformance.reports.junit import junit
from refms.conformance.reports.markdown import markdown
from refms.conformance.reports.report import Report
from refms.conformance.reports.xfails import read_xfails
from refms.errors import InputError
from refms.io.files import atomic_write
from refms.names import TIME_LIMITS

LEAST_TESTED = 0.5
"""Share of the selected properties that must have been tested, for a run to say anything."""

TOO_LITTLE = 3

Page = tuple[str | None, Callable[[Iterable[Report]], str]]
"""Where to write a report, and how."""

JUDGED = (
    "ρ = ‖got − expected‖ / (eps · scale), PASS up to 30, MARGINAL up to 300, unless the formula names "
    "another criterion"
)


def run_adapter(options: argparse.Namespace) -> int:
    """Print the table; return 0 for pass, 1 if a property failed, 3 if too few were tested."""
    pages: tuple[Page, ...] = (
        (options.junit, junit),
        (options.markdown, markdown),
        (options.html, html_page),
    )
    for target, _ in pages:
        if target is not None:
            require_target(target, force=options.force)
    if options.scripts is not None:
        require_folder(options.scripts, force=options.force)
    xfails = read_xfails(options.xfails) if options.xfails is not None else {}
    chosen = selected(options.only)
    limit = TIME_LIMITS[options.tier] if options.timeout is None else options.timeout
    with Isolated(options.adapter, options.dtype, limit) as there:
        if not kit_works():  # looked at while the worker imports the adapter
            return INCOMPLETE
        adapters = there.adapters
        expected = held_against(xfails, adapters, chosen, options.tier, options.seed, there.check)
        found = reports_of(adapters, options.tier, options.seed, chosen, there.run, details=options.details)
        probes = [there.probe(adapter) for adapter in adapters]
    reports = [with_adapter(expected.noted(one), options.adapter) for one in found]
    if script := shown(reports, tuple(expected.excused)):
        print(script)
    tested = min(share_tested(report, chosen) for report in reports)
    for sentence in dict.fromkeys(line for one in probes for line in one.disagreements):
        print(f"probe: {sentence}")
    for line in (*expected.met, *expected.broken):
        print(line)
    if options.scripts is not None:
        written = write_scripts(options.scripts, reports)
        example = f", such as {written[0]}" if written else ""
        print(f"scripts: {len(written)} in {options.scripts}{example}")
    failed = expected.failed(reports)
    passed = conclude(reports, enough=tested >= LEAST_TESTED, failed=failed)
    _write(pages, reports, force=options.force)
    write_json(
        options.json,
        {
            "adapter": options.adapter,
            "passed": passed,
            "tested": tested,
            "expected_failures": {"met": list(expected.met), "broken": list(expected.broken)},
            "reports": [report.to_dict() for report in reports],
        },
    )
    if failed:
        return 1
    if not passed:
        print(
            f"Too little was tested: {100 * tested:.0f} % of the selected properties, expected at least "
            f"{100 * LEAST_TESTED:.0f} %. Implement more operations, or select less with --only."
        )
        return TOO_LITTLE
    return 0


def _write(pages: Iterable[Page], reports: list[Report], *, force: bool) -> None:
    """Write the reports that were asked for."""
    for target, rendered in pages:
        if target is None:
            continue
        with atomic_write(target, overwrite=force) as temporary:
            temporary.write_text(rendered(reports), encoding="utf-8")


def selected(only: str | None) -> tuple[Property, ...]:
    """Return the properties with the given ids and families.

    Parameters
    ----------
    only : str or None
        Ids and families, separated by commas; None for the catalogue.

    Returns
    -------
    tuple of Property
        In the order of the catalogue.

    Raises
    ------
    InputError
        If a name is neither.

    Examples
    --------
    >>> [item.id for item in selected("depth,c5")]
    ['C5', 'D1', 'D2', 'D3']
    """
    if only is None:
        return PROPERTIES
    families = {item.family for item in PROPERTIES}
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    if not wanted:
        raise InputError("--only is empty; expected ids or families, such as C5,transfer.")
    ids = {_found(name).id for name in wanted if name.lower() not in families}
    chosen_families = {name.lower() for name in wanted} & families
    return tuple(item for item in PROPERTIES if item.id in ids or item.family in chosen_families)


def share_tested(report: Report, chosen: tuple[Property, ...]) -> float:
    """Return which share of the chosen properties was really tested."""
    ids = {item.id for item in chosen}
    untested = sum(row.id in ids and row.verdict in ("NOT IMPLEMENTED", "NOT RUN") for row in report.rows)
    return 1 - untested / len(ids)


def run_explain(options: argparse.Namespace) -> int:
    """Print what there is to say about one property; return 0."""
    item = _found(options.id)
    print(explained(item))
    write_json(
        options.json,
        {
            "id": item.id,
            "family": item.family,
            "title": item.title,
            "statement": item.statement,
            "source": item.source,
            "catches": item.catches,
            "needs": list(item.needs),
            "uses": list(item.uses),
        },
    )
    return 0


def explained(item: Property) -> str:
    """Return a property in words: formula, source, what it catches, how to fix what it finds.

    Parameters
    ----------
    item : Property
        From the catalogue.

    Returns
    -------
    str
        Several lines.
    """
    operations = "; ".join(f"{name}, which shall {_contract(name)}" for name in item.needs)
    operations = operations or f"the operation that is named, of {', '.join(item.uses)}"
    parts = (
        ("formula", item.statement),
        ("source", item.source),
        ("judged by", JUDGED),
        ("holds for", _where(item)),
        ("catches", item.catches),
        ("how to fix", f"look first for {item.catches}; in {operations}"),
        ("once more", f"refms conform run PKG.MOD:NAME --only {item.id} --tier full"),
    )
    lines = [f"{item.id} ({item.family}): {item.title}"]
    for name, text in parts:
        lines += textwrap.wrap(
            text, 100, initial_indent=f"  {name + ':':12}", subsequent_indent=" " * 14, break_long_words=False
        )
    return "\n".join(lines)


def _where(item: Property) -> str:
    """Return the domain of a property in words."""
    domain = item.domain
    words = [f"dimensions {', '.join(map(str, domain.dimensions))}"]
    words.append("both boundaries" if domain.boundary is None else f"the {domain.boundary} boundary")
    if domain.multiple > 1:
        words.append(f"extents that are multiples of {domain.multiple}")
    if domain.resolves:
        words.append("grids with at least n_K cells along every axis")
    if domain.square:
        words.append("equal extents along all axes")
    if domain.stencil == "closed":
        words.append("stencil sizes that the pair maps one to one")
    if domain.sizes is not None:
        words.append(f"stencil sizes {', '.join(map(str, domain.sizes))}")
    if domain.pair is not None:
        words.append("the transfer pairs it is stated for")
    if domain.activations is not None:
        words.append(f"activations {', '.join(domain.activations)}")
    return "; ".join(words)


def _contract(operation: str) -> str:
    """Return the first line of what the adapter's method promises."""
    first = str(getattr(Adapter, operation).__doc__).splitlines()[0].rstrip(".")
    return first[0].lower() + first[1:]


def _found(name: str) -> Property:
    """Return the property with an id, in upper or lower case."""
    by_id = {item.id: item for item in PROPERTIES}
    found = by_id.get(name.strip().upper())
    if found is None:
        last = {item.family: item.id for item in PROPERTIES}
        known = ", ".join(f"{family} (to {id_})" for family, id_ in last.items())
        raise InputError(f"there is no property {name!r}; expected an id of one of the families {known}.")
    return found
