"""The rule of a failure: true, the shortest of all, and none where chance would do."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest

from refms.conformance.adapters.profile import reference_profile
from refms.conformance.instances.domain import ANY, instances
from refms.conformance.instances.rules import MARGIN, MOST_CONDITIONS, axes_of, best_rule, conditions

GRID = [{"m": m, "d": d, "n odd|n even": odd, "pair": pair} for m, d, odd, pair in
        product((1, 2, 3), (1, 2, 3), (True, False), ("nearest", "summing", "averaging"))]  # fmt: skip

DRAWN = [axes_of(x) for x in instances(ANY, reference_profile(), 60, 5)]


def rule(axes, fails):
    return best_rule([(one, not fails(one)) for one in axes])


@pytest.mark.parametrize(
    ("fails", "expected"),
    [
        (lambda a: a["m"] == 1, "m = 1"),
        (lambda a: a["m"] > 1, "m > 1"),
        (lambda a: a["d"] == 3, "d = 3"),
        (lambda a: a["n odd|n even"], "n odd"),
        (lambda a: not a["n odd|n even"], "n even"),
        (lambda a: a["pair"] != "nearest", "pair ≠ nearest"),
        (lambda a: a["d"] == 2 and a["pair"] == "summing", "d = 2 and pair = summing"),
    ],
)
def test_a_rule_without_exceptions_is_found(fails, expected):
    assert str(rule(GRID, fails)) == expected


def test_three_conditions_need_more_instances_than_a_few():
    fails = lambda a: a["m"] > 1 and a["d"] == 2 and a["pair"] == "summing"  # noqa: E731 (as the others)
    assert rule(GRID, fails) is None
    assert str(rule(GRID * 3, fails)) == "m > 1 and d = 2 and pair = summing"


def test_a_rule_may_have_exceptions_that_are_counted():
    found = [(one, not (one["m"] == 1 and k)) for k, one in enumerate(GRID)]
    assert str(best_rule(found)) == "m = 1 (on 17 of 18)"


@pytest.mark.parametrize("found", [[], [({"m": 1}, False)], [({"m": 1}, True), ({"m": 2}, False)]])
def test_too_few_instances_have_no_rule(found):
    assert best_rule(found) is None


def test_all_failing_or_all_passing_have_no_rule():
    assert rule(GRID, lambda a: True) is rule(GRID, lambda a: False) is None


def lengths(axes, failing):
    """Return the description length of every rule that holds on all failing instances, as the module says."""
    held = conditions(axes)
    n, f = len(axes), len(failing)
    found = {(): math.log2(math.comb(n, f))}
    price, sets = {}, {}
    for along in held.values():
        for text, mask in along.items():
            members = {k for k in range(n) if mask >> k & 1}
            if failing <= members:
                sets[text] = members
                price[text] = MARGIN + math.log2(len(held)) + math.log2(len(along))
    for size in range(1, MOST_CONDITIONS + 1):
        for chosen in combinations(sets, size):
            inside = set.intersection(*(sets[name] for name in chosen))
            found[chosen] = sum(price[name] for name in chosen) + math.log2(math.comb(len(inside), f))
    return found


@pytest.mark.parametrize("axes", [GRID, DRAWN[:24]], ids=["grid", "drawn"])
@pytest.mark.parametrize("seed", range(4))
def test_no_rule_is_shorter(axes, seed):
    rng = np.random.default_rng(seed)
    masks = [mask for along in conditions(axes).values() for mask in along.values()]
    sets = [{k for k in range(len(axes)) if mask >> k & 1} for mask in masks]
    one, two = (sets[k] for k in rng.choice(len(sets), 2, replace=False))
    failing = {k for k in one & two if rng.random() < 0.9} or set(list(one)[:2])
    found = best_rule([(axis, k not in failing) for k, axis in enumerate(axes)])
    known = lengths(axes, failing)
    assert known[found.conditions if found else ()] == pytest.approx(min(known.values()))
    if found:
        assert found.failing == len(failing) <= found.inside


def test_failures_by_chance_have_hardly_ever_a_rule():
    rng = np.random.default_rng(0)
    told = [
        best_rule([(axes, bool(rng.random() < share)) for axes in DRAWN[:44]])
        for share in (0.1, 0.3, 0.5, 0.7, 0.9)
        for _ in range(20)
    ]
    assert sum(found is not None for found in told) <= 4  # 3.2 of 100 at most are to be expected


def test_axes_are_those_of_the_instance():
    for x, axes in zip(instances(ANY, reference_profile(), 60, 5), DRAWN, strict=True):
        assert (axes["d"], axes["m"], axes["N"], axes["ℓ"]) == (x.d, x.examples, x.layers, x.classes)
        assert axes["n odd|n even"] == (math.prod(n + 1 for n in x.grid) % 2 == 0)
        assert axes["n_K > n|n_K ≤ n"] == (min(n - k for n, k in zip(x.grid, x.stencil, strict=True)) < 0)
