"""`refms verify`: the table, Example 1, the JSON and the exit codes."""

from __future__ import annotations

import json

import pytest

from refms.cli import main as program
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.properties import PROPERTIES
from refms.names import TIERS


def test_this_installation_passes_in_both_precisions(capsys, tmp_path):
    target = tmp_path / "verify.json"
    assert program.main(["verify", "--json", str(target)]) == 0
    printed, result = capsys.readouterr().out, json.loads(target.read_text(encoding="utf-8"))
    assert result["passed"] is True
    assert [report["profile"]["dtype"] for report in result["reports"]] == ["float64", "float32"]
    # Where correct code came near the limit of 30, a scale would be wrong, and mistakes might pass.
    assert max(row["rho"] or 0.0 for report in result["reports"] for row in report["rows"]) < 10
    for item in PROPERTIES:
        assert any(line.startswith(f"{item.id:>4} {item.title}") for line in printed.splitlines())
    assert "0 fail, 0 untested" in printed
    assert printed.rstrip().splitlines()[-1].startswith("PASS: tier quick, seed 0")
    example = result["example_1"]
    assert example["deviation_from_printed"] < 0.0063
    assert example["deviation_from_exact"] < 1e-15
    assert "-0.47875" in printed


def test_a_failed_property_ends_with_one(capsys, monkeypatch):
    right = ReferenceAdapter.work_units
    monkeypatch.setattr(ReferenceAdapter, "work_units", lambda *given: 2 * right(*given))
    monkeypatch.setitem(TIERS, "quick", 1)
    assert program.main(["verify", "--dtype", "float32"]) == 1
    printed = capsys.readouterr().out
    assert "FAIL" in printed.splitlines()[-1]
    assert "A1" in printed


@pytest.mark.parametrize(
    "wrong",
    [["--dtype", "float16"], ["--seed", "-1"], ["--seed", "x"], ["--quick", "--full"], ["--backend", "tpu"]],
)
def test_bad_usage_ends_with_two(capsys, wrong):
    assert program.main(["verify", *wrong]) == 2
    assert capsys.readouterr().err
