"""Every mistake is found by a property, every property finds one, and what is declared is no mistake."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from refms.conformance import PROPERTIES, run
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import instances
from refms.conformance.mutants import MUTANTS, Mutant, mutant_named
from refms.conformance.mutants.conventions import SUMMED, UNWEIGHTED, as_declared
from refms.conformance.mutants.kill_matrix import KillMatrix, Kills, kill_matrix
from refms.conformance.runner import check_property, examine
from refms.errors import InputError

RESULTS = Path(__file__).parents[3] / "validation" / "conformance" / "results"
CATALOGUE = {item.id: item for item in PROPERTIES}
FAMILIES = tuple(dict.fromkeys(one.family for one in MUTANTS))


def verdicts(adapter, ids):
    return {
        name: check_property(Gate(adapter), CATALOGUE[name], "quick", 0, explain=False).verdict
        for name in ids
    }


def under(**declared):
    return ReferenceAdapter(profile=replace(reference_profile(), **declared))


@pytest.fixture(scope="module")
def matrix():
    return kill_matrix(brief=True)


def test_there_are_enough_mutants_and_their_names_tell_them_apart():
    assert len({one.name for one in MUTANTS}) == len(MUTANTS) >= 100
    assert sum(one.family == "combinations" for one in MUTANTS) >= 5
    assert {item.family for item in PROPERTIES} <= set(FAMILIES)


def test_every_mutant_is_killed_and_every_property_kills(matrix):
    assert matrix.survivors == ()
    assert matrix.golden_only == ()
    assert matrix.idle == ()
    assert matrix.complete


@pytest.mark.parametrize(("first", "dtype"), [(0, "float64"), (1, "float32")])
def test_no_mutant_dies_of_a_mistake_of_its_own(first, dtype):
    """The changes give wrong results and do not raise: else anything would find them."""
    for mutant in MUTANTS[first::2]:
        gate = Gate(mutant.around(ReferenceAdapter(dtype=dtype)))
        for operation in mutant.changes:
            item = min((one for one in PROPERTIES if operation in one.operations), key=lambda one: one.cost)
            found = examine(gate, item, instances(item.domain, gate.profile, 1, 1)[0])
            assert found.criterion != "runs without misbehaviour", f"{mutant.name}: {found.sentence}"


def test_brief_and_thorough_say_the_same():
    chosen = [one for one in MUTANTS if one.family in ("convolution", "depth")]
    chosen = [one for one in chosen if "convolution" not in one.changes]
    brief, thorough = kill_matrix(chosen, brief=True), kill_matrix(chosen)
    assert brief.survivors == thorough.survivors
    assert brief.idle == thorough.idle
    assert all(set(one.by) <= set(other.by) for one, other in zip(brief.rows, thorough.rows, strict=True))


@pytest.mark.parametrize(
    ("name", "blind", "seeing"),
    [
        ("kernel flipped in convolution, adjoint, gradient and matrix alike", "C14", "C9"),
        ("loss, gradient and Gauss-Newton product doubled alike", "O3", "O1"),
        ("coarse stencil doubled and fine stencil halved, so that round trips are right", "G5", "G1"),
        ("R summed and P divided by 2^d, so that RKP is right", "G12", "T1"),
    ],
)
def test_mistakes_that_agree_pass_the_usual_check_and_fail_another(name, blind, seeing):
    assert verdicts(mutant_named(name).around(ReferenceAdapter()), (blind, seeing)) == {
        blind: "PASS",
        seeing: "FAIL",
    }


def test_what_is_missing_stays_missing():
    class Little:
        profile = reference_profile()

        def restrict(self, Y, grid, pair):
            return Y

    little = mutant_named("P too large by a tenth").around(Little())
    assert not hasattr(little, "prolong")


def test_a_combination_has_both_mistakes():
    Y = np.ones((4, 1))
    wrong = mutant_named("R summed and P divided by 2^d, so that RKP is right").around(ReferenceAdapter())
    assert wrong.restrict(Y, (4,), "averaging-constant").tolist() == [[2.0], [2.0]]
    assert wrong.prolong(Y[:2], (4,), "averaging-constant").tolist() == [[0.5]] * 4


def test_an_unknown_mutant_is_refused():
    with pytest.raises(InputError, match="mutant"):
        mutant_named("nothing of the kind")


def test_a_mutant_that_is_right_survives_and_a_property_that_sees_nothing_is_idle():
    harmless = Mutant("harmless", "transfer", {"restrict": lambda t: t()})
    found = kill_matrix([harmless], properties=[CATALOGUE["T8"], CATALOGUE["T1"]])
    assert found.survivors == ("harmless",)
    assert found.idle == ("T8", "T1")
    assert not found.complete


def test_who_kills_alone_and_who_is_needed_where_there_are_fewer_operations():
    """C5 asks for convolution and its adjoint, C1 for convolution alone, C9 too."""
    rows = (
        Kills("a", "convolution", ("C1", "C5")),
        Kills("b", "convolution", ("C5",)),
        Kills("c", "convolution", ("C1", "C9")),
    )
    found = KillMatrix(rows, ("C1", "C5", "C9"))
    assert found.alone == {"C1": 0, "C5": 1, "C9": 0}
    assert found.needed == {"C1": 1, "C5": 1, "C9": 0}
    assert CATALOGUE["C1"].operations == CATALOGUE["C9"].operations == ("convolution",)
    assert set(CATALOGUE["C5"].operations) == {"convolution", "convolution_adjoint"}


def test_printed_numbers_alone_are_not_enough():
    found = KillMatrix((Kills("one", "galerkin", ("G10",)), Kills("two", "galerkin", ("G1",))), ("G1", "G10"))
    assert found.golden_only == ("one",)
    assert not found.complete
    assert replace(found, rows=(Kills("one", "galerkin", ("G10", "G1")),)).complete


class FlippedInside(ReferenceAdapter):
    """refms with the other orientation, which it declares."""

    def __init__(self):
        super().__init__(profile=replace(reference_profile(), orientation="convolution"))


@pytest.mark.parametrize(
    ("adapter", "ids"),
    [
        (FlippedInside(), [f"C{k}" for k in range(1, 16)]),
        (UNWEIGHTED.around(under(volume_weighted=False)), ["H1", "H2", "H3", "O1", "O3", "O4", "O12"]),
        (SUMMED.around(under(reduction="sum")), [*(f"S{k}" for k in range(1, 14)), "H3", "O1", "O4"]),
        (
            as_declared(under(reduction="sum", volume_weighted=False)),
            ["S9", "H2", "H3", "O1", "O4"],
        ),
    ],
)
def test_a_convention_that_is_declared_is_no_mistake(adapter, ids):
    assert verdicts(adapter, ids) == dict.fromkeys(ids, "PASS")


def test_the_reference_passes_with_flipped_orientation():
    families = ("convolution", "galerkin", "network", "gauss-newton")
    chosen = [item for item in PROPERTIES if item.family in families]
    assert run(FlippedInside(), properties=chosen).counts["PASS"] == len(chosen)


@pytest.mark.parametrize("name", ["C9", "C13", "H3", "S8"])
def test_a_wrong_declaration_is_found(name):
    wrong = replace(reference_profile(), orientation="convolution", reduction="sum")
    adapter = ReferenceAdapter(profile=wrong)
    adapter._convolution = lambda S, grid, boundary: ReferenceAdapter()._convolution(S, grid, boundary)
    assert verdicts(adapter, (name,))[name] == "FAIL"


def test_the_published_matrix_is_complete_and_of_the_mutants_of_today():
    found = json.loads((RESULTS / "kills.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in found["mutants"]] == [one.name for one in MUTANTS]
    assert found["complete"]
    rows = tuple(Kills(row["name"], row["family"], tuple(row["killed_by"])) for row in found["mutants"])
    matrix = KillMatrix(rows, tuple(CATALOGUE))
    assert (matrix.alone, matrix.needed) == (found["alone"], found["needed"])
