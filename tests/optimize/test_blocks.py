"""Rows of the history: what the quadratic model said of a step stands in them."""

import numpy as np
import pytest
from optimize.problems import Barrier, Quadratic, Rosenbrock, locked, normal, spd

from refms.optimize import Newton, StepOptions
from refms.optimize.blocks import row_of
from refms.optimize.step import gain_ratio

exact = StepOptions(cg_tolerance=1e-13, cg_iterations=100)


def test_rows_hold_gain_ratio_and_predicted_decrease():
    problem, x0 = Rosenbrock(full=True), locked(np.array([-1.2, 1.0]))
    result, _ = Newton(exact).step(problem, x0)
    row = row_of(result, 1, "x", 0.0, 1.0)
    s = result.x - x0
    predicted = -(problem.gradient(x0) @ s + 0.5 * s @ problem.hessian(x0) @ s)
    assert row.extra["predicted_decrease"] == pytest.approx(predicted, rel=1e-9)
    assert row.extra["gain_ratio"] == pytest.approx(
        (result.value_before - result.value) / predicted, rel=1e-9
    )


def test_a_refused_step_has_the_ratio_zero_and_no_prediction():
    single = StepOptions(cg_tolerance=1e-13, max_backtracks=0)
    result, _ = Newton(single).step(Barrier(), locked(np.array([3.0])))
    assert not result.accepted
    assert dict(row_of(result, 1, "x", 0.0, 1.0).extra) == {"gain_ratio": 0.0}


def test_below_round_off_there_is_no_ratio():
    A, b = spd(1, 6, 30.0), normal(2, 6)
    result, _ = Newton(exact).step(Quadratic(A, b), np.linalg.solve(A, b) + 1e-9)
    assert np.isnan(gain_ratio(result))
    assert "gain_ratio" not in row_of(result, 1, "x", 0.0, 1.0).extra
