"""Which pairs of levels of the axes of variation the instances of a run had: all together, and by family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from refms.conformance.instances.axes import levels_of
from refms.conformance.instances.covering import Coverage, coverage
from refms.conformance.instances.domain import instances_in_tier
from refms.conformance.properties import PROPERTIES
from refms.conformance.reports.report import TESTED, Report

ALL = "all"
"""What stands for all families together."""


def reach_of(reports: Sequence[Report]) -> dict[str, Coverage]:
    """Return the coverage of all instances, then that of each family, of properties that were tested."""
    catalogue = {item.id: item for item in PROPERTIES}
    drawn: dict[str, list[Mapping[str, str]]] = {}
    for report in reports:
        for row in report.rows:
            if row.verdict in TESTED and row.id in catalogue:
                cases = instances_in_tier(catalogue[row.id], report.profile, report.tier, report.seed)
                drawn.setdefault(row.family, []).extend(map(levels_of, cases))
    everything = [levels for found in drawn.values() for levels in found]
    return {ALL: coverage(everything), **{family: coverage(found) for family, found in drawn.items()}}


def in_a_line(reach: Mapping[str, Coverage]) -> str:
    """Return in one line how many pairs came up; empty where nothing was tested."""
    found = reach[ALL]
    if not found.possible:
        return ""
    missing = f"; not {'; '.join(found.missing[:2])}" if found.missing else ""
    more = f" and {len(found.missing) - 2} more" if len(found.missing) > 2 else ""
    return f"instances: {found.covered} of {found.possible} pairs of levels of all axes{missing}{more}"
