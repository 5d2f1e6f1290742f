"""All unknowns at once: how a problem names its blocks does not change a joint step."""

import numpy as np
import pytest
from small_problems import problem_and_blocks

from refms.errors import InputError
from refms.objective.problem import JOINT, Block, TrainingProblem
from refms.objective.regularizers import Quadratic
from refms.optimize import BlockSteps, Newton, StopRules, descend
from refms.optimize.joint import JointProblem
from refms.optimize.variable_projection import SeparableProblem


def as_one_block(problem):
    """Return the problem with all its parameters in one block, as problems of images have it."""
    Q = [block.regularizer.Q for block in problem.blocks.values()]
    n = [q.shape[0] for q in Q]
    zero = np.zeros((n[0], n[1]))
    regularizer = Quadratic(type(Q[0])(np.block([[Q[0].toarray(), zero], [zero.T, Q[1].toarray()]])))
    return TrainingProblem({"net": Block(problem.whole, regularizer)}, problem.examples, problem.loss)


def test_a_joint_step_does_not_depend_on_the_partition():
    problem, blocks = problem_and_blocks()
    two = TrainingProblem(
        {name: Block(block.map, block.regularizer) for name, block in problem.blocks.items()},
        problem.examples,
        problem.loss,
    )
    one, x = as_one_block(problem), problem.join(blocks)
    ways = (
        (JointProblem(two), JOINT),
        (JointProblem(one), JOINT),
        (one, "net"),
    )
    found = [
        descend(p, {name: x}, (BlockSteps(name, Newton()),), stop=StopRules(3)).blocks[name]
        for p, name in ways
    ]
    assert np.array_equal(found[1], found[2])
    assert np.linalg.norm(found[0] - found[1]) < 1e-10 * np.linalg.norm(found[0] - x)


def test_the_joint_matrix_is_symmetric():
    problem, blocks = problem_and_blocks()
    x = problem.join(blocks)
    G = JointProblem(problem).block(JOINT, {JOINT: x}, 1).curvature(x).to_dense()
    assert np.abs(G - G.T).max() < 1e-14 * np.abs(G).max()


def test_variable_projection_needs_an_outer_and_an_inner_block():
    problem, blocks = problem_and_blocks()
    with pytest.raises(InputError, match=r"an outer and an inner block; found \['net'\]"):
        SeparableProblem(as_one_block(problem)).block(JOINT, {JOINT: problem.join(blocks)}, 1)
