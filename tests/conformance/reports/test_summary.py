"""What a run says in short: causes that cover every failure once, and counts that all formats share."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_pages import Read

from refms.conformance import PROPERTIES, Adapter, Profile, Report, Row, run
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.mutants import mutant_named
from refms.conformance.reports.html import html_page
from refms.conformance.reports.junit import junit
from refms.conformance.reports.markdown import markdown
from refms.conformance.reports.report import VERDICTS
from refms.conformance.reports.summary import causes_of, families_of, summarize
from refms.conformance.reports.text import text

ITEMS = [(item.id, item.family, item.title) for item in PROPERTIES]


def report(*rows, dtype="float64"):
    return Report(Profile("theirs", dtype=dtype), "quick", 0, rows)


def row(place, verdict="FAIL", *mistakes, certain=True, **more):
    return Row(*ITEMS[place], verdict, mistakes=mistakes, certain=certain and bool(mistakes), **more)


def told(*reports):
    return [(cause.name, cause.ids) for cause in causes_of(reports)]


def ids(*places):
    return tuple(ITEMS[place][0] for place in places)


def test_failures_with_one_name_are_one_cause_and_the_larger_comes_first():
    rows = [row(0, "FAIL", "a"), row(1, "FAIL", "b"), row(2, "FAIL", "b"), row(3, "PASS")]
    assert told(report(*rows)) == [("b", ids(1, 2)), ("a", ids(0))]


def test_the_fewest_mistakes_explain_all():
    """One that is wrong in two operations explains what two would."""
    rows = [row(0, "FAIL", "R", "R and P"), row(1, "FAIL", "P", "R and P"), row(2, "FAIL", "R", "R and P")]
    assert told(report(*rows)) == [("R and P", ids(0, 1, 2))]


def test_several_nearest_mistakes_are_no_name():
    for mistakes in (("a", "b"), ("a",)):
        (cause,) = causes_of([report(row(0, "FAIL", *mistakes, certain=False))])
        assert (cause.mistakes, cause.certain) == (mistakes, False)
        assert cause.name != "a"


def test_failures_without_a_name_go_by_the_operation_that_is_wrong_first():
    rows = [row(0, operation="restrict"), row(1, operation="prolong"), row(2, operation="restrict")]
    found = causes_of([report(*rows)])
    assert [cause.ids for cause in found] == [ids(0, 2), ids(1)]
    assert "restrict" in found[0].name


def test_what_was_expected_has_no_cause():
    assert causes_of([report(row(0, expected=True), row(1, "PASS"))]) == ()


def test_a_property_that_fails_in_both_precisions_counts_once():
    both = report(row(0, "FAIL", "a")), report(row(0, "FAIL", "a"), dtype="float32")
    assert summarize(both).headline == "1 cause explains 1 failure"
    assert causes_of(both)[0].where == ""


@pytest.mark.parametrize(("other", "where"), [("PASS", "float32 only"), ("NOT IMPLEMENTED", "")])
def test_a_cause_in_one_precision_alone_says_so(other, where):
    (cause,) = causes_of([report(row(0, other)), report(row(0, "FAIL", "a"), dtype="float32")])
    assert cause.where == where


def test_where_most_failures_of_a_cause_come_up_is_said():
    corner = "fails only where m = 1"
    rows = [row(k, "FAIL", "a", where=where) for k, where in enumerate([corner, "", corner])]
    assert causes_of([report(*rows)])[0].where == corner


ROWS = st.lists(
    st.tuples(st.sampled_from(VERDICTS), st.sets(st.sampled_from("abcd")), st.booleans(), st.booleans()),
    min_size=1,
    max_size=20,
)


@given(ROWS, ROWS)
def test_causes_cover_every_failure_once_and_families_every_property(first, second):
    n = min(len(first), len(second))
    reports = [
        report(
            *(
                row(k, verdict, *sorted(names), certain=certain, expected=expected)
                for k, (verdict, names, certain, expected) in enumerate(rows[:n])
            ),
            dtype=dtype,
        )
        for rows, dtype in ((first, "float64"), (second, "float32"))
    ]
    failing = {
        (one.profile.dtype, r.id)
        for one in reports
        for r in one.rows
        if r.verdict == "FAIL" and not r.expected
    }
    covered = [(one.dtype, one.row.id) for cause in causes_of(reports) for one in cause.failures]
    assert len(covered) == len(set(covered))
    assert set(covered) == failing
    counts = families_of(reports)
    assert sum(sum(one.values()) for one in counts.values()) == n
    assert summarize(reports).headline.count("cause") == bool(failing)


def test_what_is_not_implemented_is_counted_and_listed_where_it_is_asked_for():
    lacking = run(Adapter(Profile("nothing yet")), properties=PROPERTIES[:3])
    for everything, listed in ((False, 0), (True, len(PROPERTIES))):
        summary = summarize([lacking], everything=everything)
        assert sum(counts["NOT IMPLEMENTED"] for counts in summary.families.values()) == 3
        assert len(summary.listed(lacking)) == listed
        assert html_page(summary).count('<td class="id">') == listed
        assert markdown(summary).count("\n| C1 ") == bool(listed)
        assert (PROPERTIES[0].title in text(summary)) == bool(listed)


@pytest.fixture(scope="module")
def flipped():
    adapter = mutant_named("kernel flipped on all axes").around(ReferenceAdapter())
    chosen = [item for item in PROPERTIES if item.id in ("C4", "C9", "T1")]
    return summarize([run(adapter, properties=chosen)], ["delta images are flipped"])


def test_every_format_says_the_same_causes_and_counts(flipped):
    (cause,) = flipped.causes
    assert cause.ids == ("C4", "C9")
    told = json.loads(json.dumps(flipped.to_dict()))
    assert told["causes"][0]["name"] == cause.name == "kernel flipped on all axes"
    assert told["families"]["convolution"]["FAIL"] == 2
    for page in (
        text(flipped),
        text(flipped, brief=True),
        markdown(flipped),
        html_page(flipped),
        junit(flipped),
    ):
        assert flipped.headline in page
        assert cause.name in page
    for page in (markdown(flipped), html_page(flipped), junit(flipped)):
        assert "delta images are flipped" in page
    assert PROPERTIES[0].family not in text(flipped, brief=True)


def test_continuous_integration_shows_the_cause_of_every_failure_and_of_the_verdict(flipped):
    (suite,) = ElementTree.fromstring(junit(flipped))
    said = {case.get("name").split()[0]: case.findtext("failure") for case in suite}
    assert {name for name, told in said.items() if told and "kernel flipped on all axes" in told} == {
        "C4",
        "C9",
        "verdict",
    }
    assert "fails C4, C9" in said["verdict"]


def test_links_lead_from_a_cause_to_its_properties_and_scripts(flipped):
    read = Read(html_page(flipped))
    links = [value for _, name, value in read.attributes if name == "href"]
    places = [value for _, name, value in read.attributes if name == "id"]
    assert len(links) == 4  # two properties and their scripts
    assert all(link.startswith("#") for link in links)
    assert {link[1:] for link in links} <= set(places)
    assert len(set(places)) == len(places)


def test_nothing_that_failed_has_no_causes():
    right = summarize([replace(run(ReferenceAdapter(), properties=PROPERTIES[:1]), seed=1)])
    assert (right.causes, right.headline) == ((), "")
    assert text(right, brief=True) == ""


def test_pairs_of_levels_that_came_up_are_told_in_every_format():
    tested = [row(k, "PASS") for k, (_, family, _) in enumerate(ITEMS) if family in ("convolution", "loss")]
    one = summarize([report(*tested), report(*tested, dtype="float32")])
    assert list(one.reach) == ["all", "convolution", "loss"]
    assert one.reach["all"].covered > one.reach["loss"].covered > 600
    assert not any("precision" in line for line in one.reach["loss"].missing)
    line = f"{one.reach['all'].covered} of {one.reach['all'].possible} pairs of levels"
    assert line in text(one)
    assert line in markdown(one)
    found = json.loads(json.dumps(one.to_dict()))["instances"]
    assert found["loss"]["missing"] == list(one.reach["loss"].missing)
    assert len(found["all"]["missing"]) == found["all"]["possible"] - found["all"]["covered"]
    page = html_page(one)
    assert all(missing.replace("<", "&lt;") in page for missing in one.reach["loss"].missing)


def test_where_nothing_was_tested_no_pairs_are_told():
    assert "pairs of levels" not in text(summarize([report(row(0, "NOT IMPLEMENTED"))]))
