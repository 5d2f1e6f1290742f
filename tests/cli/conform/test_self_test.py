"""``refms conform self-test``, and the self-test before a run: exit code 4 where the kit is broken."""

from __future__ import annotations

import json

import pytest

from refms.cli.main import main
from refms.conformance import runner
from refms.conformance import self_test as conform_self_test
from refms.conformance.measures.outcome import Outcome
from refms.conformance.self_test import Finding

GOOD, BAD = Finding("zeros", "FAIL", ("C9",), ()), Finding("NaN", "FAIL", ("C9",), ("C9 is PASS",))


@pytest.mark.parametrize(("findings", "code"), [((GOOD,), 0), ((GOOD, BAD), 4)])
def test_each_kind_has_a_line_and_a_wrong_one_ends_with_four(capsys, monkeypatch, tmp_path, findings, code):
    monkeypatch.setattr(conform_self_test, "self_test", lambda *, long: iter(findings))
    target = tmp_path / "a.json"
    assert main(["conform", "self-test", "--json", str(target)]) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == [finding.line for finding in findings]
    assert lines[-1].startswith("BROKEN: 2 kinds" if code else "PASS: 1 kinds")
    result = json.loads(target.read_text(encoding="utf-8"))
    assert result["passed"] is (code == 0)
    assert result["findings"][0]["name"] == "zeros"


def test_a_broken_kit_judges_nobody(capsys, monkeypatch):
    monkeypatch.setattr(runner, "examine", lambda *given: Outcome("PASS", 0.0, "looked away"))
    assert (
        main(["conform", "run", "refms.conformance.adapters.reference:ReferenceAdapter", "--only", "D1"]) == 4
    )
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "refms: BROKEN zeros: expected FAIL, but C9 is PASS" in printed.err
    assert "the kit itself does not work in this installation, so nothing was judged" in printed.err
