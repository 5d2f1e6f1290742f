"""The study of diagnoses: mutants are named, corners are found, and a wrong rule would be counted."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from refms.conformance.instances import rules
from refms.conformance.mutants import mutant_named

FOLDER = Path(__file__).resolve().parents[2] / "validation" / "conformance"


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("diagnoses")
    sys.modules.pop("diagnoses", None)


def test_a_mistake_seen_everywhere_is_named_and_found_in_its_corners(study):
    found = study.study([mutant_named("R sums where it should average")])
    assert found["names"] == {"named": study.PROPERTIES_OF_EACH}
    assert "another name" not in found["names without the family"]
    told = found["rules of one condition"]
    assert told["the corner"] >= 0.9 * sum(told.values()) > 5


def test_a_rule_that_leaves_failures_out_is_false(study, monkeypatch):
    monkeypatch.setattr(study, "best_rule", lambda found: rules.Rule(("d = 1",), 1, 1))
    (item,) = [one for one in study.PROPERTIES if one.id == "D1"]
    mutant = mutant_named("layers copied in place of interpolated")
    kinds = {what for _, what, _ in study.rules(mutant, item, [("m = 1", "d = 2")])}
    assert "false" in kinds


def test_the_result_is_written_once(study, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "MUTANTS", [mutant_named("R sums where it should average")])
    target = tmp_path / "result.json"
    assert study.main(["-o", str(target)]) == 0
    assert json.loads(target.read_text(encoding="utf-8"))["names"]
    assert study.main(["-o", str(target)]) == 2
    assert "exists" in capsys.readouterr().err
