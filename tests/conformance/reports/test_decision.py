"""One decision on a run, which every report, truth value and exit code says; levels; what does not apply."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from refms.conformance import PROPERTIES, Adapter, Profile, run, table
from refms.conformance.adapters.around import Around
from refms.conformance.adapters.misbehaving import raising
from refms.conformance.adapters.profile import LEVELS
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.operations import OPERATIONS
from refms.conformance.reports.decision import decide_all
from refms.conformance.reports.html import html_page
from refms.conformance.reports.junit import junit
from refms.conformance.reports.markdown import markdown
from refms.conformance.reports.report import Row
from refms.conformance.reports.summary import summarize
from refms.errors import InputError

ROW = Row("C1", "convolution", "t", "PASS", levels=("operators", "everything"))
PLAIN = ("forward", "loss", "gradient")
"""The operations of a network as others write it."""


def partial(*operations, **declared):
    """Return an adapter that has some operations of refms, and declares something else."""
    right = ReferenceAdapter(profile=replace(ReferenceAdapter().profile, **declared))
    adapter = Adapter(right.profile)
    for name in operations:
        setattr(adapter, name, getattr(right, name))
    return adapter


def judge(adapter, *ids):
    return run(adapter, properties=[item for item in PROPERTIES if item.id in ids])


@pytest.mark.parametrize(
    ("operations", "verdict"),
    [(("depth_prolong",), "TOO LITTLE TESTED"), (("depth_prolong", "convolution"), "PASS")],
)
def test_every_format_says_the_same(operations, verdict):
    report = judge(partial(*operations), "D1", "C1", "C3")
    told, passed = report.to_dict(), verdict == "PASS"
    assert (report.decision.verdict, decide_all([report]).verdict, told["verdict"]) == (verdict,) * 3
    assert bool(report) == report.passed == told["passed"] == passed
    assert f"## float64: {verdict}\n" in markdown(summarize([report]))
    assert f"<h2>float64: {verdict}</h2>" in html_page(summarize([report]))
    (suite,) = ElementTree.fromstring(junit(summarize([report])))
    assert suite.get("failures") == ("0" if passed else "1")
    (said,) = [case for case in suite if case.get("name").startswith("verdict")]
    assert (said.find("failure") is None) == passed


def test_a_plain_network_claims_the_gradient_and_is_judged_by_that():
    ids = ("N1", "N2", "N5", "O1", "H3", "C1", "C3", "G1", "G2", "S1", "O4", "O3")
    plain = partial(*PLAIN, boundaries=("zero",), level="gradient")
    report = judge(plain, *ids)
    rows = {row.id: row.verdict for row in report.rows}
    assert (rows["N5"], rows["C3"], rows["G1"]) == ("NOT APPLICABLE", "NOT APPLICABLE", "NOT IMPLEMENTED")
    assert report.decision.verdict == "PASS"
    assert report.decision.tested == 1.0
    assert judge(partial(*PLAIN, boundaries=("zero",)), *ids).decision.verdict == "TOO LITTLE TESTED"
    lacking = judge(partial("forward", "gradient", level="gradient"), *ids).decision
    assert lacking.verdict == "TOO LITTLE TESTED"
    assert lacking.sentence.endswith("not tested: H3, O1.")


def test_levels_are_operations_of_the_kit_and_grow():
    assert all(known is None or known <= set(OPERATIONS) for known in LEVELS.values())
    assert LEVELS["gradient"] < LEVELS["gauss-newton"]
    with pytest.raises(InputError, match="unknown level 'gradients'"):
        Profile("mine", level="gradients")


@pytest.mark.parametrize(
    ("rows", "broken", "verdict"),
    [
        ([], (), "TOO LITTLE TESTED"),
        ([ROW], (), "PASS"),
        ([ROW], ("C1 was expected to fail.",), "FAIL"),
        ([replace(ROW, verdict="FAIL")], (), "FAIL"),
        ([ROW, replace(ROW, verdict="FAIL", expected=True)], (), "PASS"),
        ([replace(ROW, verdict="MARGINAL")], (), "TOO LITTLE TESTED"),
        ([ROW, *[replace(ROW, verdict="NOT APPLICABLE")] * 9], (), "PASS"),
        ([ROW, *[replace(ROW, verdict="NOT RUN", selected=False)] * 9], (), "PASS"),
        ([ROW, *[replace(ROW, verdict="NOT RUN")] * 2], (), "TOO LITTLE TESTED"),
    ],
)
def test_what_decides(rows, broken, verdict):
    report = replace(judge(Adapter(Profile("mine"))), rows=tuple(rows), broken=broken)
    assert report.decision.verdict == verdict


class MuteError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


HOSTILE = (ValueError("\x1b[2J\n| on\u202e fire"), NotImplementedError("\x1b]0;\n"), MuteError())


@pytest.mark.parametrize("error", HOSTILE, ids=lambda error: type(error).__name__)
def test_nothing_an_adapter_says_reaches_a_page_as_it_is(error):
    profile = replace(ReferenceAdapter().profile, name="\x1b[31mmine\n# theirs")
    report = judge(Around(ReferenceAdapter(), raising(error), profile), "D1")
    for page in (
        table([report]),
        report.headline,
        markdown(summarize([report])),
        html_page(summarize([report])),
        junit(summarize([report])),
    ):
        assert page.replace("\n", "").isprintable()
        assert "\n# theirs" not in page
    assert "\n" not in report.headline
