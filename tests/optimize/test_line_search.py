import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimize.problems import PROBLEMS, locked, normal, table

from refms.errors import InputError
from refms.optimize import Status, StepOptions, armijo
from refms.optimize.line_search import rounding_error

x0, p0 = locked(np.array([1.0])), locked(np.array([-1.0]))


@settings(max_examples=60)
@given(
    name=st.sampled_from(PROBLEMS),
    seed=st.integers(0, 10**6),
    c1=st.sampled_from([1e-4, 0.1, 0.9]),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
)
def test_every_accepted_step_fulfils_the_condition_with_its_length(name, seed, c1, scale):
    problem, start = table("float64")[name]
    rng = np.random.default_rng(seed)
    x = locked(np.abs(start + 0.1 * rng.standard_normal(start.size)) + 0.01)
    f, g = problem.value_and_gradient(x)
    p = locked(-scale * g * rng.uniform(0.1, 2.0, g.size))
    slope = float(g @ p)
    found = armijo(problem.value, x, f, slope, p, StepOptions(sufficient_decrease=c1, max_backtracks=60))
    assert found.outcome.status is Status.ACCEPTED
    assert found.value == problem.f(found.x) <= f + c1 * found.step_length * slope
    assert np.array_equal(found.x, x + found.step_length * p)
    twice = problem.f(x + 2 * found.step_length * p)
    assert found.step_length == 1 or not twice <= f + c1 * 2 * found.step_length * slope


def test_the_bound_contains_the_step_length():
    # f = −x on [0, ¼], 1 beyond: along p = 1 the step ¼ gains ¼, more than c₁α = ⅛ but less than c₁ = ½
    def value(x):
        return float(-x[0]) if x[0] <= 0.25 else 1.0

    found = armijo(value, np.zeros(1), 0.0, -1.0, np.ones(1), StepOptions(sufficient_decrease=0.5))
    assert found.step_length == 0.25


def test_a_mere_decrease_is_not_enough():
    # f = x² from 1 along −1.99: the full step decreases f by 2 %, c₁ asks for 0.1 · 3.98
    found = armijo(lambda x: float(x @ x), x0, 1.0, -3.98, 1.99 * p0, StepOptions(sufficient_decrease=0.1))
    assert found.step_length == 0.5


@pytest.mark.parametrize("c1", [1e-4, 0.1, 0.49])
def test_full_newton_step_is_accepted_near_a_minimum(c1):
    for name in PROBLEMS:
        problem, start = table("float64")[name]
        x = minimum_of(problem, start) + 1e-4 * normal(2, start.size)
        f, g = problem.value_and_gradient(x)
        p = -np.linalg.solve(problem.hessian(x), g)
        found = armijo(problem.value, x, f, float(g @ p), p, StepOptions(sufficient_decrease=c1))
        assert (found.step_length, found.evaluations) == (1.0, 1), name


def minimum_of(problem, start):
    if hasattr(problem, "b"):
        return np.linalg.solve(problem.A, problem.b)
    x = np.zeros(start.size) if hasattr(problem, "A") else np.ones(start.size)
    for _ in range(20):
        x = x - np.linalg.solve(problem.hessian(x), problem.gradient(x))
    return x


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("count", [1, 3])
def test_non_finite_trial_values_shrink_the_step(bad, count):
    seen = []

    def value(x):
        seen.append(x)
        return bad if len(seen) <= count else float(x @ x)

    found = armijo(value, x0, 1.0, -2.0, p0)
    assert found.outcome.status is Status.ACCEPTED
    assert found.step_length == 0.5**count
    assert (found.evaluations, found.non_finite) == (count + 1, count)
    assert f"accepted at trial {count + 1}. " in found.outcome.message
    assert f"{count} longer steps gave NaN or infinity" in found.outcome.message


def test_only_non_finite_trial_values_refuse_the_step():
    found = armijo(lambda x: math.nan, x0, 1.0, -2.0, p0, StepOptions(max_backtracks=4))
    assert found.outcome.status is Status.NO_DECREASE
    assert found.x is x0
    assert (found.value, found.step_length, found.evaluations, found.non_finite) == (1.0, 0.0, 5, 5)
    assert "NaN" in found.outcome.message
    assert "max_step" in found.outcome.message


