import math
from dataclasses import replace

import numpy as np
import pytest
from optimize.problems import Quadratic as Parabola
from small_problems import problem_and_blocks

from refms.errors import InputError
from refms.objective.batches import hessian_sample
from refms.objective.problem import JOINT
from refms.objective.regularizers import Quadratic
from refms.optimize import Damping, Newton, Status, StepOptions, StopRules, descend, minimize
from refms.optimize.blocks import BlockSteps
from refms.optimize.joint import JointProblem
from refms.optimize.projected_curvature import projected_curvature
from refms.optimize.step import gain_ratio
from refms.optimize.variable_projection import Separable, SeparableProblem, VariableProjection

TIGHT = StepOptions(cg_tolerance=1e-12, cg_iterations=200)
EXACT = VariableProjection(
    TIGHT, inner=TIGHT, inner_tolerance=1e-12, inner_steps=60, schur_tolerance=1e-13, schur_iterations=200
)


def inner_minimum(problem, theta, omega):
    risk = problem.block("classifier", {"propagation": theta, "classifier": omega})
    return minimize(risk, omega, Newton(TIGHT), stop=StopRules(60, gradient_tolerance=1e-13))


def solved(problem, blocks):
    theta = blocks["propagation"]
    return theta, inner_minimum(problem, theta, blocks["classifier"]).x


def dense(product, n):
    return np.stack([product(e) for e in np.eye(n)], axis=1)


def test_the_reduced_gradient_is_the_partial_gradient_at_the_inner_minimum():
    problem, blocks = problem_and_blocks()
    theta, omega = solved(problem, blocks)
    _, gradient = problem.block(JOINT, {"propagation": theta, "classifier": omega}).value_and_gradient(
        problem.join({"propagation": theta, "classifier": omega})
    )
    partial = gradient[: theta.size]
    rng = np.random.default_rng(1)
    for _ in range(3):
        v = rng.standard_normal(theta.size)
        # Richardson on central differences of F(θ) = min_ω f(θ, ω): fourth order
        F = {h: inner_minimum(problem, theta + h * v, omega).value for h in (-2e-2, -1e-2, 1e-2, 2e-2)}
        slopes = (F[1e-2] - F[-1e-2]) / 2e-2, (F[2e-2] - F[-2e-2]) / 4e-2
        assert (4 * slopes[0] - slopes[1]) / 3 == pytest.approx(partial @ v, rel=1e-6)
    # away from the inner minimum it is not
    off = problem.block(JOINT, blocks).value_and_gradient(problem.join(blocks))[1][: theta.size]
    assert np.linalg.norm(off - partial) > 0.01 * np.linalg.norm(partial)


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_the_projected_matrix_is_the_schur_complement_of_the_joint_one(fraction):
    problem, blocks = problem_and_blocks(fraction=fraction)
    theta, omega = blocks["propagation"], blocks["classifier"]
    p = theta.size
    G = dense(problem.block(JOINT, blocks, 3).curvature(problem.join(blocks)), p + omega.size)
    # the bias of the classifier is free along (1, …, 1): a pseudo-inverse there
    expected = G[:p, :p] - G[:p, p:] @ np.linalg.pinv(G[p:, p:], rcond=1e-12, hermitian=True) @ G[p:, :p]
    objective = SeparableProblem(problem).block(JOINT, {JOINT: problem.join(blocks)}, 3)
    found = dense(objective.reduced_curvature(theta, omega, 1e-13, 300), p)
    assert np.allclose(found, expected, rtol=0, atol=1e-10 * np.linalg.norm(expected))
    assert np.linalg.eigvalsh((found + found.T) / 2)[0] > 0


def test_an_inexact_inner_system_leaves_the_form_larger():
    problem, blocks = problem_and_blocks(1)
    theta, omega = blocks["propagation"], blocks["classifier"]
    exact = projected_curvature(problem, theta, omega, problem.examples, 1e-13, 300)
    rough = projected_curvature(problem, theta, omega, problem.examples, 0.5, 2)
    for v in np.random.default_rng(2).standard_normal((5, theta.size)):
        assert v @ rough(v) >= v @ exact(v) * (1 - 1e-10)


