"""What holds of every deterministic method: a table of methods times a table of problems, and bad ends."""

import itertools
import math

import numpy as np
import pytest
from optimize.problems import PROBLEMS, Quadratic, Rosenbrock, locked, normal, spd, table

from refms.errors import InputError
from refms.optimize import BlockSteps, Damping, Newton, Status, StepOptions, StopRules, minimize
from refms.optimize.loop import OneBlock
from refms.optimize.newton_cg import NewtonCG
from refms.optimize.scipy_methods import LBFGS, NonlinearCG, descend_scipy
from refms.optimize.stochastic import Adam, Momentum, Stochastic
from refms.optimize.trust_region import TrustRegion
from refms.optimize.variable_projection import VariableProjection

exact = StepOptions(cg_tolerance=1e-12, cg_iterations=100, max_backtracks=40)
OWN = {
    "inexact": Newton(StepOptions(max_backtracks=40)),
    "exact": Newton(exact),
    "clipped": Newton(StepOptions(max_step=0.5)),
    "damped": Newton(exact, Damping(1.0)),
    "newton-cg": NewtonCG(StepOptions(cg_tolerance=0.5, cg_iterations=100)),
    "trust-region": TrustRegion(cg_tolerance=1e-12, cg_iterations=100),
}
SCIPY = {"l-bfgs": LBFGS(), "nonlinear-cg": NonlinearCG()}
every_method = pytest.mark.parametrize("name", [*OWN, *SCIPY])


def run(name, problem, x0, stop):
    """Return x, history and outcome."""
    if name in OWN:
        found = minimize(problem, x0, OWN[name], stop=stop)
        return found.x, found.history, found.outcome
    run = descend_scipy(OneBlock(problem), {"x": x0}, "x", SCIPY[name], stop=stop)
    return run.blocks["x"], run.history, run.outcome


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("which", PROBLEMS)
@pytest.mark.parametrize("name", OWN)
def test_every_method_minimises_every_problem(name, which, dtype):
    problem, start = table(dtype)[which]
    size = float(np.linalg.norm(problem.gradient(start)))
    small = size * (1e-9 if dtype == "float64" else 3e-4)
    x, history, outcome = run(name, problem, start, StopRules(400, gradient_tolerance=small))
    assert outcome.success, outcome.message
    gradient = np.linalg.norm(problem.gradient(x))
    assert gradient <= small or outcome.status is not Status.CONVERGED
    assert gradient <= 30 * small
    assert np.linalg.eigvalsh(problem.hessian(x))[0] > 0
    assert x.dtype == dtype
    values = [history.rows[0].objective_before, *(row.objective for row in history)]
    assert all(b <= a for a, b in itertools.pairwise(values))
    assert values[-1] == problem.f(x)


@pytest.mark.parametrize("name", SCIPY)
@pytest.mark.parametrize("which", [name for name in PROBLEMS if name != "barrier"])
def test_scipys_methods_minimise_too(name, which):
    problem, x0 = table("float64")[which]
    x, history, outcome = run(name, problem, x0, StopRules(500, gradient_tolerance=1e-7))
    assert outcome.success, outcome.message
    assert np.linalg.norm(problem.gradient(x)) < 1e-4
    values = [row.objective for row in history]
    assert values == sorted(values, reverse=True)


@every_method
def test_nan_at_the_start_is_an_outcome_that_costs_no_product(name):
    problem, x0 = Quadratic(np.eye(2) * math.nan, np.ones(2)), locked(np.ones(2))
    x, history, outcome = run(name, problem, x0, StopRules(5))
    assert outcome.status is Status.NON_FINITE
    assert "The objective is" in outcome.message
    assert x is x0
    assert len(history) == 1
    assert problem.calls == ["gradient"]


@every_method
def test_a_small_gradient_needs_no_step_and_no_product(name):
    problem = Quadratic(np.eye(3), np.zeros(3))
    for x0, tolerance in ((np.full(3, 1e-5), 1e-4), (np.zeros(3), 0.0)):
        problem.calls.clear()
        _, _, outcome = run(name, problem, locked(x0), StopRules(gradient_tolerance=tolerance))
        assert outcome.status is Status.CONVERGED
        assert "gradient_tolerance" in outcome.message
        assert problem.calls == ["gradient"]


