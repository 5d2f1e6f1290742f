"""The subsampled Hessian: refms' is the one of training, biases are found, and false alarms stay rare."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.conformance import PROPERTIES, Adapter, Profile, run
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import instances
from refms.conformance.mutants import mutant_named
from refms.conformance.mutants.arrays import scale
from refms.conformance.mutants.conventions import as_declared
from refms.conformance.mutants.mutant import Mutant
from refms.conformance.properties.sampling import BUDGETS, FALSE_ALARM, MOST_INSTANCES
from refms.conformance.runner import check_property, examine
from refms.names import TIERS
from refms.objective.batches import hessian_sample

CATALOGUE = {item.id: item for item in PROPERTIES if item.family == "sampling"}


def outcomes(adapter, id_, count=1, **how):
    """Return what a property finds on some instances."""
    item = CATALOGUE[id_]
    return [
        examine(Gate(adapter), item, case)
        for case in instances(item.domain, adapter.profile, count, how.pop("seed", 0), **how)
    ]


def verdicts(adapter, ids):
    return {id_: outcomes(adapter, id_)[0].verdict for id_ in ids}


def declared(**conventions):
    return as_declared(ReferenceAdapter(profile=replace(reference_profile(), **conventions)))


@pytest.mark.parametrize(("m", "size"), [(1, 1), (6, 3), (7, 5), (49, 29), (1000, 999)])
def test_the_subsample_of_the_reference_is_that_of_training(m, size):
    found = ReferenceAdapter().subsample(m, size, seed=5)
    assert len(found) == size
    np.testing.assert_array_equal(found, hessian_sample(m, size / m, seed=0, iteration=5))


def test_a_product_on_the_subsample_without_its_indices_is_tested_too():
    class ProductAlone(Adapter):
        def __init__(self):
            super().__init__(reference_profile())
            self.right = ReferenceAdapter()

        def gauss_newton(self, *given):
            return self.right.gauss_newton(*given)

        def subsampled_gauss_newton(self, p, v, X, C, problem, size, seed):
            last = size + seed % (C.shape[1] - size + 1)  # the first example is rarely among them
            return self.right.gauss_newton(p, v, X[:, last - size : last], C[:, last - size : last], problem)

    for id_ in ("U2", "U3", "U4"):
        row = check_property(Gate(ProductAlone()), CATALOGUE[id_], "quick", 0, explain=False)
        assert row.verdict == "NOT IMPLEMENTED"
    (found,) = outcomes(ProductAlone(), "U1")
    assert found.verdict == "FAIL"
    assert "weight of an example: example" in found.sentence


@pytest.mark.parametrize("weighted", [True, False])
def test_where_the_loss_is_a_sum_the_factor_is_m_over_size(weighted):
    right = declared(reduction="sum", volume_weighted=weighted)
    ids = ("U1", "U4", "U5")
    assert verdicts(right, ids) == dict.fromkeys(ids, "PASS")
    changes = {"subsampled_gauss_newton": lambda t: scale(t(), t.size / t.examples)}
    without = Mutant("factor m/size missing", "sampling", changes)
    assert verdicts(without.around(right), ids) == {"U1": "FAIL", "U4": "FAIL", "U5": "PASS"}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "name", ["last example never in the subsample", "early examples preferred in the subsample"]
)
def test_a_bias_is_found_on_every_instance(name, dtype):
    wrong = mutant_named(name).around(ReferenceAdapter(dtype=dtype))
    assert {one.verdict for one in outcomes(wrong, "U1", 3, seed=4)} == {"FAIL"}
    assert {one.verdict for one in outcomes(wrong, "U3", 3, seed=4)} == {"FAIL"}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_instances_of_every_size_raise_no_alarm(dtype):
    adapter = ReferenceAdapter(dtype=dtype)
    for id_ in ("U2", "U3", "U4", "U5"):
        found = outcomes(adapter, id_, 3)
        assert {one.verdict for one in found} == {"PASS"}, [one.sentence for one in found]
    assert outcomes(adapter, "U1", 1, seed=2)[0].verdict == "PASS"


def test_neighbours_that_come_together_are_seen_in_pairs_alone():
    wrong = mutant_named("subsample of neighbouring examples, from a random one on").around(
        ReferenceAdapter()
    )
    (found,) = outcomes(wrong, "U3")
    assert found.verdict == "FAIL"
    assert "pair" in found.sentence
    assert verdicts(wrong, ("U1", "U2", "U4", "U5")) == dict.fromkeys(("U1", "U2", "U4", "U5"), "PASS")


def test_a_subset_that_repeats_an_example_is_found_at_once():
    wrong = mutant_named("subsample drawn with replacement").around(ReferenceAdapter())
    for id_ in ("U1", "U3"):
        (found,) = outcomes(wrong, id_)
        assert "outside of" in found.sentence
        assert "e-value inf" in found.sentence
    assert "has no example twice" in outcomes(wrong, "U2")[0].sentence


@pytest.mark.parametrize(
    ("indices", "sentence"),
    [
        ([0.0, 1.0], "whole numbers"),
        ([0, 1, 2], "returned shape"),
        ([[0, 1]], "returned shape"),
        ("ab", "returned shape"),
    ],
)
def test_what_is_no_list_of_indices_is_said(indices, sentence):
    class Odd(ReferenceAdapter):
        def subsample(self, m, size, seed):
            return indices

    (found,) = outcomes(Odd(), "U2")
    assert found.verdict == "FAIL"
    assert sentence in found.sentence


def test_products_that_are_no_mean_of_those_of_single_examples_fail_before_any_draw():
    class Doubled(ReferenceAdapter):
        def gauss_newton(self, p, v, X, C, problem):
            found = super().gauss_newton(p, v, X, C, problem)
            return scale(found, 2.0 if C.shape[1] > 3 else 1.0)

    (found,) = outcomes(Doubled(), "U1")
    assert "G v is the mean or the sum of the G_j v" in found.sentence


def test_all_instances_of_a_tier_share_the_false_alarms():
    for id_ in BUDGETS:
        assert max(TIERS.values()) // CATALOGUE[id_].cost <= MOST_INSTANCES
        assert "10⁸" in CATALOGUE[id_].statement
        assert str(BUDGETS[id_]) in CATALOGUE[id_].statement
    assert round(MOST_INSTANCES / FALSE_ALARM) == 10**8


def test_a_report_says_how_many_draws_were_made_and_which_bias_would_be_found():
    report = run(ReferenceAdapter(), properties=[CATALOGUE["U3"]])
    row = next(row for row in report.to_dict()["rows"] if row["id"] == "U3")
    assert row["notes"]["how often it is chosen"].startswith("e-value ")
    assert row["notes"]["how often it is chosen"].endswith(" after 2000 draws, a bias of 0.096 is found")
    assert row["criterion"] == "capital below 1e+08 in 2000 draws"


def test_a_profile_without_such_operations_says_so():
    row = check_property(Gate(Adapter(Profile("nothing yet"))), CATALOGUE["U1"], "quick", 0, explain=False)
    assert row.verdict == "NOT IMPLEMENTED"
    assert "subsampled_gauss_newton" in row.sentence


def test_larger_tiers_find_smaller_biases():
    """The first example in one more of 12 subsets: too little for quick, and found by longer bets."""

    def preferred(t):
        S = t()
        rare = np.random.default_rng([t.seed, 1]).random() < 1 / 12
        return np.unique([0, *S])[: t.size] if rare and 0 not in S else S

    wrong = Mutant("-", "sampling", {"subsample": preferred}).around(ReferenceAdapter())
    item = CATALOGUE["U3"]
    found = {
        tier: check_property(Gate(wrong), item, tier, 0, explain=False).verdict for tier in ("quick", "full")
    }
    assert found == {"quick": "PASS", "full": "FAIL"}
