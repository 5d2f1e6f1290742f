"""Preconditioners against dense inverses, and what they save."""

import dataclasses
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_nets import examples, images, untrained
from small_problems import dense

from refms.errors import InputError
from refms.linear.cg import conjugate_gradients
from refms.objective.preconditioners.smoothness import smoothness_inverse
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of, train

WEIGHTS = RegularizationSection(W_smoothness=1e-2, W_tikhonov=1e-3)
OPTIONS = OptimizationSection(iterations=1, dtype="float64")


@settings(max_examples=30)
@given(
    extents=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    outer=st.integers(1, 3),
    inner=st.integers(1, 3),
    seed=st.integers(0, 2**31),
)
def test_the_smoothness_inverse_is_the_inverse_of_the_explicit_matrix(extents, outer, inner, seed):
    rng = np.random.default_rng(seed)
    stiffness, shift = tuple(rng.uniform(0, 3, len(extents))), float(rng.uniform(0.1, 2))
    A = shift * np.eye(int(np.prod(extents)))
    for axis, extent in enumerate(extents):
        D = np.diff(np.eye(extent), axis=0)
        parts = [D.T @ D if a == axis else np.eye(n) for a, n in enumerate(extents)]
        A += stiffness[axis] * reduce(np.kron, parts)
    A = np.kron(np.kron(np.eye(outer), A), np.eye(inner))
    r = rng.standard_normal(len(A))
    solve = smoothness_inverse(tuple(extents), outer, inner, stiffness, shift, r)
    assert np.abs(A @ solve(r) - r).max() <= 1e-12 * np.abs(r).max() * np.linalg.cond(A)


def classifier_block(dtype="float64", classifier=None, **options):
    start = untrained(8, dtype=dtype, **(classifier or {}))
    digits = examples(start, images(count=100))
    model = train(start, digits, WEIGHTS, dataclasses.replace(OPTIONS, dtype=dtype)).model
    problem = problem_of(model, digits, WEIGHTS, dataclasses.replace(OPTIONS, dtype=dtype, **options))
    blocks = model.blocks
    return problem.block("classifier", blocks), blocks["classifier"], model.classifier


@pytest.mark.parametrize(
    "options",
    [{}, {"pooling": 2}, *({"loss": name} for name in ("least-squares", "logistic", "smooth-hinge"))],
    ids=str,
)
def test_the_classifiers_preconditioner_is_the_regulariser_and_the_mean_diagonal(options):
    """Against the formula on dense matrices, the Hessian's diagonal found by unit vectors."""
    risk, x, classifier = classifier_block(classifier=options)
    split, p = classifier.rows_in * classifier.classes, x.size
    Q = risk.regularizer.Q.toarray()
    diagonal = np.diag(dense(risk.curvature(x), p) - Q)
    means = diagonal[:split].mean(), diagonal[split:].mean()
    M = Q + np.diag(np.repeat(means, (split, p - split)))
    r = np.random.default_rng(0).standard_normal(p)
    solve = risk.preconditioner(x, risk.curvature(x))
    np.testing.assert_allclose(M @ solve(r), r, atol=1e-9 * np.abs(r).max())
    s = np.random.default_rng(1).standard_normal(p)
    assert s @ solve(r) == pytest.approx(r @ solve(s), rel=1e-10)
    assert r @ solve(r) > 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_saves_iterations_and_keeps_the_dtype(dtype):
    risk, x, _ = classifier_block(dtype)
    g, curvature = risk.value_and_gradient(x)[1], risk.curvature(x)
    plain, helped = (
        conjugate_gradients(curvature, -g, tolerance=1e-2, max_iterations=400, preconditioner=M)
        for M in (None, risk.preconditioner(x, risk.curvature(x)))
    )
    assert helped.x.dtype == dtype
    assert helped.iterations < 0.4 * plain.iterations  # below 1e-2, rounding decides in single precision
    few = [
        conjugate_gradients(curvature, -g, tolerance=0, max_iterations=8, preconditioner=M).model_values[-1]
        for M in (None, risk.preconditioner(x, risk.curvature(x)))
    ]
    assert few[1] < few[0]


def test_it_is_the_same_where_the_features_are_not_kept():
    roomy, x, classifier = classifier_block()
    short, same, _ = classifier_block(memory=100 * classifier.rows_in * 8)
    np.testing.assert_array_equal(same, x)
    assert short.map.rows_in != roomy.map.rows_in
    r = np.random.default_rng(2).standard_normal(x.size)
    np.testing.assert_allclose(short.preconditioner(x, None)(r), roomy.preconditioner(x, None)(r), rtol=1e-10)


def test_refuses_a_shift_that_leaves_the_matrix_singular():
    with pytest.raises(InputError, match="shift of a preconditioner is 0"):
        smoothness_inverse((3,), 1, 1, (1.0,), 0.0, np.zeros(3))
