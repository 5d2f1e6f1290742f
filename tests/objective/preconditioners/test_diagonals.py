"""Diagonals against those of the explicit matrices, by unit vectors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_nets import examples, images, untrained
from small_problems import dense

from refms.errors import InputError
from refms.linear.cg import conjugate_gradients
from refms.linear.probing import probed_diagonal
from refms.objective.preconditioners import ProbedDiagonal
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of, train

WEIGHTS = RegularizationSection(
    W_smoothness=1e-2, W_tikhonov=1e-3, theta_smoothness=3e-2, theta_tikhonov=1e-2
)
OPTIONS = OptimizationSection(iterations=1, hessian_fraction=1.0, dtype="float64")


def block(name, dtype="float64", options=None, size=4, **network):
    """Return a block after one iteration, its point, and the model."""
    start = untrained(size, dtype=dtype, **network)
    digits = examples(start, images(count=60))
    model = train(start, digits, WEIGHTS, dataclasses.replace(OPTIONS, dtype=dtype)).model
    problem = problem_of(model, digits, WEIGHTS, dataclasses.replace(OPTIONS, dtype=dtype, **(options or {})))
    return problem.block(name, model.blocks), model.blocks[name], model


def test_the_estimate_is_unbiased_and_exact_for_a_diagonal_matrix():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((6, 6))
    A = A @ A.T
    D = np.diag(np.diag(A))
    np.testing.assert_allclose(probed_diagonal(lambda v: D @ v, np.zeros(6), 1, 5), np.diag(A), rtol=1e-12)
    count = 4000
    found = probed_diagonal(lambda v: A @ v, np.zeros(6), count, 1)
    spread = np.sqrt(((A - D) ** 2).sum(axis=1) / count)
    assert (np.abs(found - np.diag(A)) < 5 * spread).all()
    assert (np.abs(found - np.diag(A)) > 0.001 * spread).any()


def test_the_estimate_needs_a_probe():
    with pytest.raises(InputError, match="probes"):
        probed_diagonal(lambda v: v, np.zeros(2), 0, 0)


@pytest.mark.parametrize(
    ("memory", "classifier"),
    [
        (2**30, {}),
        (10**5, {}),
        (10**5, {"pooling": 2}),
        (2**30, {"loss": "least-squares"}),
        (10**5, {"loss": "logistic"}),
        (2**30, {"loss": "smooth-hinge", "pooling": 0}),
    ],
)
def test_the_classifiers_diagonal_is_that_of_its_hessian(memory, classifier):
    options = {"classifier_preconditioner": "diagonal", "memory": memory}
    risk, x, _ = block("classifier", options=options, **classifier)
    H = dense(risk.curvature(x), x.size)
    r = np.random.default_rng(1).standard_normal(x.size)
    work = risk.work_units
    solve = risk.preconditioner(x, None)
    np.testing.assert_allclose(solve(r), r / np.diag(H), rtol=1e-9)
    assert risk.work_units == pytest.approx(work + risk.unit * risk.total)


def test_a_diagonal_with_a_zero_has_no_inverse():
    """Features that are zero have no curvature, nor has W without a regulariser."""
    risk, x, _ = block("classifier", options={"classifier_preconditioner": "diagonal"})
    Q = dataclasses.replace(risk.regularizer, Q=0 * risk.regularizer.Q)
    inputs = risk.examples.inputs.copy()
    inputs[0] = 0
    flat = dataclasses.replace(risk, regularizer=Q)
    assert flat.preconditioner(x, None) is not None
    zero = dataclasses.replace(flat, examples=dataclasses.replace(risk.examples, inputs=inputs))
    assert zero.preconditioner(x, None) is None


def test_the_probed_diagonal_is_the_mean_over_signs_raised_where_small():
    risk, x, _ = block("propagation", options={"propagation_preconditioner": "diagonal"})
    G = dense(risk.curvature(x), x.size)
    r = np.random.default_rng(2).standard_normal(x.size)
    found = r / risk.preconditioner(x, lambda v: G @ v)(r)
    signs = np.random.default_rng(0)
    draws = [signs.choice([-1.0, 1.0], x.size) for _ in range(8)]
    expected = np.mean([v * (G @ v) for v in draws], axis=0)
    raised = np.maximum(expected, 0.1 * expected.mean())
    assert (raised > expected).any()
    np.testing.assert_allclose(found, raised, rtol=1e-9)


@pytest.mark.parametrize("opening", ["fixed", "learned"])
def test_the_inverse_in_time_is_the_inverse_of_the_regulariser_and_mean_curvatures(opening):
    options = {"propagation_preconditioner": "time"}
    risk, x, model = block("propagation", options=options, opening=opening, layers=3)
    G, Q = dense(risk.curvature(x), x.size), risk.regularizer.Q.toarray()
    assert np.linalg.norm(Q - np.diag(np.diag(Q))) > 0
    signs = np.random.default_rng(0).choice([-1.0, 1.0], x.size)
    leading, c = x.size - model.architecture.propagation.layout.size, model.architecture.channels
    in_layers = np.arange(leading, x.size).reshape(3, -1)
    kinds = [np.arange(leading), in_layers[:, :-c].reshape(-1), in_layers[:, -c:].reshape(-1)]
    shift = np.empty(x.size)
    for kind in kinds[opening == "fixed" :]:
        v = np.zeros(x.size)
        v[kind] = signs[kind]
        shift[kind] = v @ (G - Q) @ v / kind.size
    M = Q + np.diag(shift)
    r = np.random.default_rng(3).standard_normal(x.size)
    found = risk.preconditioner(x, lambda v: G @ v)(r)
    np.testing.assert_allclose(M @ found, r, atol=1e-9 * np.abs(r).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "choice"),
    [("propagation", "time"), ("propagation", "diagonal"), ("classifier", "diagonal")],
)
def test_conjugate_gradients_come_to_a_solution_in_the_same_precision(name, choice, dtype):
    risk, x, _ = block(name, dtype, {f"{name}_preconditioner": choice})
    curvature = risk.curvature(x)
    b = curvature(np.random.default_rng(4).standard_normal(x.size).astype(dtype))
    M = risk.preconditioner(x, curvature)
    found = conjugate_gradients(curvature, b, tolerance=1e-3, max_iterations=2000, preconditioner=M)
    assert found.outcome.success
    assert found.x.dtype == M(b).dtype == dtype
    assert np.linalg.norm(curvature(found.x) - b) <= 2e-3 * np.linalg.norm(b)


@pytest.mark.parametrize("choice", ["time", "diagonal"])
def test_without_curvature_there_is_no_preconditioner(choice):
    risk, x, _ = block("propagation", options={"propagation_preconditioner": choice})
    assert risk.preconditioner(x, lambda v: 0 * v) is None
    assert ProbedDiagonal()(risk, x, lambda v: -v) is None
