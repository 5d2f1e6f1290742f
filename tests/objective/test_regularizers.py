"""Regularisers: quadratic, with the right null spaces, independent of mesh and depth (properties R1-R4)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.layers.convolution import convolution_layer
from refms.maps.time.steps import TimeSteps
from refms.multiscale.depth import prolong_in_time
from refms.objective.classifier import Classifier
from refms.objective.regularizers import classifier_regularizer, time_regularizer
from refms.stencils.convolution import Convolution

LAYER = convolution_layer(Convolution(Grid((4,)), 1, 1, (3,)), TANH)
seeds = st.integers(0, 2**31)


@settings(max_examples=20)
@given(seed=seeds, d=st.integers(1, 3))
def test_spatial_smoothness_is_the_sum_over_interior_faces(seed, d):
    grid = Grid((3, 4, 2)[:d])
    classifier = Classifier(grid, 2, 3)
    rng = np.random.default_rng(seed)
    W, mu = rng.standard_normal((classifier.rows_in, 3)), rng.standard_normal(3)
    alpha, tau = 0.7, 0.3
    R = classifier_regularizer(classifier, alpha, tau)
    field = W.reshape(2, *grid.shape, 3)
    expected = tau / 2 * grid.cell_volume * np.sum(W**2)
    for axis, h in enumerate(grid.spacing):
        expected += alpha / 2 * grid.cell_volume * np.sum((np.diff(field, axis=axis + 1) / h) ** 2)
    x = np.concatenate([W.ravel(), mu])
    assert R.value(x) == pytest.approx(expected, rel=1e-13)
    assert x @ R.gradient(x) == pytest.approx(2 * R.value(x), rel=1e-13)


@settings(max_examples=20)
@given(seed=seeds, N=st.integers(1, 5), leading=st.integers(0, 3))
def test_smoothness_in_time_is_the_sum_over_steps(seed, N, leading):
    steps = TimeSteps(LAYER, N, 1.5)
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal(leading + steps.layout.size)
    rows, dt = theta[leading:].reshape(N, -1), steps.time_step
    alpha, tau = 0.7, 0.3
    expected = alpha / 2 * sum(dt * np.sum((b - a) ** 2) / dt**2 for a, b in pairwise(rows))
    expected += tau / 2 * (dt * np.sum(rows**2) + np.sum(theta[:leading] ** 2))
    R = time_regularizer(steps, alpha, tau, leading)
    assert R.value(theta) == pytest.approx(expected, rel=1e-13)
    assert theta @ R.gradient(theta) == pytest.approx(2 * R.value(theta), rel=1e-13)


def test_null_spaces_hold_constants_and_nothing_else():
    classifier = Classifier(Grid((3, 4)), 1, 2)
    eigenvalues = np.linalg.eigvalsh(classifier_regularizer(classifier, 1.0).Q.toarray())
    assert np.sum(np.abs(eigenvalues) < 1e-12) == 2 + 2  # a constant for each class, and μ
    in_time = np.linalg.eigvalsh(time_regularizer(TimeSteps(LAYER, 4, 1.0), 1.0).Q.toarray())
    assert np.sum(np.abs(in_time) < 1e-12) == LAYER.layout.size  # parameters constant in time


def test_eigenvalues_in_space_are_those_of_the_neumann_problem():
    n = 8
    Q = classifier_regularizer(Classifier(Grid((n,)), 1, 2), 1.0).Q.toarray()[: 2 * n : 2, : 2 * n : 2]
    expected = (2 - 2 * np.cos(np.pi * np.arange(n) / n)) * n**2 / n
    assert np.sort(np.linalg.eigvalsh(Q)) == pytest.approx(expected, abs=1e-10)


def test_the_weight_in_space_does_not_depend_on_the_mesh():
    values = []
    for n in (32, 64, 128):
        grid = Grid((n, n))
        x, y = np.meshgrid(grid.centres(0), grid.centres(1), indexing="ij")
        w = np.sin(np.pi * x) * y**2
        W = np.stack([w.ravel(), np.zeros(grid.cells)], axis=1)
        classifier = Classifier(grid, 1, 2)
        R = classifier_regularizer(classifier, 1.0, 1.0)
        values.append(R.value(np.concatenate([W.ravel(), np.zeros(2)])))
    exact = 0.5 * (np.pi**2 / 2 / 5 + 0.5 * 4 / 3 + 0.5 / 5)  # ½∫|∇w|² + ½∫w²
    errors = np.abs(np.array(values) - exact)
    assert errors[-1] / exact < 0.02  # one-sided differences at the wall: order one
    assert np.all(errors[:-1] / errors[1:] > 1.8)


@settings(max_examples=20)
@given(seed=seeds, N=st.integers(2, 5))
def test_the_weight_in_time_does_not_depend_on_the_depth(seed, N):
    Theta = np.random.default_rng(seed).standard_normal((N, LAYER.layout.size))
    deeper = prolong_in_time(Theta, 2 * N)
    coarse, fine = TimeSteps(LAYER, N, 1.5), TimeSteps(LAYER, 2 * N, 1.5)
    a = time_regularizer(coarse, 1.0).value(Theta.ravel())
    assert time_regularizer(fine, 1.0).value(deeper.ravel()) == pytest.approx(a, rel=1e-12)


def test_complex_steps_give_the_gradient():
    rng = np.random.default_rng(1)
    R = classifier_regularizer(Classifier(Grid((4,)), 1, 2), 0.7, 0.3)
    x, v = rng.standard_normal((2, 10))
    real, stepped = R.value(x), R.value(x + 1e-30j * v)
    assert (type(real), type(stepped)) == (float, complex)
    assert stepped.imag / 1e-30 == pytest.approx(v @ R.gradient(x), rel=1e-13)


def test_without_time_only_the_leading_parameters_are_penalised():
    R = time_regularizer(TimeSteps(LAYER, 3, 0.0), 1.0, 0.5, leading=2)
    expected = np.diag([0.5, 0.5, *[0.0] * (3 * LAYER.layout.size)])
    np.testing.assert_array_equal(R.Q.toarray(), expected)


def test_only_numbers_that_act_are_stored():
    classifier, steps = Classifier(Grid((2, 3)), 2, 2), TimeSteps(LAYER, 3, 1.0)
    assert classifier_regularizer(classifier, 0.0).Q.nnz == time_regularizer(steps, 0.0).Q.nnz == 0
    assert classifier_regularizer(classifier, 0.0, 1.0).Q.nnz == 2 * 6 * 2  # the diagonal, μ apart
    assert time_regularizer(steps, 0.0, 1.0, leading=4).Q.nnz == 4 + 3 * LAYER.layout.size
    assert time_regularizer(steps, 0.0, 0.0, leading=4).Q.nnz == 0
    assert classifier_regularizer(classifier, 1.0).Q.format == "csr"
    assert time_regularizer(steps, 1.0).Q.format == "csr"