@pytest.mark.parametrize("slope", [0.0, 1e-300, 2.0])
def test_ascent_directions_are_refused_unseen(slope):
    found = armijo(lambda x: -1e9, x0, 1.0, slope, p0)
    assert found.outcome.status is Status.NOT_DESCENT
    assert (found.value, found.step_length, found.evaluations, found.non_finite) == (1.0, 0.0, 0, 0)
    assert found.x is x0
    assert f"not point downhill (slope {slope:.2e})" in found.outcome.message


@pytest.mark.parametrize("place", ["f", "slope", "p"])
@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_non_finite_arguments_are_refused_unseen(place, bad):
    f, slope, p = 1.0, -2.0, np.array([-1.0])
    if place == "f":
        f = bad
    elif place == "slope":
        slope = bad
    else:
        p[0] = bad
    found = armijo(lambda x: -1e9, x0, f, slope, p)
    assert found.outcome.status is Status.NON_FINITE
    np.testing.assert_equal(found.value, f)
    assert (found.x is x0, found.step_length, found.evaluations, found.non_finite) == (True, 0.0, 0, 0)
    assert "the objective, its slope or the direction is NaN or infinite" in found.outcome.message


def test_no_backtracking_leaves_one_trial():
    found = armijo(lambda x: float(x @ x), x0, 1.0, -2.0, p0, StepOptions(max_backtracks=0))
    assert (found.step_length, found.evaluations) == (1.0, 1)
    assert found.outcome.message == "The step of length 1 was accepted at trial 1."
    assert armijo(lambda x: 2.0, x0, 1.0, -2.0, p0, StepOptions(max_backtracks=0)).evaluations == 1


def test_rounding_error_is_thirty_eps_of_the_value_in_the_precision_of_the_argument():
    for dtype in ("float32", "float64"):
        assert rounding_error(-2.0, np.zeros(1, dtype=dtype)) == 60 * np.finfo(dtype).eps


def test_no_decrease_in_the_allowed_trials():
    found = armijo(lambda x: float(-x[0]), x0, -1.0, -1.0, p0, StepOptions(max_backtracks=3))
    assert found.outcome.status is Status.NO_DECREASE
    assert found.evaluations == 4
    assert not found.outcome.success


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_step_is_clipped_in_the_max_norm(dtype):
    p = locked(np.array([8.0, -16.0, 2.0], dtype=dtype))
    found = armijo(lambda x: float(-x[0]), np.zeros(3, dtype=dtype), 0.0, -8.0, p, StepOptions(max_step=1.0))
    assert found.step_length == 1 / 16
    assert found.x.tolist() == [0.5, -1.0, 0.125]
    assert found.x.dtype == dtype
    unclipped = armijo(
        lambda x: float(-x[0]), np.zeros(3, dtype=dtype), 0.0, -8.0, p, StepOptions(max_step=16.0)
    )
    assert unclipped.step_length == 1.0


def test_a_decrease_below_round_off_is_not_asked_for_but_a_rise_is_never_accepted():
    x, p = np.ones(1, dtype="float32"), np.full(1, -1e-3, dtype="float32")
    level = armijo(lambda x: 1.0, x, 1.0, -1e-9, p)
    assert level.outcome.status is Status.ACCEPTED
    assert level.value == 1.0
    rising = armijo(lambda x: 1.0 + 2**-23, x, 1.0, -1e-9, p)
    assert rising.outcome.status is Status.ROUND_OFF
    assert rising.outcome.success
    assert rising.x is x
    in_double = armijo(lambda x: 1.0, x.astype("float64"), 1.0, -1e-9, p.astype("float64"))
    assert in_double.outcome.status is Status.NO_DECREASE


def test_tiny_objectives_are_still_decreased():
    found = armijo(
        lambda x: 1e-30 * float(x @ x), x0, 1e-30, -2e-30, p0, StepOptions(sufficient_decrease=0.4)
    )
    assert found.step_length == 1.0
    found = armijo(lambda x: 1e-30, x0, 1e-30, -2e-30, p0)
    assert found.outcome.status is Status.NO_DECREASE


@pytest.mark.parametrize(
    "options",
    [
        {"sufficient_decrease": 0.0},
        {"sufficient_decrease": 1.0},
        {"max_backtracks": -1},
        {"max_step": 0.0},
        {"max_step": math.nan},
    ],
)
def test_wrong_options_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        StepOptions(**options)


def test_a_direction_of_another_precision_is_refused():
    with pytest.raises(InputError, match="float32"):
        armijo(lambda x: 0.0, x0, 1.0, -2.0, p0.astype("float32"))
