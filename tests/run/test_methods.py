"""Methods behind one interface: the two blocks in, the two blocks out, and each with its own curvature."""

from dataclasses import replace

import numpy as np
import pytest
from small_problems import problem_and_blocks

from refms.errors import InputError
from refms.names import METHODS
from refms.objective.problem import JOINT
from refms.optimize import StopRules
from refms.run.config import OptimizationSection
from refms.run.methods import METHOD_TABLE, runner_of

SHARED = OptimizationSection(dtype="float64", hessian_fraction=1.0)


def run(name, iterations=2, options=None, shared=SHARED, **made):
    problem, blocks = problem_and_blocks(**made)
    seen = []

    def monitor(iteration, found, rows):
        seen.append({key: np.array(part) for key, part in found.items()})

    chosen = METHOD_TABLE[name][0](**(options or {}))
    result = runner_of(name, chosen, shared)(problem, blocks, StopRules(iterations), monitor)
    return problem, blocks, result, seen


@pytest.mark.parametrize("name", METHODS)
def test_both_blocks_go_in_are_seen_by_the_monitor_and_come_out(name):
    _, blocks, result, seen = run(name)
    assert len(seen) == 2
    for found in (*seen, result.blocks):
        assert {key: part.shape for key, part in found.items()} == {
            key: part.shape for key, part in blocks.items()
        }
    assert all(np.array_equal(seen[-1][key], result.blocks[key]) for key in blocks)
    assert not np.array_equal(seen[0]["propagation"], blocks["propagation"])


@pytest.mark.parametrize(
    ("name", "options", "second_order"),
    [
        ("joint", {}, False),
        ("levenberg-marquardt", {}, False),
        ("newton-cg", {}, True),
        ("trust-region", {}, True),
        ("trust-region", {"second_order": False}, False),
    ],
)
def test_the_model_of_a_step_has_the_methods_own_curvature(name, options, second_order):
    problem, blocks, result, _ = run(name, 1, options)
    start, s = problem.join(blocks), problem.join(result.blocks) - problem.join(blocks)
    risk = replace(problem, second_order=second_order).block(JOINT, blocks, 1)
    _, gradient = risk.value_and_gradient(start)
    predicted = -(gradient @ s + 0.5 * s @ risk.curvature(start)(s))
    told = result.history.rows[0].extra["predicted_decrease"]
    assert told == pytest.approx(predicted, rel=1e-9)
    other = replace(problem, second_order=not second_order).block(JOINT, blocks, 1).curvature(start)
    assert told != pytest.approx(-(gradient @ s + 0.5 * s @ other(s)), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "extra", "value"),
    [
        ("levenberg-marquardt", {"damping": 7.0}, "damping", 7.0),
        ("trust-region", {"radius": 0.125}, "radius", 0.125),
        ("sgd", {"learning_rate": 0.03, "schedule": "constant", "batch": 3}, "updates", 4.0),
        ("adam", {"learning_rate": 0.03, "schedule": "constant"}, "learning_rate", 0.03),
    ],
)
def test_options_arrive(name, options, extra, value):
    _, _, result, _ = run(name, 1, options)
    assert result.history.rows[0].extra[extra] == value


@pytest.mark.parametrize("name", ["joint", "varpro", "newton-cg", "trust-region", "levenberg-marquardt"])
def test_the_shared_options_bound_conjugate_gradients(name):
    _, _, result, _ = run(name, 1, shared=replace(SHARED, propagation_cg_iterations=3, cg_tolerance=1e-6))
    assert result.history.rows[0].cg_iterations <= 3


def test_max_step_bounds_a_joint_step():
    problem, blocks, result, _ = run("joint", 1, {"max_step": 1e-3})
    moved = problem.join(result.blocks) - problem.join(blocks)
    assert np.abs(moved).max() == pytest.approx(1e-3, rel=1e-6)


def test_the_parts_of_a_joint_vector_are_the_blocks():
    problem, blocks = problem_and_blocks()
    parts = problem.split(problem.join(blocks))
    assert all(np.array_equal(parts[name], blocks[name]) for name in blocks)


def test_unknown_methods_are_refused():
    with pytest.raises(InputError, match="Did you mean 'adam'"):
        runner_of("adm", None, SHARED)
