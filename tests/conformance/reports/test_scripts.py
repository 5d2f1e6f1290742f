"""Rows of failures carry a script and the simplest case; every format shows them, whatever is in them."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from refms.conformance import PROPERTIES, Profile, Report, Row, run, table
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.isolation.time_limit import time_limit
from refms.conformance.mutants import mutant_named
from refms.conformance.plugin import PropertyFailure, judge
from refms.conformance.reports.comparison import compare
from refms.conformance.reports.html import html_page
from refms.conformance.reports.junit import junit
from refms.conformance.reports.markdown import markdown
from refms.conformance.reports.saved import read_reports
from refms.conformance.reports.summary import summarize
from refms.conformance.reproduction import MARK

T1 = next(item for item in PROPERTIES if item.id == "T1")
BAD = "<script>&`````\x1b[2J\u202e\nimport os"


@pytest.fixture(scope="module")
def report():
    return run(mutant_named("R sums where it should average").around(ReferenceAdapter()), properties=[T1])


def of(report, id_="T1"):
    return next(one for one in report.rows if one.id == id_)


def test_a_failing_row_has_script_case_and_index(report):
    found = of(report)
    assert found.verdict == "FAIL"
    assert found.reproduction.startswith(MARK)
    assert found.shrunk_instance.startswith("grid (2,), ")
    assert "Smallest case: restrict, first differing index (0, 0): got 1, expected 0.5." in found.sentence


def test_no_other_row_has_one(report):
    assert all(not one.reproduction and not one.shrunk_instance for one in report.rows if one.id != "T1")
    good = run(ReferenceAdapter(), properties=[T1])
    assert all(not one.reproduction and not one.shrunk_instance for one in good.rows)


def test_json_html_markdown_and_junit_carry_the_script(report):
    script = of(report).reproduction
    saved = {one["id"]: one for one in json.loads(json.dumps(report.to_dict()))["rows"]}
    assert saved["T1"]["reproduction"] == script
    assert saved["T1"]["shrunk_instance"] == of(report).shrunk_instance
    page = html_page(summarize([report]))
    assert '-script"><summary>script that shows it</summary><pre># refms reproduction: T1' in page
    assert 'Y = np.array([[1], [0]], "float64")\ngrid = (2,)' in html.unescape(page)
    assert f"```python\n{script}```\n" in markdown(summarize([report]))
    found = ElementTree.fromstring(junit(summarize([report])))
    case = next(one for one in found.iter("testcase") if one.get("name").startswith("T1 "))
    assert case.find("system-out").text == script
    assert f"it fails on [{of(report).shrunk_instance}] too." in table([report])


def test_whatever_stands_in_a_script_stays_text():
    rows = (
        Row("T1", "transfer", "t", "FAIL", sentence="s", detail=BAD, reproduction=BAD, shrunk_instance=BAD),
    )
    report = Report(Profile("theirs"), "quick", 0, rows)
    page = html_page(summarize([report]))
    assert "<script>" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert page.count("<pre>") == 2
    assert "&lt;script&gt;&amp;`````\\x1b[2J\\u202e\nimport os" in page
    text = markdown(summarize([report]))
    assert text.count("``````python\n") == 1
    assert text.rstrip().endswith("``````")
    ElementTree.fromstring(junit(summarize([report])))


def test_reports_with_and_without_scripts_are_read_and_compared(report, tmp_path):
    new = report.to_dict()
    fields = ("detail", "shrunk_instance", "reproduction", "notes")
    old = {
        **new,
        "rows": [{key: one[key] for key in one if key not in fields} for one in new["rows"]],
    }
    found = []
    for name, one in (("old.json", old), ("new.json", new)):
        (tmp_path / name).write_text(json.dumps({"reports": [one]}), encoding="utf-8")
        found.append(read_reports(tmp_path / name))
    assert not any(change.changed for change in compare(*found))


def test_the_pytest_plugin_shows_the_script_with_the_name_of_the_adapter(report):
    class Case:
        law = T1
        adapter = ReferenceAdapter()

    with pytest.raises(PropertyFailure, match=re.escape('load("theirs:Mine").adapter("float64")')):
        judge(of(report), Case, "theirs:Mine")
    with pytest.raises(PropertyFailure, match="# put your adapter here"):
        judge(of(report), Case)
    judge(replace(of(report), verdict="PASS"), Case)


class Hanging(ReferenceAdapter):
    def restrict(self, Y, grid, pair):
        while True:
            pass


def test_what_hangs_can_be_replayed():
    found = of(run(Hanging(), properties=[T1], timeout=0.2))
    assert found.verdict == "FAIL"
    assert "examine(Gate(adapter), item, instance)" in found.reproduction
    assert found.shrunk_instance == found.worst_instance != ""


class HangingWhenSmall(ReferenceAdapter):
    """Wrong, and without end for one image of two cells that nothing but making cases smaller comes to."""

    def restrict(self, Y, grid, pair):
        while Y.tolist() == [[1.0], [0.0]]:
            pass
        return 2 * super().restrict(Y, grid, pair)


def test_what_hangs_only_when_made_smaller_keeps_what_was_found():
    with time_limit(600):
        found = of(run(HangingWhenSmall(), properties=[T1]))
    assert found.verdict == "FAIL"
    assert "ρ = " in found.sentence
    compile(found.reproduction, "script", "exec")
