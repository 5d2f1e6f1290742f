"""Properties that are judged by steps show the table, and carry it through to every format."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from refms.conformance import PROPERTIES, run, table
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.measures.orders import judge_order, steps_table
from refms.conformance.measures.outcome import Outcome, worst
from refms.conformance.mutants import mutant_named
from refms.conformance.reports.html import html_page
from refms.conformance.reports.junit import junit
from refms.conformance.reports.markdown import markdown
from refms.conformance.reports.summary import summarize

CATALOGUE = {item.id: item for item in PROPERTIES}
WITH_TABLES = ("T4", "N1", "N2", "D2", "D3", "H2", "O1", "O2", "R4")


def row(adapter, id_):
    report = run(adapter, properties=[CATALOGUE[id_]])
    return report, next(one for one in report.rows if one.id == id_)


@pytest.mark.parametrize("id_", WITH_TABLES)
def test_a_property_that_passes_has_its_table(id_):
    _, found = row(ReferenceAdapter(), id_)
    assert found.verdict == "PASS"
    lines = found.detail.splitlines()
    assert len(lines) >= 3
    assert ("slope" in lines[0]) == (id_ != "O2")


def columns(detail):
    """Return the numbers of the Taylor table: per step R0, slope, R1, slope, R2, slope, round-off."""
    rows = [line.split() for line in detail.splitlines()[1:] if line.strip().startswith("2^")]
    return [one for one in rows if len(one) == 8]  # the first has no slopes


def test_the_taylor_table_shows_orders_one_two_and_three_above_round_off():
    _, found = row(ReferenceAdapter(), "O1")
    above = [one for one in columns(found.detail) if float(one[5]) > 100 * float(one[7])]
    assert above
    for one in above:
        assert [float(one[k]) for k in (2, 4, 6)] == pytest.approx([1, 2, 3], abs=0.4)
    assert all(abs(float(one[2]) - 1) < 0.1 for one in columns(found.detail))


def test_a_wrong_gradient_shows_order_one():
    _, found = row(mutant_named("gradient too large by 0.1 %").around(ReferenceAdapter()), "O1")
    assert found.verdict == "FAIL"
    last = columns(found.detail)[-1]
    assert [float(last[k]) for k in (2, 4, 6)] == pytest.approx([1, 1, 1], abs=0.1)


def test_the_table_reaches_every_format():
    report, found = row(mutant_named("gradient too large by 0.1 %").around(ReferenceAdapter()), "O1")
    last = found.detail.splitlines()[-1]
    step = found.detail.splitlines()[1]
    for text in (
        table([report]),
        html_page(summarize([report])),
        markdown(summarize([report])),
        junit(summarize([report])),
    ):
        assert step in text
        assert last in text
    saved = json.loads(json.dumps(report.to_dict()))["rows"]
    assert next(one for one in saved if one["id"] == "O1")["detail"] == found.detail


def test_the_terminal_shows_tables_of_what_passes_only_if_asked():
    report, found = row(ReferenceAdapter(), "D2")
    step = found.detail.splitlines()[1]
    assert step not in table([report])
    assert step in table([report], details=True)


def test_the_worst_outcome_keeps_its_own_table():
    first, second = (Outcome("PASS", None, "-", detail=text) for text in ("one", "two"))
    assert worst([first, second]).detail == "one"
    assert worst([first, replace(second, verdict="FAIL")]).detail == "two"
    assert worst([Outcome("FAIL", 1e9, "-"), second]).detail == "two"


@pytest.mark.parametrize(
    "errors", [(1.0, 0.0), (0.0, 1.0), (math.nan, 1.0), (1.0, math.inf), (math.inf, 1.0)]
)
def test_errors_without_an_order_fail(errors):
    found = judge_order((16, 32), errors, 0.5, 20.0, "order")
    assert found.verdict == "FAIL"
    assert len(found.detail.splitlines()) == 3


def test_slopes_stand_between_steps_of_any_ratio():
    lines = steps_table("t", ["a", "b", "c"], [1.0, 0.1, 0.01], {"R": [1.0, 1e-2, 1e-4]}).splitlines()
    assert [line.split()[-1] for line in lines] == ["slope", "1.00e+00", "2.00", "2.00"]
