"""The HTML page: complete, escaped, without anything from elsewhere, readable without colours."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from web_pages import HOSTILE, Read

from refms.conformance import PROPERTIES, Adapter, Profile, Report, Row, run
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.reports.html import SIGNS, html_page
from refms.conformance.reports.report import VERDICTS
from refms.conformance.reports.summary import summarize


@pytest.fixture(scope="module")
def hostile():
    rows = tuple(
        Row(HOSTILE, HOSTILE, HOSTILE, verdict, 3.5, *[HOSTILE] * 2, 1, HOSTILE, 0.0, HOSTILE)
        for verdict in VERDICTS
    )
    return html_page(summarize([Report(Profile(HOSTILE), HOSTILE, 0, rows)]))


def test_hostile_names_are_text(hostile):
    read = Read(hostile)
    assert read.open == []
    assert not {"script", "img", "link", "iframe", "svg"} & set(read.tags)
    assert "<script>alert(1)</script>\"'&</title></style><img src=x onerror=y>" in "".join(read.text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200b\u202e]", hostile)


def test_nothing_is_loaded_from_elsewhere(hostile):
    read = Read(html_page(summarize([run(ReferenceAdapter(), properties=PROPERTIES[:2])])) + hostile)
    assert not [entry for entry in read.attributes if entry[1] in ("src", "style") or entry[1][:2] == "on"]
    assert all(value.startswith("#") for _, name, value in read.attributes if name == "href")
    assert not re.search(r"url\(|@import|https?://", hostile.split("</style>")[0])
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in read.attributes


def test_every_verdict_has_a_sign_and_a_word_beside_its_colour(hostile):
    assert len(set(SIGNS.values())) == len(SIGNS) == len(VERDICTS)
    for verdict, sign in SIGNS.items():
        assert hostile.count(f"{sign} {verdict}</span>") == 2  # among the counts, and in the table


def test_failures_lie_open_with_all_that_is_known():
    report = run(Adapter(Profile("nothing yet")))
    rows = (
        replace(
            report.rows[0],
            verdict="FAIL",
            sentence="wrong by 2",
            worst_instance="grid (4,)",
            diagnosis="h^d missing",
        ),
    )
    both = [report, replace(report, rows=rows + report.rows[1:])]
    page = html_page(summarize(both, everything=True))
    assert page.count("<details open>") == 1
    assert page.count("<section>") == 2
    for text in ("wrong by 2", "grid (4,)", "h^d missing", PROPERTIES[0].source):
        assert text in page
    assert page.count('<td class="id">') == 2 * len(PROPERTIES)
    assert "1 fail" in page
