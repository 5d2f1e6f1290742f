"""The mutation score of the core: published as it was found, with a reason for every survivor."""

from __future__ import annotations

import json
import math
from pathlib import Path

import mutation_score
import pytest
from mutation import publishing
from mutation.publishing import Reason, complaints, counts, read_reasons

FOLDER = Path(__file__).resolve().parents[2] / "validation" / "conformance"
RESULT = json.loads((FOLDER / "results" / "mutation_score.json").read_text(encoding="utf-8"))


def test_every_survivor_that_is_published_has_a_reason():
    assert {row["kind"] for _, row in publishing.survivors_of(RESULT)} <= set(publishing.KINDS)


def test_the_modules_and_the_tests_that_mirror_them_are_there():
    for module in mutation_score.MODULES:
        assert (mutation_score.ROOT / module).is_file(), module
        assert all((mutation_score.ROOT / test).is_file() for test in mutation_score.mirrors(module))
    mirrors = ["tests/linear/test_cg.py", "tests/linear/test_trust.py"]
    assert mutation_score.mirrors("refms/linear/cg.py") == mirrors
    assert {name for name in mutation_score.MODULES if not mutation_score.mirrors(name)} == set()


def test_a_reason_whose_lines_are_gone_is_told(tmp_path):
    (tmp_path / "m.py").write_text("x = (a +\n    b)\n")
    changes = frozenset({("m.py", "x = (a + b)", "x"), ("m.py", "y", "x"), ("n.py", "y", "x")})
    told = publishing.lost_places([Reason("harmless", "So.", changes)], tmp_path)
    assert [line.partition(":")[0] for line in told] == ["m.py", "n.py"]


def test_at_least_95_percent_were_noticed_and_no_module_left_out():
    modules, most = RESULT["modules"], RESULT["sample"]
    assert counts(modules.values(), 0)["raw"] >= 0.95
    assert all(found["mutants"] == min(found["population"], most or math.inf) for found in modules.values())


def result(population=3, survivors=(("a + b", "a - b"),)):
    rows = [{"line": 1, "function": "f", "before": old, "after": new} for old, new in survivors]
    noticed = dict.fromkeys(publishing.NOTICED, 0) | {"own tests": 3 - len(rows)}
    found = {"population": population, "mutants": 3, "noticed": noticed, "survivors": rows}
    return {"modules": {"m.py": found}}


def test_what_is_not_explained_and_what_is_explained_in_vain_is_complained_of():
    reason = Reason("equivalent", "b is 0.", frozenset({("m.py", "a + b", "a - b")}))
    assert complaints(result(), [reason]) == []
    (unexplained,) = complaints(result(), [])
    assert unexplained.endswith("survives without a reason")
    (stale,) = complaints(result(survivors=()), [reason])
    assert stale.endswith("has a reason and does not survive")
    assert complaints(result(population=9, survivors=()), [reason]) == []  # a sample may lack it


def test_the_score_leaves_out_what_is_proved_equivalent():
    found = counts(result()["modules"].values(), 1)
    assert (found["mutants"], found["survivors"]) == (3, 1)
    assert found["raw"] == pytest.approx(2 / 3)
    assert found["score"] == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "fine"\nchanges = []', "'fine'"),
        ('kind = "harmless"\nchanges = [["a", "b"], ["a", "b"]]', "twice"),
    ],
)
def test_reasons_that_are_no_reasons_are_refused(tmp_path, text, words):
    path = tmp_path / "reasons.toml"
    path.write_text(f'[[reason]]\nmodule = "m.py"\nwhy = "So."\n{text}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        read_reasons(path)


def test_a_module_is_changed_one_operator_at_a_time():
    pytest.importorskip("mutmut", reason="the extra `mutation` is not installed")
    from mutation.sites import mutants_of

    source = "def f(a, b):\n    return a + b\n"
    found = mutants_of("m.py", source)
    assert ("return a + b", "return a - b") in {(one.before, one.after) for one in found}
    assert all(one.source != source for one in found)


def test_conditions_are_negated_wherever_they_stand():
    pytest.importorskip("mutmut", reason="the extra `mutation` is not installed")
    from mutation.sites import mutants_of

    source = "def f(a):\n    while a:\n        if(a):\n            return a.T\n"
    changed = {one.after for one in mutants_of("m.py", source)}
    assert {"while (not a):", "if(not (a)):"} <= changed


def test_another_sample_is_not_brought_up_to_date(tmp_path, capsys):
    pytest.importorskip("mutmut", reason="the extra `mutation` is not installed")
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps({"sample": 3, "seed": 0, "modules": {}}))
    assert mutation_score.main(["--sample", "4", "--again", str(earlier)]) == 2
    assert "--sample 3 --seed 0" in capsys.readouterr().err