# damping and radius have tests of their own: they learn from a refusal and try on
@pytest.mark.parametrize("name", [name for name in (*OWN, *SCIPY) if name not in {"damped", "trust-region"}])
def test_a_wrong_gradient_ends_without_a_step_and_with_a_sentence(name):
    class Wrong(Rosenbrock):
        def gradient(self, x):
            return -super().gradient(x)

    x0 = locked(np.array([-1.2, 1.0]))
    x, _, outcome = run(name, Wrong(), x0, StopRules(50))
    assert outcome.status is Status.NO_DECREASE
    assert "the gradient is wrong" in outcome.message
    assert x is x0


@every_method
def test_at_round_off_the_run_ends_as_a_success(name):
    A, b = spd(1, 5, 20.0, "float32"), normal(2, 5, "float32")
    _, history, outcome = run(name, Quadratic(A, b), normal(3, 5, "float32"), StopRules(500))
    assert outcome.success, outcome.message
    assert len(history) < 100


@pytest.mark.parametrize(
    ("kind", "first", "bad"),
    [
        (StepOptions, (), {"cg_tolerance": 1.0}),
        (StepOptions, (), {"cg_tolerance": -1e-3}),
        (StepOptions, (), {"cg_iterations": 0}),
        (StepOptions, (), {"sufficient_decrease": 0.0}),
        (StepOptions, (), {"max_backtracks": -1}),
        (StepOptions, (), {"max_step": -1.0}),
        (StopRules, (), {"max_iterations": 0}),
        (StopRules, (), {"relative_decrease": -1.0}),
        (StopRules, (), {"gradient_tolerance": math.nan}),
        (BlockSteps, ("x", Newton()), {"steps": 0}),
        (Damping, (), {"value": 0.0}),
        (Damping, (), {"value": math.nan}),
        (Damping, (1.0,), {"factor": 1.0}),
        (Damping, (1.0,), {"poor": 0.8}),
        (Damping, (1.0,), {"maximum": 0.5}),
        (Damping, (1.0,), {"maximum": math.inf}),
        (NewtonCG, (exact,), {"tolerance": 1.5}),
        (TrustRegion, (), {"radius": 0.0}),
        (TrustRegion, (2.0,), {"largest": 1.0}),
        (TrustRegion, (), {"cg_tolerance": 1.0}),
        (TrustRegion, (), {"cg_iterations": 0}),
        (TrustRegion, (), {"least_gain": 0.5}),
        (TrustRegion, (), {"good": 0.1}),
        (TrustRegion, (), {"max_trials": 0}),
        (VariableProjection, (exact,), {"inner_tolerance": 0.0}),
        (VariableProjection, (exact,), {"inner_steps": 0}),
        (VariableProjection, (exact,), {"schur_tolerance": 1.0}),
        (VariableProjection, (exact,), {"schur_iterations": 0}),
        (LBFGS, (), {"memory": 0}),
        (NonlinearCG, (), {"wolfe": 1.0}),
        (Momentum, (), {"learning_rate": 0.0}),
        (Momentum, (), {"learning_rate": math.nan}),
        (Momentum, (), {"batch": -1}),
        (Momentum, (), {"schedule": "cosin"}),
        (Momentum, (), {"seed": -1}),
        (Momentum, (), {"momentum": 1.0}),
        (Stochastic, (Momentum(),), {"epochs": 0}),
        (Adam, (), {"beta1": 1.0}),
        (Adam, (), {"beta2": -0.1}),
        (Adam, (), {"epsilon": 0.0}),
    ],
)
def test_options_out_of_range_are_refused(kind, first, bad):
    name = next(iter(bad))
    words = "damping" if kind is Damping else "radius" if name == "largest" else name
    with pytest.raises(InputError, match=f"{words}.*(expected|Did you mean)"):
        kind(*first, **bad)
