"""The runner itself: adapters that misbehave in every way get the right verdict and a readable line."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from refms.conformance import PROPERTIES, Adapter, Profile, Report, run, table
from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.around import Around
from refms.conformance.adapters.misbehaving import raising, returning
from refms.conformance.adapters.reference import ReferenceAdapter, reference_profile
from refms.conformance.measures.outcome import Outcome
from refms.conformance.operations import PARAMETERS
from refms.conformance.property import Family
from refms.conformance.reports.report import Row
from refms.errors import InputError


def altered(change):
    """Return an adapter of refms whose every operation goes through a change."""
    return Around(ReferenceAdapter(), change)


def test_nothing_implemented_is_never_a_pass():
    report = run(Adapter(reference_profile("empty")))
    assert report.counts["NOT IMPLEMENTED"] == len(PROPERTIES) == report.untested
    assert not report.passed
    assert f"{len(PROPERTIES)} untested" in report.headline
    assert all("the adapter has no" in row.sentence for row in report.rows)


def test_nothing_selected_is_never_a_pass():
    report = run(ReferenceAdapter(), properties=[])
    assert report.counts["NOT RUN"] == len(PROPERTIES)
    assert not report.passed
    assert "0 pass" in report.headline


def test_a_report_without_rows_has_not_passed():
    assert not Report(reference_profile(), "quick", 0, ()).passed
    assert Row("X1", "x", "t").verdict == "NOT RUN"


def test_what_the_profile_excludes_is_not_run():
    one = replace(reference_profile(), dimensions=(1,), boundaries=("periodic",))
    report = run(
        ReferenceAdapter(profile=one), properties=[p for p in PROPERTIES if p.id in ("C12", "G10", "C9")]
    )
    found = {row.id: row for row in report.rows}
    assert found["C9"].verdict == "PASS"
    assert {found[name].verdict for name in ("C12", "G10")} == {"NOT RUN"}
    assert "profile" in found["C12"].sentence


@pytest.mark.parametrize(
    ("value", "exempt"),
    [
        (np.nan, set()),
        (0.0, set()),
        (1.0, {"T8"}),  # which asks for an error on odd extents, and gets it
    ],
)
def test_nan_zero_and_constant_fail_everything(value, exempt):
    adapter = altered(returning(lambda array: np.full_like(array, value)))
    report = run(adapter)
    assert {row.id for row in report.rows if row.verdict == "PASS"} <= exempt
    assert not report.passed
    assert all(row.sentence for row in report.rows if row.id not in exempt)


def test_wrong_shapes_are_said():
    report = run(altered(returning(lambda array: np.append(array, array.ravel()[:1]))), properties=ARRAYS)
    found = [row for row in report.rows if row.verdict != "NOT RUN"]
    assert {row.verdict for row in found} == {"FAIL"}
    assert sum("returned shape" in row.sentence for row in found) > 0.9 * len(found)


def test_wrong_dtypes_are_said():
    report = run(altered(returning(lambda array: array.astype("float32"))), properties=ARRAYS)
    found = [row for row in report.rows if row.verdict != "NOT RUN"]
    assert {row.verdict for row in found} == {"FAIL"}
    said = ("the precision must not change", "whole numbers")
    assert all(any(text in row.sentence for text in said) for row in found)


ARRAYS = [
    item
    for item in PROPERTIES
    if not set(item.operations) & {"cross_entropy", "line_search", "weight_smoothness", "loss"}
    and item.id != "T8"
]
"""Properties that see arrays only, no bare numbers."""


def test_exceptions_are_failures_with_their_sentence():
    report = run(altered(raising(ValueError("the device is on fire"))))
    failed = [row for row in report.rows if row.verdict == "FAIL"]
    assert len(failed) >= len(PROPERTIES) - 1
    assert all("ValueError: the device is on fire" in row.sentence for row in failed if row.id != "G6")
    assert not report.passed


def test_not_implemented_raised_inside_counts_as_that():
    report = run(altered(raising(NotImplementedError("periodic boundaries come next year"))))
    assert report.counts["NOT IMPLEMENTED"] == len(PROPERTIES)
    assert "next year" in report.rows[0].sentence


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


class Vandal(ReferenceAdapter):
    def convolution(self, S, Y, grid, boundary):
        result = super().convolution(S, Y, grid, boundary)
        Y[:] = 0
        return result

    def forward(self, parameters, X, problem):
        result = super().forward(parameters, X, problem)
        parameters["biases"][:] = 7
        return result


@pytest.mark.parametrize("name", ["C9", "N9"])
def test_modified_arguments_are_failures(name):
    report = run(Vandal(), properties=[p for p in PROPERTIES if p.id == name])
    row = next(row for row in report.rows if row.id == name)
    assert row.verdict == "FAIL"
    assert "modified its arguments" in row.sentence


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
    assert {row.id for row in report.rows if row.verdict == "PASS"} == {"T8", "E1", "E2", "E3"}
    assert report.passed
    assert report.counts["NOT IMPLEMENTED"] == len(PROPERTIES) - 4


def test_a_property_without_outcome_and_a_marginal_one():
    law = Family("made up").law

    @law("X1", "nothing is checked", "-", source="-", catches="-", needs=())
    def empty(gate, x):
        from refms.conformance.measures.outcome import worst

        return worst([])

    @law("X2", "almost", "-", source="-", catches="-", needs=())
    def almost(gate, x):
        return Outcome("MARGINAL", 100.0, "-", "close.")

    report = run(ReferenceAdapter(), properties=[empty, almost])
    found = {row.id: row for row in report.rows}
    assert found["X1"].verdict == "FAIL"
    assert found["X2"].verdict == "MARGINAL"
    assert report.counts["MARGINAL"] == 1
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
    assert counts == [4, 60]
