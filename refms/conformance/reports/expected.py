"""A run held against the failures that were expected of it: each must fail, and nothing else may."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from refms.conformance.cases import Case, cases
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reports.report import Report, Row
from refms.conformance.reports.xfails import broken_expectation, expected_failures
from refms.errors import require_whole


@dataclass(frozen=True)
class Expectations:
    """What became of the expected failures."""

    met: tuple[str, ...] = ()  # a line for every case that failed as expected, with the reason
    # a sentence for every case that should have failed and did not, or failed beside one that should; by
    # precision
    broken: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # id and precision of the properties all of whose failures were expected
    excused: frozenset[tuple[str, str]] = frozenset()

    def noted(self, report: Report) -> Report:
        """Return a report that knows of its expectations; failures remain failures, but are expected."""
        dtype = report.profile.dtype
        rows = (
            dataclasses.replace(row, expected=True, sentence=f"expected to fail: {row.sentence}")
            if row.verdict == "FAIL" and (row.id, dtype) in self.excused
            else row
            for row in report.rows
        )
        return dataclasses.replace(report, rows=tuple(rows), broken=self.broken.get(dtype, ()))


def check_expectations(
    xfails: Mapping[str, str],
    adapters: Sequence[Any],
    chosen: Sequence[Property] = PROPERTIES,
    tier: str = "quick",
    seed: int = 0,
    check: Callable[[Case, str, int], Row] = Case.run,
) -> Expectations:
    """Run the properties of which failures are expected case by case, as the pytest plugin does."""
    if not xfails:
        return Expectations()
    seed = require_whole(seed, "seed")
    reasons = expected_failures(xfails, (case.id for case in cases(adapters)))
    met, excused = [], set()
    broken: dict[str, tuple[str, ...]] = {}
    for adapter in adapters:
        for law in chosen:
            own = cases([adapter], [law])
            if not any(case.id in reasons for case in own):
                continue
            verdicts = {case.id: check(case, tier, seed).verdict for case in own}
            failing = [id_ for id_, verdict in verdicts.items() if verdict == "FAIL"]
            met += [f"{id_} fails as expected: {reasons[id_]}" for id_ in failing if id_ in reasons]
            beside = [f"{id_} fails, which was not expected." for id_ in failing if id_ not in reasons]
            told = (
                broken_expectation(id_, verdicts[id_], reasons[id_]) for id_ in verdicts if id_ in reasons
            )
            earlier = broken.get(adapter.profile.dtype, ())
            broken[adapter.profile.dtype] = (*earlier, *beside, *filter(None, told))
            if failing and not beside:
                excused.add((law.id, adapter.profile.dtype))
    return Expectations(tuple(met), broken, frozenset(excused))
