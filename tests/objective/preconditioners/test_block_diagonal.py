"""The preconditioners of both blocks side by side."""

import numpy as np
import pytest
from small_problems import dense, problem_and_blocks

from refms.objective.preconditioners import BlockDiagonal
from refms.objective.problem import JOINT
from refms.optimize import conjugate_gradients
from refms.optimize.joint import JointProblem
from refms.run.config import OptimizationSection


@pytest.mark.parametrize("propagation", ["none", "time", "diagonal"])
@pytest.mark.parametrize("classifier", ["none", "smoothness", "diagonal", "block"])
def test_it_is_block_diagonal_with_the_preconditioners_of_the_blocks(propagation, classifier):
    options = OptimizationSection(
        propagation_preconditioner=propagation, classifier_preconditioner=classifier, dtype="float64"
    )
    problem, blocks = problem_and_blocks(options=options)
    risk, x = JointProblem(problem).block(JOINT, {JOINT: problem.join(blocks)}, 1), problem.join(blocks)
    curvature = risk.curvature(x)
    found = risk.preconditioner(x, curvature)
    if propagation == classifier == "none":
        assert found is None
        return
    p = blocks["propagation"].size
    M = dense(found, x.size)
    assert np.array_equal(M[:p, p:], np.zeros_like(M[:p, p:]))
    assert np.array_equal(M[p:, :p], np.zeros_like(M[p:, :p]))
    assert np.allclose(M, M.T, rtol=0, atol=1e-12 * np.abs(M).max())
    assert np.linalg.eigvalsh((M + M.T) / 2)[0] > 0
    for name, part, own in (
        ("propagation", blocks["propagation"], M[:p, :p]),
        ("classifier", x[p:], M[p:, p:]),
    ):
        block = problem.block(name, blocks, 1)
        alone = block.preconditioner(part, block.curvature(part))
        if alone is None:  # σ I, with the mean of the diagonal up to the noise of one probe
            assert np.array_equal(own, own[0, 0] * np.eye(len(own)))
            mean = np.mean(np.diag(dense(block.curvature(part), part.size)))
            assert 0.2 < own[0, 0] * mean < 5.0
        else:
            assert np.allclose(own, dense(alone, part.size), rtol=1e-6, atol=1e-12)


def test_scales_that_differ_cost_fewer_iterations():
    problem, blocks = problem_and_blocks(options=OptimizationSection(hessian_fraction=1.0, dtype="float64"))
    x = problem.join(blocks)
    plain = problem.block(JOINT, blocks, 1)
    gradient = plain.value_and_gradient(x)[1]
    curvature = plain.curvature(x)
    solve = BlockDiagonal(problem, 1)(plain, x, curvature)
    options = {"tolerance": 1e-3, "max_iterations": 200}
    without = conjugate_gradients(curvature, -gradient, **options)
    with_it = conjugate_gradients(curvature, -gradient, preconditioner=solve, **options)
    assert with_it.iterations < without.iterations


def test_curvature_that_is_not_positive_gives_none():
    problem, blocks = problem_and_blocks()
    x = problem.join(blocks)
    assert BlockDiagonal(problem, 1)(problem.block(JOINT, blocks, 1), x, lambda v: -v) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_and_place_are_kept(device, dtype):
    problem, blocks = problem_and_blocks(dtype=dtype, backend=device.backend)
    risk, x = JointProblem(problem).block(JOINT, {JOINT: problem.join(blocks)}, 1), problem.join(blocks)
    found = risk.preconditioner(x, risk.curvature(x))(x)
    assert device.owns(found)
    assert found.dtype == dtype
