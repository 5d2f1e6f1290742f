import math

import numpy as np
import pytest
import scipy.optimize
from optimize.problems import Quadratic, Rosenbrock, locked, normal, spd, table
from small_problems import problem_and_blocks

from refms.errors import InputError
from refms.objective.problem import JOINT
from refms.optimize import Observation, Status, StopRules
from refms.optimize.joint import JointProblem
from refms.optimize.loop import OneBlock
from refms.optimize.scipy_methods import LBFGS, NonlinearCG, descend_scipy

METHODS = [LBFGS(), NonlinearCG()]


def run(problem, x0, method, **options):
    return descend_scipy(OneBlock(problem), {"x": x0}, "x", method, **options)


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
        return Observation({"seen": float(iteration)})

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
def test_points_that_are_not_finite_shorten_the_step(method):
    class Cliff(Rosenbrock):
        def f(self, x):
            return super().f(x) if np.abs(x).max() < 1.3 else math.nan

    found = run(Cliff(), locked(np.array([-1.2, 1.0])), method, stop=StopRules(500, gradient_tolerance=1e-5))
    assert found.outcome.success, found.outcome
    assert found.blocks["x"] == pytest.approx(np.ones(2), abs=1e-3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LBFGS(memory=0), "memory is 0"),
        (lambda: NonlinearCG(wolfe=1.0), "wolfe is 1.0"),
        (lambda: descend_scipy(OneBlock(None), {"x": np.ones(1)}, "y", LBFGS()), "block 'y' does not exist"),
        (lambda: run(None, np.array([math.nan]), LBFGS()), "NaN or infinity"),
    ],
)
def test_bad_input_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
