"""The study of false alarms: small runs find none, and mistakes are counted."""

import importlib
import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from refms.conformance import PROPERTIES
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.measures.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "validation" / "conformance"


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("false_alarms")
    yield module
    for name in ("false_alarms", "populations"):
        sys.modules.pop(name, None)


def written(study, tmp_path, *words):
    target = tmp_path / "result.json"
    code = study.main([*words, "-o", str(target)])
    return code, json.loads(target.read_text(encoding="utf-8"))


def test_right_implementations_pass_a_small_study(study, tmp_path, capsys):
    code, found = written(study, tmp_path, "--instances", "120", "--only", "C9,T1,S13,S14")
    assert code == 0
    assert found["instances"] >= 120
    assert set(found["verdicts"]) <= {"PASS", "NOT IMPLEMENTED"}
    assert found["alarms"] == []
    assert f"{found['instances']} instances" in capsys.readouterr().out
    assert all(sum(counts.values()) > 0 for counts in found["groups"].values())
    assert len(found["groups"]) >= 6
    assert found["judged_by_rho"] == sum(found["histogram"]) == found["instances"]
    assert {"d: 1", "d: 2", "d: 3", "boundary: zero", "pair: nearest", "activation: relu"} <= set(
        found["kinds"]
    )
    rho = found["properties"]["C9"]["float32"]["rho"]
    assert rho == sorted(rho)
    assert "images ×" in found["properties"]["C9"]["float32"]["worst"]


def test_an_earlier_result_is_replaced_by_force_alone(study, tmp_path, capsys):
    target = tmp_path / "result.json"
    target.write_text("of somebody else", encoding="utf-8")
    words = ["--instances", "20", "--only", "T1", "-o", str(target)]
    assert study.main(words) == 2
    assert "exists; choose another name, or --force" in capsys.readouterr().err
    assert target.read_text(encoding="utf-8") == "of somebody else"
    assert study.main([*words, "--force"]) == 0
    assert json.loads(target.read_text(encoding="utf-8"))["instances"] >= 20


def test_a_mistake_is_counted_and_told(study, tmp_path, monkeypatch, capsys):
    right = ReferenceAdapter.restrict
    monkeypatch.setattr(ReferenceAdapter, "restrict", lambda self, *given: 1.001 * right(self, *given))
    code, found = written(study, tmp_path, "--instances", "60", "--only", "T1")
    assert code == 1
    failed = found["verdicts"]["FAIL"]
    assert (
        failed == found["properties"]["T1"]["float64"]["FAIL"] + found["properties"]["T1"]["float32"]["FAIL"]
    )
    assert failed == len(found["alarms"]) > 40
    assert found["verdicts"]["PASS"] >= 1  # the peers are still right
    assert "FAIL T1" in capsys.readouterr().err


def test_lots_cover_every_implementation_and_differ_in_their_seeds(study):
    populations = importlib.import_module("populations")
    made = populations.lots(2_000, 3, PROPERTIES)
    assert len({lot.seed for lot in made}) == len(made)
    assert {lot.population for lot in made} == {one.name for one in populations.POPULATIONS}
    assert sum(lot.count for lot in made) >= 2_000
    assert {lot.law for lot in made} == {item.id for item in PROPERTIES}
    profiles = [one.adapter("float32").profile for one in populations.POPULATIONS if not one.peer]
    declared = {(p.layout, p.orientation, p.reduction, p.volume_weighted) for p in profiles}
    assert len(declared) == 24
    assert {p.pairs for p in profiles if len(p.pairs) == 1} == {
        ("averaging-bilinear",),
        ("averaging-constant",),
    }
    assert sum(one.share for one in populations.POPULATIONS) == pytest.approx(1)


def test_an_interrupted_run_goes_on_and_processes_do_not_matter(study, tmp_path):
    populations = importlib.import_module("populations")
    chosen = [item for item in PROPERTIES if item.id in ("S6", "T9")]
    wanted = populations.lots(20, 0, chosen)[:12]
    journal = tmp_path / "journal"
    first = study.summary(study.all_found(wanted[:5], journal=journal))
    assert first["instances"] > 0
    with journal.open("a", encoding="utf-8") as lines:
        lines.write('{"lot": {"popul')  # cut short
    assert set(study.journalled(journal)) == set(wanted[:5])
    resumed = study.summary(study.all_found(wanted, journal=journal))
    assert resumed == study.summary(study.all_found(wanted)) == study.summary(study.all_found(wanted, jobs=2))


def test_what_a_peer_does_not_implement_is_counted_apart(study, monkeypatch):
    populations = importlib.import_module("populations")
    lot = next(
        one
        for one in populations.lots(20, 0, PROPERTIES)
        if one.population == "SciPy" and one.law == "C9" and one.dtype == "float64"
    )

    def absent(gate, item, x):
        raise NotImplementedError

    monkeypatch.setattr(study.runner, "examine", absent)
    assert study.examine(replace(lot, count=3)).verdicts == {"NOT IMPLEMENTED": 3}
    monkeypatch.setattr(study.runner, "examine", lambda *given: Outcome("MARGINAL", 44.0, "a", "close."))
    found = study.examine(replace(lot, count=2))
    assert (found.verdicts, found.rhos, len(found.alarms)) == ({"MARGINAL": 2}, [44.0, 44.0], 2)


def test_the_published_study_is_large_and_without_a_failure():
    found = json.loads((FOLDER / "results" / "false_alarms.json").read_text(encoding="utf-8"))
    assert found["instances"] >= 100_000
    assert found["verdicts"].get("FAIL", 0) == 0
    assert set(found["groups"]) >= {"refms, averaging-bilinear alone (Example 1)", "the SciPy peer"}
