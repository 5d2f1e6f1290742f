import math

import numpy as np
import pytest
from optimize.problems import Barrier, Quadratic, Rosenbrock, locked, normal, rho, spd

from refms.optimize import Damping, Newton, Status, StepOptions, StopRules, descent_step, minimize
from refms.optimize.step import gain_ratio

exact = StepOptions(cg_tolerance=1e-13, cg_iterations=100)


@pytest.mark.parametrize("damping", [0.0, 1e-3, 1.0, 1e3])
def test_damped_direction_solves_the_shifted_system(damping):
    A, b, x = spd(1, 6, 30.0), normal(2, 6), normal(3, 6)
    g = A @ x - b
    step = descent_step(Quadratic(A, b), x, exact, damping=damping)
    p = step.direction.p
    assert rho((A + damping * np.eye(6)) @ p, -g, 30 * np.linalg.norm(g)) < 300
    assert step.direction.slope == pytest.approx(g @ p, rel=1e-12)
    assert step.direction.curvature == pytest.approx(p @ A @ p, rel=1e-9)
    assert step.direction.predicted_decrease(0.5) == pytest.approx(-0.5 * g @ p - 0.125 * p @ A @ p, rel=1e-9)


def test_large_damping_turns_the_direction_to_steepest_descent():
    problem, x = Rosenbrock(), locked(np.array([-1.2, 1.0]))
    g = problem.gradient(x)
    distances, lengths = [], []
    for damping in [1e4, 1e5, 1e6, 1e7]:
        p = descent_step(problem, x, exact, damping=damping).direction.p
        distances.append(np.linalg.norm(damping * p + g) / np.linalg.norm(g))
        lengths.append(np.linalg.norm(p))
    # (G + λI)⁻¹ = I/λ − G/λ² + …: first order in 1/λ
    orders = np.log10(np.array(distances[:-1]) / distances[1:])
    assert orders[-1] == pytest.approx(1.0, abs=0.01)
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("damping", [1e-3, 1.0, 1e2])
def test_the_gain_ratio_of_a_quadratic_problem_is_one(damping):
    x = normal(3, 6)
    result = descent_step(Quadratic(spd(1, 6, 30.0), normal(2, 6)), x, exact, damping=damping)
    assert gain_ratio(result) == pytest.approx(1.0, abs=1e-10)
    inexact = descent_step(
        Quadratic(spd(1, 6, 30.0), normal(2, 6)),
        x,
        StepOptions(cg_tolerance=0.5, max_step=0.1),
        damping=damping,
    )
    assert inexact.step_length < 1
    assert gain_ratio(inexact) == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (-3.0, 4.0),
        (0.0, 4.0),
        (0.24, 4.0),
        (0.25, 1.0),
        (0.75, 1.0),
        (0.76, 0.25),
        (2.0, 0.25),
        (math.nan, 1.0),
    ],
)
def test_damping_follows_the_gain_ratio(ratio, expected):
    assert Damping(1.0).follow(ratio).value == expected


def test_damping_stays_between_its_bounds():
    damping = Damping(1.0, minimum=0.5, maximum=2.0)
    assert damping.follow(0.0).value == 2.0
    assert damping.follow(0.0).follow(0.0) == damping.follow(0.0)
    assert damping.follow(1.0).value == 0.5


def test_good_steps_lower_and_refused_steps_raise_the_damping():
    quadratic = Quadratic(spd(1, 6, 30.0), normal(2, 6))
    _, method = Newton(exact, Damping(1.0)).step(quadratic, normal(3, 6))
    assert method == Newton(exact, Damping(0.25))
    single = StepOptions(cg_tolerance=1e-13, max_backtracks=0)
    result, method = Newton(single, Damping(1e-3)).step(Barrier(), locked(np.array([3.0])))
    assert not result.accepted
    assert method.damping == Damping(4e-3)


def test_a_refused_step_is_tried_again_with_more_damping():
    single = StepOptions(cg_tolerance=1e-13, max_backtracks=0)
    x0 = locked(np.array([3.0]))
    plain = minimize(Barrier(), x0, Newton(single))
    assert plain.outcome.status is Status.NO_DECREASE
    assert plain.x is x0
    assert len(plain.history) == 1
    damped = minimize(
        Barrier(), x0, Newton(single, Damping(1e-3)), stop=StopRules(100, gradient_tolerance=1e-10)
    )
    assert damped.outcome.status is Status.CONVERGED
    assert damped.x == pytest.approx([1.0], abs=1e-9)
    refused = [row for row in damped.history if row.status != "accepted"][:-1]
    assert len(refused) >= 2
    assert len(damped.notes) >= len(refused)


def test_a_hopeless_run_ends_when_the_damping_is_exhausted():
    class Wrong(Rosenbrock):
        def gradient(self, x):
            return -super().gradient(x)

    damping = Damping(1.0, maximum=100.0)
    found = minimize(Wrong(), locked(np.array([-1.2, 1.0])), Newton(damping=damping), stop=StopRules(50))
    assert found.outcome.status is Status.NO_DECREASE
    assert len(found.history) == 5


def test_zero_residual_problems_converge_quadratically():
    found = minimize(
        Rosenbrock(),
        locked(np.array([0.5, 0.3])),
        Newton(exact),
        stop=StopRules(30, gradient_tolerance=1e-12),
    )
    assert found.x == pytest.approx(np.ones(2), abs=1e-12)
    norms = np.array([row.gradient_norm for row in found.history])
    assert norms[-1] < 10 * norms[-2] ** 2 + 1e-12
