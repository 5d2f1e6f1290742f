import math
from itertools import pairwise

import numpy as np
import pytest
from optimize.problems import Quadratic, Quartic, Rosenbrock, locked, normal, spd

from refms.optimize import Status, StopRules, minimize
from refms.optimize.step import gain_ratio
from refms.optimize.trust_region import TrustRegion

exact = TrustRegion(cg_tolerance=1e-12, cg_iterations=100)


def test_at_a_saddle_point_negative_curvature_is_used():
    # at zero the Hessian of the quartic is −½ I: Newton would go uphill to a maximum
    found = minimize(
        Quartic(), locked(np.full(3, 1e-4)), exact, stop=StopRules(100, gradient_tolerance=1e-10)
    )
    assert found.outcome.status is Status.CONVERGED
    assert found.x == pytest.approx(np.ones(3), abs=1e-8)
    assert found.history.rows[0].cg_status == "negative_curvature"


def test_convergence_is_quadratic_near_the_minimum():
    start, stop = locked(np.array([1.05, 1.05])), StopRules(30, gradient_tolerance=1e-13)
    found = minimize(Rosenbrock(full=True), start, exact, stop=stop)
    tail = [row.gradient_norm for row in found.history if row.gradient_norm < 1e-1]
    assert any(b < 10 * a**2 for a, b in pairwise(tail) if a > 1e-6)


def test_a_quadratic_model_of_a_quadratic_is_trusted_and_the_region_grows():
    problem, x = Quadratic(spd(1, 6, 30.0), normal(2, 6)), normal(3, 6)
    result, following = TrustRegion(radius=0.01, cg_tolerance=1e-12).step(problem, x)
    assert gain_ratio(result) == pytest.approx(1.0, rel=1e-8)
    assert np.linalg.norm(result.x - x) == pytest.approx(0.01, rel=1e-9)
    assert following.radius == 0.02
    assert result.extra == {"radius": 0.01}


def test_a_refused_trial_costs_one_evaluation_and_no_product():
    # from here Newton's step goes up the wall of the valley, to f = 1412
    problem, x = Rosenbrock(full=True), locked(np.array([-1.1752809, 1.38067416]))
    wide = TrustRegion(radius=100.0, cg_tolerance=1e-12)
    result, following = wide.step(problem, x)
    assert result.accepted
    assert problem.calls.count("gradient") == 1
    assert problem.calls.count("product") == result.direction.cg.iterations <= 2
    assert problem.calls.count("value") == result.evaluations - 1 > 1
    assert following.radius < wide.radius


def test_the_radius_follows_the_gain():
    region = TrustRegion(radius=4.0, largest=6.0)
    assert region.follow(0.1, 4.0, edge=True).radius == 1.0
    assert region.follow(0.1, 2.0, edge=False).radius == 0.5
    assert region.follow(-math.inf, 4.0, edge=True).radius == 1.0
    assert region.follow(0.5, 4.0, edge=True) == region
    assert region.follow(0.9, 4.0, edge=False) == region
    assert region.follow(0.9, 4.0, edge=True).radius == 6.0
    assert region.follow(math.nan, 4.0, edge=True) == region


def test_a_hopeless_step_is_refused_with_a_smaller_region():
    class Wrong(Rosenbrock):
        def gradient(self, x):
            return -super().gradient(x)

    x = locked(np.array([-1.2, 1.0]))
    result, following = TrustRegion(max_trials=3).step(Wrong(), x)
    assert result.outcome.status is Status.NO_DECREASE
    assert result.x is x
    assert following.radius <= 0.25**3
    assert "3 trials" in result.outcome.message


def test_values_that_are_not_finite_shrink_the_region():
    class Cliff(Quadratic):
        def f(self, x):
            return super().f(x) if np.linalg.norm(x) < 0.6 else math.nan

    problem = Cliff(np.eye(2), np.array([3.0, 0.0]))
    result, _ = TrustRegion(radius=2.0).step(problem, locked(np.zeros(2)))
    assert result.accepted
    assert result.non_finite == 1
    assert np.linalg.norm(result.x) == pytest.approx(0.5)
