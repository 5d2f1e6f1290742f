"""The kit looks itself over: whatever is broken in it is seen before it judges anyone."""

from __future__ import annotations

import pytest

from refms.conformance import runner, self_test
from refms.conformance.measures.outcome import Outcome
from refms.conformance.reports.report import Report
from refms.conformance.self_test import BRIEF, KINDS, LONG, PROCESSES, Finding


def broken():
    return {finding.name: finding.line for finding in self_test.self_test() if not finding.good}


def test_every_kind_of_adapter_is_judged_as_it_must_be():
    found = list(self_test.self_test())
    assert [finding.line for finding in found if not finding.good] == []
    assert len(found) >= 15
    assert sum(finding.name.startswith("the mistake") for finding in found) == 3
    assert set(BRIEF) <= set(LONG)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_long_list_is_judged_as_it_must_be(kind, monkeypatch):
    monkeypatch.setattr(self_test, "KINDS", (kind,))
    monkeypatch.setattr(self_test, "PROCESSES", ())
    found = [finding for finding in self_test.self_test(long=True) if finding.name == kind.name]
    assert [finding.line for finding in found if not finding.good] == []
    assert found


@pytest.mark.parametrize("kind", PROCESSES, ids=lambda kind: kind.name)
def test_processes_that_hang_or_die_are_judged_as_they_must_be(kind, monkeypatch):
    monkeypatch.setattr(self_test, "KINDS", ())
    monkeypatch.setattr(self_test, "PROCESSES", (kind,))
    _, found = self_test.self_test(long=True)
    assert found.good, found.line
    assert found.name == kind.name


def test_a_kit_that_passes_everything_is_broken(monkeypatch):
    monkeypatch.setattr(runner, "examine", lambda *given: Outcome("PASS", 0.0, "looked away"))
    found = broken()
    assert {kind.name for kind in KINDS if kind.verdict == "FAIL" and set(kind.only) <= set(BRIEF)} <= set(
        found
    )
    assert "but C9 is PASS" in found["NaN"]


def test_a_kit_that_fails_everything_is_broken(monkeypatch):
    monkeypatch.setattr(runner, "examine", lambda *given: Outcome("FAIL", None, "-", "on fire"))
    assert "refms itself" in broken()


def test_a_kit_without_instances_is_broken(monkeypatch):
    monkeypatch.setattr(runner, "instances_in_tier", lambda *given: ())
    assert "C9 is NOT APPLICABLE" in broken()["zeros"]


def test_a_kit_that_raises_is_broken(monkeypatch):
    def raising(*given):
        raise ImportError("libblas is gone")

    monkeypatch.setattr(runner, "instances_in_tier", raising)
    assert "ImportError: libblas is gone" in broken()["refms itself"]


def test_a_report_that_passes_empty_is_broken(monkeypatch):
    monkeypatch.setattr(Report, "passed", True)
    assert broken() == {
        "nothing selected": "BROKEN nothing selected: expected NOT RUN, but the report has passed"
    }


def test_properties_that_are_gone_are_missed(monkeypatch):
    monkeypatch.setattr(self_test, "PROPERTIES", ())
    assert "nothing selected" not in broken()
    assert not Finding("-", "PASS", (), ()).good
