"""The classifier's block as a Kronecker product: exact where it must be, and its inverse an inverse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_nets import examples, images, untrained
from small_problems import dense

from refms.errors import InputError
from refms.linear.cg import conjugate_gradients
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of, train

WEIGHTS = RegularizationSection(W_smoothness=1e-2, W_tikhonov=1e-3)
OPTIONS = OptimizationSection(iterations=1, dtype="float64", classifier_preconditioner="block")


def block(iterations, dtype="float64", weights=WEIGHTS, **options):
    """Return the classifier block, untrained (W = 0) or trained, and its point."""
    start = untrained(4, dtype=dtype)
    digits = examples(start, images(count=60))
    chosen = dataclasses.replace(OPTIONS, dtype=dtype, **options)
    model = train(start, digits, weights, chosen).model if iterations else start
    return problem_of(model, digits, weights, chosen).block("classifier", model.blocks), model.blocks[
        "classifier"
    ]


@pytest.mark.parametrize("memory", [2**30, 10**6])
def test_it_inverts_the_hessian_exactly_where_all_examples_curve_alike(memory):
    risk, x = block(0, memory=memory)
    assert not x.any()
    v = np.random.default_rng(0).standard_normal(x.size)
    v[-10:] -= v[-10:].mean()  # all logits alike have no curvature
    by_class = v[:-10].reshape(-1, 10)
    v[:-10] = (by_class - by_class.mean(axis=1, keepdims=True)).reshape(-1)
    H = risk.curvature(x)
    np.testing.assert_allclose(risk.preconditioner(x, H)(H(v)), v, rtol=1e-7, atol=1e-9 * np.abs(v).max())


def test_elsewhere_it_is_the_inverse_of_the_product_of_means_and_the_regulariser():
    risk, x = block(1)
    M = np.linalg.inv(dense(risk.preconditioner(x, None), x.size))
    np.testing.assert_allclose(M, M.T, atol=1e-9 * np.abs(M).max())
    assert np.linalg.eigvalsh((M + M.T) / 2).min() > 0
    Y, volume = risk.examples.inputs, 1 / 16
    Z = risk.map.apply(x, Y)
    P = np.exp(Z - Z.max(axis=0))
    P /= P.sum(axis=0)
    A = np.mean([np.diag(p) - np.outer(p, p) for p in P.T], axis=0)
    ones = np.concatenate([volume * Y, np.ones((1, Y.shape[1]))])
    expected = np.kron(ones @ ones.T / Y.shape[1], A) + risk.regularizer.Q.toarray()
    alike = np.kron(np.eye(ones.shape[0])[-1], np.ones(10)) / np.sqrt(10)  # left as it is
    expected += np.outer(alike, alike)
    np.testing.assert_allclose(M, expected, atol=1e-7 * np.abs(M).max())


def test_conjugate_gradients_need_fewer_iterations_with_it():
    risk, x = block(1)
    H, g = risk.curvature(x), risk.value_and_gradient(x)[1]

    def iterations(M):
        return conjugate_gradients(H, -g, tolerance=1e-4, max_iterations=400, preconditioner=M).iterations

    assert iterations(risk.preconditioner(x, H)) < 0.5 * iterations(None)


def test_single_precision_stays_single():
    risk, x = block(1, dtype="float32")
    assert risk.preconditioner(x, None)(x).dtype == "float32"


def test_a_singular_regulariser_gives_none():
    risk, x = block(1, weights=RegularizationSection(W_smoothness=0.0, W_tikhonov=0.0))
    assert risk.preconditioner(x, None) is None


def test_too_little_memory_is_said():
    risk, x = block(0)
    with pytest.raises(InputError, match=r"features but the memory budget is 1000; take 'diagonal'"):
        dataclasses.replace(risk, memory=1000).preconditioner(x, None)