def test_the_projected_matrix_predicts_second_differences_of_the_reduced_objective_to_first_order():
    # the true Hessian of F differs from the projected matrix by terms in the residual alone: the loss's
    # gradient. With soft labels that the net reproduces it is zero, and both agree.
    problem, blocks = problem_and_blocks(2, count=60)
    theta, omega = blocks["propagation"], blocks["classifier"]
    Z = problem.whole.evaluate(problem.join(blocks), problem.examples.inputs)
    P = np.exp(Z - Z.max(axis=0))
    P /= P.sum(axis=0)
    weak = {
        name: replace(block, regularizer=Quadratic(block.regularizer.Q * factor))
        for (name, block), factor in zip(problem.blocks.items(), (0, 1e-9), strict=True)
    }
    problem = replace(problem, examples=replace(problem.examples, targets=P), blocks=weak)
    v = np.random.default_rng(3).standard_normal(theta.size)
    product = projected_curvature(problem, theta, omega, problem.examples, 1e-13, 500)
    h = 1e-2
    F = [inner_minimum(problem, theta + s * h * v, omega).value for s in (-2, -1, 0, 1, 2)]
    second = (-F[0] + 16 * F[1] - 30 * F[2] + 16 * F[3] - F[4]) / (12 * h * h)
    assert v @ product(v) == pytest.approx(second, rel=1e-3)


def run(problem, blocks, method, iterations, tolerance=0.0):
    return descend(
        SeparableProblem(problem),
        {JOINT: problem.join(blocks)},
        (BlockSteps(JOINT, method),),
        stop=StopRules(iterations, gradient_tolerance=tolerance),
    )


def test_its_minimum_is_a_minimum_in_all_parameters():
    problem, blocks = problem_and_blocks()
    found = run(problem, blocks, EXACT, 60, 1e-9)
    assert found.outcome.status is Status.CONVERGED, found.outcome
    risk = problem.block(JOINT, problem.split(found.blocks[JOINT]))
    value, gradient = risk.value_and_gradient(found.blocks[JOINT])
    assert np.linalg.norm(gradient) < 1e-8
    # the joint method, started nearby, finds the same
    near = found.blocks[JOINT] + 1e-3
    joint = descend(
        JointProblem(problem),
        {JOINT: near},
        (BlockSteps(JOINT, Newton(TIGHT)),),
        stop=StopRules(100, gradient_tolerance=1e-9),
    )
    assert joint.history.rows[-1].objective == pytest.approx(value, rel=1e-12)
    assert value == found.history.rows[-1].objective


def test_each_step_begins_with_the_inner_problem_solved_and_lowers_the_reduced_objective():
    problem, blocks = problem_and_blocks()
    found = run(problem, blocks, replace(EXACT, inner_tolerance=1e-6), 6)
    for row in found.history:
        assert row.extra["inner_gradient_norm"] <= row.extra["inner_tolerance"] * (1 + 1e-6)
        assert row.extra["inner_steps"] >= 1
        assert "gain_ratio" in row.extra
    values = [row.objective for row in found.history]
    assert values == sorted(values, reverse=True)
    # the first objective is that of the fitted classifier
    _, omega = solved(problem, blocks)
    fitted = problem.block("classifier", {**blocks, "classifier": omega}).value(omega)
    assert found.history.rows[0].objective_before == pytest.approx(fitted, rel=1e-9)


def test_the_target_is_a_share_of_the_gradient_at_zero():
    problem, blocks = problem_and_blocks()
    objective = SeparableProblem(problem).block(JOINT, {JOINT: problem.join(blocks)}, 1)
    _, following = VariableProjection(TIGHT, inner_tolerance=0.01).step(objective, problem.join(blocks))
    risk = problem.block("classifier", blocks)
    _, gradient = risk.value_and_gradient(np.zeros_like(blocks["classifier"]))
    assert following.target == pytest.approx(0.01 * np.linalg.norm(gradient), rel=1e-12)
    again, same = following.step(objective, problem.join(blocks))
    assert same == following
    assert again.accepted


