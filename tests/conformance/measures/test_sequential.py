"""The sequential test raises false alarms as rarely as it says, and finds the biases it says it finds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from refms.conformance.measures.sequential import detectable_bias, log_capital, sequential_test
from refms.errors import InputError

ALPHA = 0.05
DRAWS, RUNS = 150, 2000


def evidence(x, mean, low, high, tolerance=0.0):
    """Return log of the mean capital after every draw, for many runs at once."""
    capital = log_capital(x, mean, low, high, tolerance)
    k = x.shape[-1]
    return np.logaddexp.reduce(capital.reshape(*x.shape[:-1], 2 * k), axis=-1) - math.log(2 * k)


def fair_coins(rng):
    return (rng.random((DRAWS, RUNS, 1)) < 0.5).astype(float), [0.5]


def rare_events(rng):
    return (rng.random((DRAWS, RUNS, 1)) < 0.05).astype(float), [0.05]


def one_of_three(rng):  # components that depend on each other
    return (rng.integers(3, size=(DRAWS, RUNS, 1)) == np.arange(3)).astype(float), [1 / 3] * 3


def uniform_numbers(rng):
    return rng.random((DRAWS, RUNS, 2)), [0.5] * 2


@pytest.mark.parametrize("law", [fair_coins, rare_events, one_of_three, uniform_numbers])
def test_false_alarms_at_any_time_are_as_rare_as_stated(law):
    x, mean = law(np.random.default_rng(1))
    mean = np.array(mean)
    ever = evidence(x, mean, 0 * mean, 1 + 0 * mean).max(axis=0)
    assert np.mean(ever >= -math.log(ALPHA)) <= ALPHA


def test_the_expected_capital_is_one_over_all_sequences():
    for p in (0.5, 0.2):
        coins = np.array(list(itertools.product((0.0, 1.0), repeat=10))).T[:, :, None]
        chance = np.prod(np.where(coins == 1, p, 1 - p), axis=0)
        one = np.ones(1)
        expected = (chance[..., None] * np.exp(log_capital(coins, p * one, 0 * one, one))).sum(axis=(1, 2))
        np.testing.assert_allclose(expected, 1, rtol=1e-12)


@pytest.mark.parametrize("true", [0.45, 0.55])
def test_means_within_the_tolerance_make_no_capital(true):
    coins = np.array(list(itertools.product((0.0, 1.0), repeat=10))).T[:, :, None]
    chance = np.prod(np.where(coins == 1, true, 1 - true), axis=0)[..., None]
    half = np.full(1, 0.5)
    strict, tolerant = (
        (chance * np.exp(log_capital(coins, half, 0 * half, 2 * half, tolerance))).sum(axis=(1, 2))[-1]
        for tolerance in (0.0, 0.05 + 1e-12)
    )
    assert strict.max() > 1.01
    assert tolerant.max() <= 1


def test_stakes_do_not_look_at_the_draw_they_are_for():
    rng = np.random.default_rng(2)
    x, half = rng.random((20, 1)), np.full(1, 0.5)
    other = x.copy()
    other[10] = 1 - x[10]
    a, b = (log_capital(one, half, 0 * half, 2 * half) for one in (x, other))
    np.testing.assert_array_equal(a[:10], b[:10])
    factors = [np.expm1(one[10] - one[9]) for one in (a, b)]  # λ(x − μ), linear in the draw
    np.testing.assert_allclose(factors[0], -factors[1], rtol=1e-12)


@pytest.mark.parametrize(("mean", "k", "budget"), [(0.5, 1, 300), (0.5, 6, 240), (0.2, 3, 1000)])
@pytest.mark.parametrize("up", [True, False])
def test_a_detectable_bias_is_found(mean, k, budget, up):
    alpha = 1e-8
    bias = detectable_bias(mean, 0.0, 1.0, alpha=alpha, budget=budget, components=k)
    true = np.full(k, mean)
    true[0] += bias if up else -bias
    rng = np.random.default_rng(3)
    x = (rng.random((budget, 200, k)) < true).astype(float)
    means = np.full(k, mean)
    found = evidence(x, means, 0 * means, 1 + 0 * means).max(axis=0) >= -math.log(alpha)
    assert np.mean(found) > 0.85


def test_a_law_that_is_less_spread_is_found_at_least_as_well():
    bias = detectable_bias(0.5, 0.0, 1.0, alpha=1e-6, budget=300)
    rng = np.random.default_rng(4)
    x = 0.5 + bias + (rng.random((300, 200, 1)) - 0.5) * (1 - 2 * bias)
    half = np.full(1, 0.5)
    assert np.mean(evidence(x, half, 0 * half, 2 * half).max(axis=0) >= math.log(1e6)) > 0.95


def test_more_draws_find_less_and_too_few_find_nothing():
    found = [detectable_bias(0.5, 0.0, 2.0, alpha=1e-6, budget=n) for n in (10, 100, 1000)]
    assert found[0] == math.inf
    assert found[1] > found[2] > 0


def test_the_test_stops_where_the_evidence_is_enough_and_counts_no_further():
    one = np.ones(2)
    asked = []

    def draw(t):
        asked.append(t)
        return np.array([0.0, float(t % 2)])

    found = sequential_test(draw, one / 2, 0 * one, one, alpha=1e-4, budget=1000)
    x = np.array([[0.0, float(t % 2)] for t in range(len(asked))])
    first = int(np.argmax(evidence(x, one / 2, 0 * one, one) >= math.log(1e4)))
    assert found.rejected
    assert found.draws == first + 1
    assert len(asked) < 2 * found.draws
    assert (found.suspect, found.average) == (0, 0.0)
    assert found.e_value >= 1e4


def test_a_right_law_uses_the_whole_budget():
    rng = np.random.default_rng(5)
    one = np.ones(3)
    found = sequential_test(lambda t: rng.random(3), one / 2, 0 * one, one, alpha=1e-6, budget=77)
    assert not found.rejected
    assert found.draws == 77
    assert found.e_value < 1e6


@pytest.mark.parametrize("value", [1.2, -0.2, math.nan])
def test_a_draw_outside_of_its_bounds_ends_the_test(value):
    one = np.ones(2)
    found = sequential_test(
        lambda t: np.array([0.5, value if t == 3 else 0.5]), one / 2, 0 * one, one, alpha=1e-6, budget=9
    )
    assert found.rejected
    assert found.e_value == math.inf
    assert (found.draws, found.suspect) == (4, 1)


def test_rounding_within_the_tolerance_lies_inside():
    one = np.ones(1)
    found = sequential_test(
        lambda t: one * (t % 2) * 1.001, one / 2, 0 * one, one, alpha=1e-6, budget=99, tolerance=0.01
    )
    assert not found.rejected


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"mean": np.zeros(1)}, "low < mean < high"),
        ({"alpha": 0.0}, "alpha is 0"),
        ({"budget": 0}, "budget"),
        ({"mean": np.zeros((1, 1))}, "mean has shape"),
    ],
)
def test_bad_input_is_refused(changed, sentence):
    given = {"mean": np.full(1, 0.5), "low": np.zeros(1), "high": np.ones(1), "alpha": 0.01, "budget": 20}
    with pytest.raises(InputError, match=sentence):
        sequential_test(lambda t: np.full(1, 0.5), **{**given, **changed})
