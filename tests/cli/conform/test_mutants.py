"""``refms conform mutants``: the matrix as text and JSON, exit code 4 where the kit misses something."""

from __future__ import annotations

import json

import pytest

from refms.cli.main import main
from refms.conformance.mutants import kill_matrix as mutants
from refms.conformance.mutants.kill_matrix import KillMatrix, Kills

COMPLETE = KillMatrix(
    (Kills("one", "transfer", ("T1", "T2")), Kills("two", "loss", ("S1",))), ("T1", "T2", "S1")
)
FAULTY = {
    "no property kills: three": KillMatrix((*COMPLETE.rows, Kills("three", "loss", ())), COMPLETE.properties),
    "printed numbers alone kill: three": KillMatrix(
        (*COMPLETE.rows, Kills("three", "galerkin", ("G10",))), (*COMPLETE.properties, "G10")
    ),
    "no mutant is killed by: S2": KillMatrix(COMPLETE.rows, (*COMPLETE.properties, "S2")),
}


def given(monkeypatch, matrix):
    monkeypatch.setattr(mutants, "kill_matrix", lambda **options: matrix)


def test_a_complete_matrix_is_printed_with_its_counts(capsys, monkeypatch, tmp_path):
    given(monkeypatch, COMPLETE)
    target = tmp_path / "kills.json"
    assert main(["conform", "mutants", "--json", str(target)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "   2 one  T1 T2" in lines
    assert any("T1   1" in line for line in lines)
    assert lines[-1].startswith("2 mutants, 3 properties: none survives")
    found = json.loads(target.read_text())
    assert found["complete"] is True
    assert found["kills"] == {"T1": 1, "T2": 1, "S1": 1}
    assert found["mutants"][1] == {"name": "two", "family": "loss", "killed_by": ["S1"]}


@pytest.mark.parametrize("line", FAULTY)
def test_a_gap_is_said_and_gives_exit_code_4(line, capsys, monkeypatch):
    given(monkeypatch, FAULTY[line])
    assert main(["conform", "mutants"]) == 4
    assert line in capsys.readouterr().out.splitlines()


def test_an_unknown_tier_is_bad_usage():
    assert main(["conform", "mutants", "--tier", "none"]) == 2