def test_damping_is_that_of_levenberg_and_marquardt():
    problem, blocks = problem_and_blocks()
    objective = SeparableProblem(problem).block(JOINT, {JOINT: problem.join(blocks)}, 1)
    result, following = replace(EXACT, damping=Damping(1e3)).step(objective, problem.join(blocks))
    plain, _ = EXACT.step(objective, problem.join(blocks))
    assert result.extra["damping"] == 1e3
    assert following.damping == Damping(1e3).follow(gain_ratio(result))
    assert np.linalg.norm(result.direction.p) < 0.1 * np.linalg.norm(plain.direction.p)


def test_work_is_counted_pass_by_pass():
    problem, blocks = problem_and_blocks()
    m = problem.examples.count
    share = problem.blocks["classifier"].map.multiply_adds / problem.whole.multiply_adds
    product = projected_curvature(
        problem, blocks["propagation"], blocks["classifier"], problem.examples, 1e-12, 7
    )
    assert problem.work.units == m
    calls = 0.0
    v = np.ones_like(blocks["propagation"])
    product(v)
    calls = problem.work.units - m
    inner = (calls / m - 3.0) / (3.0 * share)
    assert inner == pytest.approx(round(inner))
    assert 1 <= round(inner) <= 7


def test_a_small_memory_budget_gives_the_same_product_for_more_passes():
    problem, blocks = problem_and_blocks(count=40)
    at = (blocks["propagation"], blocks["classifier"])
    v = np.random.default_rng(0).standard_normal(at[0].size)
    plain = projected_curvature(problem, *at, problem.examples, 1e-12, 300)(v)
    width = 4
    budget = 2 * problem.blocks["propagation"].map.stored * 8 * width
    small = replace(problem, memory=budget)
    before = small.work.units
    found = projected_curvature(small, *at, small.examples, 1e-12, 300)(v)
    assert np.allclose(found, plain, rtol=1e-10, atol=1e-13)
    assert small.work.units - before > 5 * 40


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_and_place_are_kept(device, dtype):
    problem, blocks = problem_and_blocks(dtype=dtype, backend=device.backend)
    found = run(problem, blocks, VariableProjection(StepOptions()), 2)
    assert device.owns(found.blocks[JOINT])
    assert found.blocks[JOINT].dtype == dtype
    assert found.history.rows[-1].objective < found.history.rows[0].objective_before


def test_nan_is_an_outcome_and_the_last_finite_values_are_kept():
    problem, blocks = problem_and_blocks()
    problem.blocks["classifier"].regularizer.Q.data[:] = math.nan
    found = run(problem, blocks, VariableProjection(StepOptions()), 3)
    assert found.outcome.status is Status.NON_FINITE
    assert np.isfinite(found.blocks[JOINT]).all()


def test_other_objectives_are_refused():
    with pytest.raises(InputError, match="SeparableProblem"):
        EXACT.step(Parabola(np.eye(1), np.zeros(1)), np.ones(1))


def test_the_sample_is_that_of_the_iteration():
    problem, blocks = problem_and_blocks(fraction=0.5)
    objective = SeparableProblem(problem).block(JOINT, {JOINT: problem.join(blocks)}, 4)
    assert isinstance(objective, Separable)
    theta, omega = blocks["propagation"], blocks["classifier"]
    drawn = problem.examples.take(hessian_sample(problem.examples.count, 0.5, problem.seed, 4))
    v = np.ones_like(theta)
    expected = projected_curvature(problem, theta, omega, drawn, 1e-3, 50)(v)
    assert np.array_equal(objective.reduced_curvature(theta, omega, 1e-3, 50)(v), expected)
