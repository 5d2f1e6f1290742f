import math

import numpy as np
import pytest
import scipy.optimize
from optimize.problems import PROBLEMS, Quadratic, Rosenbrock, locked, normal, spd, table
from small_problems import problem_and_blocks

from refms.errors import InputError
from refms.objective.problem import JOINT
from refms.optimize import Report, Status, StopRules
from refms.optimize.joint import JointProblem
from refms.optimize.scipy_methods import LBFGS, NonlinearCG, descend_scipy

METHODS = [LBFGS(), NonlinearCG()]


class One:
    """A problem of one block."""

    def __init__(self, objective):
        self.objective = objective

    def block(self, name, blocks, iteration):
        return self.objective


def run(problem, x0, method, **options):
    return descend_scipy(One(problem), {"x": x0}, "x", method, **options)


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "barrier"])
def test_every_problem_is_solved(name, method):
    problem, x0 = table("float64")[name]
    found = run(problem, x0, method, stop=StopRules(500, gradient_tolerance=1e-7))
    assert found.outcome.success, found.outcome
    assert np.linalg.norm(problem.gradient(found.blocks["x"])) < 1e-4
    values = [row.objective for row in found.history]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(("method", "name"), [(METHODS[0], "L-BFGS-B"), (METHODS[1], "CG")])
def test_the_path_is_scipys_own(method, name):
    problem, x0 = table("float64")["rosenbrock, Newton"]
    path = []
    scipy.optimize.minimize(
        problem.f,
        x0,
        jac=problem.gradient,
        method=name,
        callback=lambda xk: path.append(xk.copy()),
        options={"maxiter": 12, "gtol": 0.0} | ({"ftol": 0.0} if name == "L-BFGS-B" else {}),
    )
    seen = []

    def monitor(iteration, blocks, rows):
        seen.append(blocks["x"].copy())

    found = run(problem, x0, method, stop=StopRules(12), monitor=monitor)
    assert np.array_equal(np.array(seen), np.array(path))
    assert found.outcome.status is Status.ITERATION_LIMIT
    assert len(found.history) == 12


def test_on_a_quadratic_nonlinear_cg_with_exact_searches_is_linear_cg():
    # with a tight c₂ the searches are all but exact, and n iterations suffice in n dimensions
    A, b = spd(1, 5, 20.0), normal(2, 5)
    found = run(Quadratic(A, b), normal(3, 5), NonlinearCG(wolfe=2e-4), stop=StopRules(7))
    expected = np.linalg.solve(A, b)
    assert np.linalg.norm(found.blocks["x"] - expected) < 1e-4 * np.linalg.norm(expected)


def test_lbfgs_with_memory_for_all_updates_ends_a_quadratic_superlinearly():
    A, b = spd(1, 5, 20.0), normal(2, 5)
    found = run(Quadratic(A, b), normal(3, 5), LBFGS(memory=20), stop=StopRules(40, gradient_tolerance=1e-7))
    assert found.outcome.status is Status.CONVERGED
    assert len(found.history) < 25


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_rows_tell_evaluations_gradients_and_work(method):
    problem, x0 = table("float64")["logistic"]
    gradients = []

    def monitor(iteration, blocks, rows):
        gradients.append(np.linalg.norm(problem.gradient(blocks["x"])))
        return Report({"seen": float(iteration)})

    found = run(problem, x0, method, stop=StopRules(6), monitor=monitor)
    rows = found.history.rows
    assert [row.gradient_norm for row in rows[1:]] == pytest.approx(gradients[:-1])
    assert rows[0].gradient_norm == pytest.approx(np.linalg.norm(problem.gradient(x0)))
    assert sum(row.evaluations for row in rows) <= len(problem.calls) == rows[-1].work_units
    assert [row.extra["seen"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(math.isnan(row.step_length) for row in rows)
    assert [row.objective_before for row in rows[1:]] == [row.objective for row in rows[:-1]]
    assert found.schedule == ()


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_float32_is_evaluated_in_float32_and_said(method):
    seen = []

    class Watched(Quadratic):
        def value_and_gradient(self, x):
            seen.append(x.dtype)
            return super().value_and_gradient(x)

    problem = Watched(spd(1, 5, 20.0, "float32"), normal(2, 5, "float32"))
    found = run(problem, normal(3, 5, "float32"), method, stop=StopRules(5))
    assert set(seen) == {np.dtype("float32")}
    assert found.blocks["x"].dtype == np.float32
    assert "evaluated in float32, at points rounded to float32" in found.notes[0]


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_arrays_of_a_device_are_staged_through_the_host(device, method):
    problem, blocks = problem_and_blocks(backend=device.backend)
    found = descend_scipy(
        JointProblem(problem), {JOINT: problem.join(blocks)}, JOINT, method, stop=StopRules(2)
    )
    assert device.owns(found.blocks[JOINT])
    assert ("copied between the GPU and the host" in found.notes[0]) == (device.name != "numpy")
    assert found.history.rows[-1].objective < found.history.rows[0].objective_before


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_the_monitor_may_stop(method):
    problem, x0 = table("float64")["logistic"]
    found = run(
        problem,
        x0,
        method,
        stop=StopRules(50),
        monitor=lambda iteration, blocks, rows: Report(stop="Enough." if iteration == 3 else ""),
    )
    assert found.outcome.status is Status.STOPPED
    assert len(found.history) == 3


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_points_that_are_not_finite_shorten_the_step(method):
    class Cliff(Rosenbrock):
        def f(self, x):
            return super().f(x) if np.abs(x).max() < 1.3 else math.nan

    found = run(Cliff(), locked(np.array([-1.2, 1.0])), method, stop=StopRules(500, gradient_tolerance=1e-5))
    assert found.outcome.success, found.outcome
    assert found.blocks["x"] == pytest.approx(np.ones(2), abs=1e-3)


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_nan_at_the_start_is_an_outcome(method):
    x0 = locked(np.ones(2))
    found = run(Quadratic(np.eye(2) * math.nan, np.ones(2)), x0, method)
    assert found.outcome.status is Status.NON_FINITE
    assert found.blocks["x"] is x0
    assert len(found.history) == 1


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_wrong_gradient_ends_without_a_step_and_with_a_sentence(method):
    class Wrong(Rosenbrock):
        def gradient(self, x):
            return -super().gradient(x)

    x0 = locked(np.array([-1.2, 1.0]))
    found = run(Wrong(), x0, method, stop=StopRules(20))
    assert found.outcome.status is Status.NO_DECREASE
    assert found.blocks["x"] is x0
    assert "the gradient is wrong" in found.outcome.message


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_at_round_off_the_run_ends_as_a_success(method):
    problem = Quadratic(spd(1, 5, 20.0, "float32"), normal(2, 5, "float32"))
    found = run(problem, normal(3, 5, "float32"), method, stop=StopRules(500))
    assert found.outcome.success, found.outcome
    assert len(found.history) < 100


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_small_gradient_needs_no_step(method):
    found = run(
        Quadratic(np.eye(2), np.zeros(2)),
        locked(np.full(2, 1e-9)),
        method,
        stop=StopRules(5, gradient_tolerance=1e-6),
    )
    assert found.outcome.status is Status.CONVERGED


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LBFGS(memory=0), "memory is 0"),
        (lambda: NonlinearCG(wolfe=1.0), "wolfe is 1.0"),
        (lambda: descend_scipy(One(None), {"x": np.ones(1)}, "y", LBFGS()), "block 'y' does not exist"),
        (lambda: run(None, np.array([math.nan]), LBFGS()), "NaN or infinity"),
    ],
)
def test_bad_input_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
