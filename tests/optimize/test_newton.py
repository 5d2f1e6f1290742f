import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimize.problems import Barrier, Quadratic, Quartic, Rosenbrock, locked, logistic, normal, rho, spd

from refms.errors import InputError
from refms.optimize import Newton, Status, StepOptions, StopRules, descent_step, minimize

exact = StepOptions(cg_tolerance=1e-12, cg_iterations=100, max_backtracks=40)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 10), dtype=st.sampled_from(["float32", "float64"]))
def test_one_exact_step_solves_a_quadratic_problem(seed, n, dtype):
    A, b = spd(seed, n, 10.0, dtype), normal(seed + 1, n, dtype)
    x0 = normal(seed + 2, n, dtype)
    step = descent_step(Quadratic(A, b), x0, StepOptions(cg_tolerance=1e-7 if dtype == "float32" else 1e-15))
    solution = np.linalg.solve(A.astype("float64"), b)
    assert step.step_length == 1
    assert rho(step.x, solution, 10.0 * np.linalg.norm(A @ x0 - b)) < 30


def test_convergence_is_quadratic_with_exact_directions_and_linear_without():
    stop = StopRules(max_iterations=30, gradient_tolerance=1e-13)
    start = locked(np.full(5, 0.5))
    solution = minimize(logistic(), start, Newton(exact), stop=stop).x

    def errors(options):
        found = [np.linalg.norm(start - solution)]

        def watch(iteration, blocks, rows):
            found.append(np.linalg.norm(blocks["x"] - solution))

        minimize(logistic(), start, Newton(options), stop=stop, monitor=watch)
        return np.array(found)

    e = errors(exact)
    e = e[e > 1e-14]
    ratios = e[1:] / e[:-1] ** 2
    assert e.size >= 5
    assert ratios[2:].max() < 2 * ratios[2:].min() + 1
    assert np.log(e[-1] / e[-2]) / np.log(e[-2] / e[-3]) > 1.7
    loose = errors(StepOptions(cg_tolerance=0.3))
    assert loose.size > e.size + 2


@pytest.mark.parametrize("problem", [logistic(), Rosenbrock()], ids=["Newton", "Gauss-Newton"])
def test_iterates_do_not_depend_on_the_coordinates(problem):
    n = 5 if hasattr(problem, "A") else 2
    B = np.random.default_rng(3).standard_normal((n, n)) + 2 * np.eye(n)

    class Reparametrised:
        def value(self, z):
            return problem.f(B @ z)

        def value_and_gradient(self, z):
            return problem.f(B @ z), B.T @ problem.gradient(B @ z)

        def curvature(self, z):
            H = problem.hessian(B @ z)
            return lambda v: B.T @ (H @ (B @ v))

    x = np.full(n, 0.3)
    z = np.linalg.solve(B, x)
    for _ in range(3):
        here, there = descent_step(problem, x, exact), descent_step(Reparametrised(), z, exact)
        x, z = here.x, there.x
        assert here.step_length == there.step_length > 0
        assert np.linalg.norm(B @ z - x) < 1e-9 * np.linalg.norm(x)


def test_steps_shrink_out_of_the_region_of_nan():
    step = descent_step(Barrier(), locked(np.array([3.0])))
    # x = 3: g = 2/3, H = 1/9, p = −6; −3 and 0 are outside, 1.5 is inside
    assert (step.step_length, step.non_finite) == (0.25, 2)
    assert step.x == pytest.approx([1.5])
    found = minimize(Barrier(), locked(np.array([3.0])), Newton())
    assert found.outcome.success
    assert found.notes[0].startswith("Iteration 1, block 'x': ")
    assert "NaN" in found.notes[0]


def test_negative_curvature_still_gives_a_descent_step():
    step = descent_step(Quartic(), locked(np.zeros(3)))
    assert step.accepted
    assert step.value < step.value_before
    assert step.direction.slope < 0
    assert step.direction.cg.outcome.status is Status.NEGATIVE_CURVATURE


def test_a_step_without_a_direction_says_what_the_solver_said():
    class Spoilt(Quadratic):
        def curvature(self, x):
            return lambda v: np.nan * v

    step = descent_step(Spoilt(spd(1, 4), normal(2, 4)), locked(np.ones(4)))
    assert not step.accepted
    assert step.outcome is step.direction.cg.outcome
    assert (step.outcome.status, step.direction.cg.iterations) == (Status.NON_FINITE, 0)


def test_a_preconditioner_of_the_objective_is_used():
    class Preconditioned(Quadratic):
        def preconditioner(self, x, curvature):
            inverse = np.linalg.inv(self.A)
            return lambda r: inverse @ r

    A, b = spd(1, 12, 1e4), normal(2, 12)
    plain = descent_step(Quadratic(A, b), np.zeros(12), StepOptions(cg_tolerance=1e-8))
    better = descent_step(Preconditioned(A, b), np.zeros(12), StepOptions(cg_tolerance=1e-8))
    assert better.direction.cg.iterations == 1 < plain.direction.cg.iterations


