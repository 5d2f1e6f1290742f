import numpy as np
import pytest
from optimize.problems import Quartic, Rosenbrock, locked, table

from refms.optimize import Status, StepOptions, StopRules, minimize
from refms.optimize.newton_cg import POWER, NewtonCG

loose = StepOptions(cg_tolerance=0.5, cg_iterations=100)


def test_the_forcing_sequence_is_eisenstat_and_walkers_second_choice():
    first = NewtonCG(loose)
    assert first.forcing(7.0) == 0.5
    later = NewtonCG(loose, tolerance=0.2, gradient_norm=10.0)
    assert later.forcing(1.0) == pytest.approx(0.1**POWER)
    held = NewtonCG(loose, tolerance=0.4, gradient_norm=10.0)  # 0.4^φ = 0.227 > 0.1
    assert held.forcing(1.0) == pytest.approx(0.4**POWER)
    assert later.forcing(100.0) == 0.5


def test_near_the_minimum_the_convergence_is_superlinear_with_few_products():
    problem, x0 = table("float64")["logistic"]
    found = minimize(problem, x0, NewtonCG(loose), stop=StopRules(50, gradient_tolerance=1e-13))
    a = np.log([row.gradient_norm for row in found.history if row.gradient_norm > 1e-13])
    assert max(((a[2:] - a[1:-1]) / (a[1:-1] - a[:-2]))[-2:]) > 1.3


def test_a_saddle_point_is_left_at_once():
    # at 1e-6 the gradient is 1e-6 small, the curvature −½: unit steps of steepest descent would creep
    x0 = locked(np.full(2, 1e-6))
    found = minimize(Quartic(), x0, NewtonCG(loose), stop=StopRules(100, gradient_tolerance=1e-10))
    assert found.outcome.status is Status.CONVERGED
    assert found.x == pytest.approx(np.ones(2), abs=1e-8)
    assert found.history.rows[0].cg_status == "negative_curvature"
    assert found.history.rows[0].step_length > 1


class Valley(Quartic):
    """¼ Σ (x² − 1)² alone: a saddle, and a maximum, at zero, and no bound but the quartic's own."""

    def f(self, x):
        return float(np.sum((x * x - 1) ** 2) / 4)

    def gradient(self, x):
        return x * (x * x - 1)

    def hessian(self, x):
        return np.diag(3 * x * x - 1)


def test_doubling_stops_where_the_objective_rises_and_within_max_step():
    x = np.full(2, 1e-3)
    free, _ = NewtonCG(loose).step(Valley(), x)
    assert free.step_length > 8
    assert free.value < Valley().f(x)
    bounded, _ = NewtonCG(StepOptions(cg_tolerance=0.5, max_step=4e-3)).step(Valley(), x)
    assert np.abs(bounded.x - x).max() <= 4e-3
    assert bounded.step_length == pytest.approx(4.0, rel=1e-3)


def test_every_evaluation_is_counted():
    problem = Valley()
    result, _ = NewtonCG(loose).step(problem, np.full(2, 1e-3))
    assert result.evaluations == sum(call != "product" for call in problem.calls)


def test_a_refused_step_teaches_nothing():
    class Wrong(Rosenbrock):
        def gradient(self, x):
            return -super().gradient(x)

    method = NewtonCG(loose)
    result, following = method.step(Wrong(), locked(np.array([-1.2, 1.0])))
    assert not result.accepted
    assert following is method
