"""The runner itself: adapters that misbehave in every way get the right verdict and a readable line."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from refms.conformance import PROPERTIES, Adapter, Profile, run, table
from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.around import Around
from refms.conformance.adapters.misbehaving import modifying, raising, returning
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.measures.outcome import Outcome
from refms.conformance.mutants import mutant_named
from refms.conformance.operations import OPTIONAL, PARAMETERS
from refms.conformance.property import family
from refms.errors import InputError
from refms.names import TIERS


def altered(change):
    """Return an adapter of refms whose every operation goes through a change."""
    return Around(ReferenceAdapter(), change)


def test_nothing_implemented_is_never_a_pass():
    report = run(Adapter(reference_profile("empty")))
    beyond = frozenset().union(*OPTIONAL.values())
    optional = {
        item.id
        for item in PROPERTIES
        if beyond & {*item.needs} or (item.uses and beyond.issuperset(item.uses))
    }
    assert report.counts["NOT IMPLEMENTED"] == len(PROPERTIES) - len(optional) == report.untested
    assert not report.passed
    assert {row.id for row in report.rows if row.verdict == "NOT APPLICABLE"} == optional
    assert f"{len(PROPERTIES) - len(optional)} untested" in report.headline
    assert all("the adapter has no" in row.sentence for row in report.rows)


@pytest.mark.parametrize("level", OPTIONAL)
def test_an_optional_level_is_due_where_it_is_claimed(level):
    report = run(Adapter(Profile("-", level=level)))
    due = {item.id for item in PROPERTIES if item.needs and OPTIONAL[level].issuperset(item.needs)}
    assert {row.verdict for row in report.rows if row.id in due} == {"NOT IMPLEMENTED"}
    assert report.decision.verdict == "TOO LITTLE TESTED"
    assert level in report.decision.sentence


def test_operations_of_the_second_paper_are_asked_of_who_has_one_or_claims_them():
    class Adam(Adapter):
        def adam_step(self, theta, g, m, v, rate, count):
            return ReferenceAdapter().adam_step(theta, g, m, v, rate, count)

    nothing, claimed = (Adapter(Profile("-", level=level)) for level in (None, "multiscale"))
    for adapter, verdict in (
        (nothing, "NOT APPLICABLE"),
        (claimed, "NOT IMPLEMENTED"),
        (Adam(Profile("-")), "NOT IMPLEMENTED"),
    ):
        rows = {row.id: row.verdict for row in run(adapter).rows}
        assert rows["Z1"] == verdict
        assert rows["C1"] == "NOT IMPLEMENTED"
    assert rows["A3"] == "PASS"


def test_nothing_selected_is_never_a_pass():
    report = run(ReferenceAdapter(), properties=[])
    assert report.counts["NOT RUN"] == len(PROPERTIES)
    assert not report.passed
    assert "0 pass" in report.headline


def test_what_the_profile_excludes_does_not_apply():
    one = replace(reference_profile(), dimensions=(1,), boundaries=("periodic",))
    report = run(
        ReferenceAdapter(profile=one), properties=[p for p in PROPERTIES if p.id in ("C12", "G10", "C9")]
    )
    found = {row.id: row for row in report.rows}
    assert found["C9"].verdict == "PASS"
    assert {found[name].verdict for name in ("C12", "G10")} == {"NOT APPLICABLE"}
    assert report.passed
    assert "2 not applicable" in report.headline
    assert "profile" in found["C12"].sentence


STATELESS = [item for item in PROPERTIES if item.family != "state"]
"""All but those that compare results with results: what is always the same depends on no state."""


@pytest.mark.parametrize(
    ("value", "exempt"),
    [
        (np.nan, set()),
        (0.0, set()),
        (1.0, {"T8"}),  # it asks for an error on odd extents, and gets it
    ],
)
def test_nan_zero_and_constant_fail_everything(value, exempt, monkeypatch):
    monkeypatch.setitem(TIERS, "quick", 2)
    adapter = altered(returning(lambda array: np.full_like(array, value)))
    report = run(adapter, properties=STATELESS, explain=False)
    assert {row.id for row in report.rows if row.verdict == "PASS"} <= exempt
    assert not report.passed
    assert all(row.sentence for row in report.rows if row.id not in exempt)


PLAIN = {"work_units", "learning_rate"}
"""Operations of numbers that give a number."""

ARRAYS = [
    item
    for item in PROPERTIES
    if not set(item.operations) & {"cross_entropy", "line_search", "weight_smoothness", "loss", *PLAIN}
    and item.id != "T8"
]
"""Properties that see arrays only, no bare numbers."""


def _longer(array):
    return np.append(array, array.ravel()[:1])


@pytest.mark.parametrize(
    ("change", "properties", "verdict", "words"),
    [
        (returning(_longer), ARRAYS, "FAIL", ("returned shape", "returned dtype")),
        (returning(lambda a: a.astype("float32")), ARRAYS, "FAIL", ("must not change", "whole numbers")),
        (modifying, ARRAYS, "FAIL", ("modified its arguments",)),
        (raising(ValueError("on fire")), PROPERTIES, "FAIL", ("ValueError: on fire",)),
        (raising(NotImplementedError("next year")), PROPERTIES, "NOT IMPLEMENTED", ("next year",)),
    ],
    ids=["shape", "dtype", "arguments", "exceptions", "not implemented"],
)
def test_misbehaviour_is_said_by_every_property(change, properties, verdict, words):
    report = run(altered(change), properties=properties, explain=False)
    rows = [row for row in report.rows if row.verdict != "NOT RUN"]
    said = [row for row in rows if row.verdict == verdict and any(text in row.sentence for text in words)]
    assert len(said) > 0.9 * len(rows)
    assert {row.verdict for row in rows} <= {verdict, "PASS"}
    # T8 asks for an error, and gets one; what is drawn has no arrays as arguments.
    without = {"subsample", "draw_windows", *PLAIN}
    spared = {"T8"} | {item.id for item in properties if set(item.operations) <= without}
    assert {row.id for row in rows if row.verdict == "PASS"} <= spared


def test_what_is_missing_for_some_instances_hides_no_failure():
    class Partial(ReferenceAdapter):
        wrong = False

        def restrict(self, Y, grid, pair):
            if len(grid) == 3:
                raise NotImplementedError("no three dimensions")
            found = super().restrict(Y, grid, pair)
            return 2 * found if self.wrong and len(grid) == 1 else found

    class PartialAndWrong(Partial):
        wrong = True

    chosen = [item for item in PROPERTIES if item.id == "T5"]
    for adapter, verdict in ((Partial(), "NOT IMPLEMENTED"), (PartialAndWrong(), "FAIL")):
        row = next(row for row in run(adapter, properties=chosen).rows if row.id == "T5")
        assert row.verdict == verdict
        assert verdict == "FAIL" or "no three dimensions" in row.sentence


def test_wrong_kinds_are_said():
    class Odd(ReferenceAdapter):
        def cross_entropy(self, Z, C):
            return "three"

        def gradient(self, parameters, X, C, problem):
            return {"weights": 1}

    report = run(Odd(), properties=[p for p in PROPERTIES if p.id in ("S6", "O2")])
    found = {row.id: row.sentence for row in report.rows}
    assert "returned str; expected one number" in found["S6"]
    assert "expected a mapping with the keys" in found["O2"]
    assert all(key in found["O2"] for key in PARAMETERS)


def test_a_class_of_ones_own_will_do():
    class Foreign:
        profile = Profile("foreign", dimensions=(1,), pairs=("averaging-constant",))

        def restrict(self, Y, grid, pair):
            if grid[0] % 2:
                raise ValueError("odd")
            fine = Y.reshape(-1, grid[0], Y.shape[1])
            return ((fine[:, 0::2] + fine[:, 1::2]) / 2).reshape(-1, Y.shape[1])

    assert provides(Foreign(), "restrict")
    assert not provides(Foreign(), "prolong")
    report = run(Foreign())
    assert {row.id for row in report.rows if row.verdict == "PASS"} == {
        "T8",
        *(f"E{k}" for k in range(1, 10)),
    }
    assert not report.passed  # so little was tested
    assert report.counts["NOT IMPLEMENTED"] == len(PROPERTIES) - 10 - report.counts["NOT APPLICABLE"]


def test_a_property_without_outcome_and_a_marginal_one():
    law = family("made up")

    @law("demo1", "", "-")
    def empty(gate, x):
        yield from ()

    @law("demo2", "", "-")
    def almost(gate, x):
        yield Outcome("MARGINAL", 100.0, "-", "close.")

    report = run(ReferenceAdapter(), properties=[empty, almost])
    found = {row.id: row for row in report.rows}
    assert found["demo1"].verdict == "MARGINAL"
    assert "nothing was tested" in found["demo1"].sentence
    assert found["demo2"].verdict == "MARGINAL"
    assert report.counts["MARGINAL"] == 2
    assert not report.passed


def test_the_report_is_json_and_the_table_shows_what_failed():
    adapter = altered(returning(lambda array: np.full_like(array, np.nan)))
    report = run(adapter, properties=[p for p in PROPERTIES if p.id in ("C9", "S6")])
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert told["untested"] == len(PROPERTIES) - 2
    assert told["passed"] is False
    assert len(told["rows"]) == len(PROPERTIES)
    printed = table([report])
    assert "C9" in printed
    assert "FAIL" in printed
    assert "seed" in printed


def test_verdicts_alone_are_the_same_and_are_replayed():
    flipped = mutant_named("kernel flipped on all axes").around(ReferenceAdapter())
    chosen = [p for p in PROPERTIES if p.id in ("C9", "S6")]
    told, alone = (run(flipped, properties=chosen, explain=explain) for explain in (True, False))
    assert [row.verdict for row in told.rows] == [row.verdict for row in alone.rows]
    row = next(row for row in alone.rows if row.id == "C9")
    assert (row.verdict, row.diagnosis) == ("FAIL", "")
    assert "examine(Gate(adapter), item, instance)" in row.reproduction


def test_an_unknown_tier_is_refused():
    with pytest.raises(InputError, match="tier"):
        run(ReferenceAdapter(), tier="quik")


def test_equal_seeds_give_equal_reports_and_other_seeds_other_ones():
    chosen = [item for item in PROPERTIES if item.id in ("C9", "T5", "O2", "O9")]

    def found(seed):
        rows = run(ReferenceAdapter(), seed=seed, properties=chosen).rows
        return [(row.id, row.verdict, row.rho, row.worst_instance) for row in rows]

    assert found(3) == found(3)
    assert found(3) != found(4)


def test_the_full_tier_runs_more():
    chosen = [item for item in PROPERTIES if item.id == "S6"]
    counts = [
        next(row.instances for row in run(ReferenceAdapter(), tier, properties=chosen).rows if row.id == "S6")
        for tier in ("quick", "full")
    ]
    assert counts == [TIERS["quick"], TIERS["full"]]