def test_the_step_is_accounted_for():
    problem = Quadratic(spd(1, 4), normal(2, 4))
    options = StepOptions(cg_tolerance=0.0, cg_iterations=2)
    found = minimize(problem, np.zeros(4), Newton(options), stop=StopRules(max_iterations=1))
    row = found.history.rows[0]
    assert row.evaluations == problem.calls.count("value") + problem.calls.count("gradient") == 2
    assert row.cg_iterations == problem.calls.count("product") == 2
    assert row.work_units == len(problem.calls)
    assert row.gradient_norm == pytest.approx(np.linalg.norm(problem.b))
    assert row.seconds > 0
    assert row.cg_residual > 1e-3
    assert row.cg_residual == pytest.approx(
        np.linalg.norm(problem.gradient(found.x)) / row.gradient_norm, rel=1e-10
    )


def test_the_options_reach_the_direction_and_the_search():
    A, b = spd(1, 40, 1e4), normal(2, 40)
    for limit in (2, 30):
        step = descent_step(Quadratic(A, b), np.zeros(40), StepOptions(cg_tolerance=0.0, cg_iterations=limit))
        assert step.direction.cg.iterations == limit
        assert step.direction.cg.outcome.status is Status.ITERATION_LIMIT
    # on a quadratic the exact step α gains α(1 − α/2)|gᵀp|
    for c1, alpha in ((0.49, 1.0), (0.51, 0.5), (0.76, 0.25)):
        options = StepOptions(cg_tolerance=1e-12, sufficient_decrease=c1)
        assert descent_step(Quadratic(np.eye(3), normal(2, 3)), np.zeros(3), options).step_length == alpha


def test_stopping_where_nothing_can_be_told_from_rounding():
    class Level:
        def value(self, x):
            return 1.0 + 1e-15

        def value_and_gradient(self, x):
            return 1.0, np.full(2, 1e-9)

        def curvature(self, x):
            return lambda v: v

    found = minimize(Level(), np.zeros(2), Newton())
    assert found.outcome.status is Status.ROUND_OFF
    assert found.outcome.success
    assert "precision" in found.outcome.message


def test_stopping_by_relative_decrease():
    stop = StopRules(max_iterations=100, relative_decrease=0.05)
    found = minimize(
        Rosenbrock(), locked(np.array([-1.2, 1.0])), Newton(StepOptions(max_step=0.01)), stop=stop
    )
    falls = [1 - row.objective / row.objective_before for row in found.history]
    assert found.outcome.status is Status.CONVERGED
    assert falls[-1] <= 0.05 < min(falls[:-1], default=1.0)
    assert "relative_decrease" in found.outcome.message


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["value_and_gradient", "gradient", "curvature", "value"])
@pytest.mark.parametrize("iteration", [1, 3])
def test_non_finite_values_stop_the_run_at_the_last_finite_point(where, bad, iteration):
    class Spoilt(Rosenbrock):
        visits = 0

        def value_and_gradient(self, x):
            self.visits += 1
            f, g = super().value_and_gradient(x)
            now = self.visits == iteration
            return (bad if now and where == "value_and_gradient" else f), (
                g * bad if now and where == "gradient" else g
            )

        def value(self, x):
            return bad if self.visits == iteration and where == "value" else super().value(x)

        def curvature(self, x):
            product = super().curvature(x)
            return (lambda v: v * bad) if self.visits == iteration and where == "curvature" else product

    start = locked(np.array([-1.2, 1.0]))
    before = (
        minimize(Rosenbrock(), start, Newton(), stop=StopRules(max_iterations=iteration - 1)).x
        if iteration > 1
        else start
    )
    found = minimize(Spoilt(), start, Newton())
    assert np.array_equal(found.x, before)
    assert found.outcome.status is (Status.NO_DECREASE if where == "value" else Status.NON_FINITE)
    assert found.outcome.message.startswith(f"Iteration {iteration}, block 'x': ")
    assert len(found.history) == iteration
    assert found.history.rows[-1].step_length == 0


@pytest.mark.parametrize(
    ("x0", "words"),
    [
        (np.array([1.0, np.nan]), "finite point"),
        (np.ones((2, 1)), "flat vector"),
        (np.ones(2, dtype=int), "float32"),
        (np.ones(2, dtype=complex), "float32"),
        (np.ones(0), "flat vector"),
    ],
)
def test_wrong_starts_are_refused(x0, words):
    with pytest.raises(InputError, match=words):
        minimize(Rosenbrock(), x0, Newton())


def test_a_gradient_of_another_precision_is_refused():
    with pytest.raises(InputError, match="value_and_gradient returned"):
        descent_step(Quadratic(np.eye(2), np.ones(2)), np.ones(2, dtype="float32"))
