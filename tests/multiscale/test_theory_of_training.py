"""Variances of estimates, and Theorem 1 of [MST] with its assumption measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mathematics.hot_start import (
    Covariances,
    sampled_covariances,
    sampled_errors,
    starts,
    steps_needed,
    white_covariances,
)
from mathematics.pixels import Fields, gradient, order, smooth_problem
from mathematics.sampling import (
    level_variances,
    means,
    multiscale_estimates,
    sample_gradients,
    total_variance,
)

from refms.grid import Grid

MEAN = "averaging-constant"
STENCILS = np.array([[0.2, 0.5, -0.1]])
GRID, BATCHES = Grid((32,)), (2, 4, 8)


@pytest.fixture(scope="module")
def samples():
    return sample_gradients(np.random.default_rng(0), STENCILS, GRID, 3, 2**15, MEAN)


def test_the_variance_of_a_mean_of_n_gradients_falls_with_n(samples):
    values = [total_variance(means(samples[0], 2**k)) for k in range(7)]
    assert abs(order(np.array(values)) + 1) < 0.05


def test_the_variance_of_the_multiscale_estimate_is_the_sum_of_v_over_n(samples):
    """And its mean that of the fine gradients, in their standard errors: false alarm below 1e-6."""
    estimates = multiscale_estimates(np.random.default_rng(1), STENCILS, GRID, BATCHES, 4000, MEAN)
    predicted = sum(V / N for V, N in zip(level_variances(samples), BATCHES, strict=True))
    assert total_variance(estimates) == pytest.approx(predicted, rel=0.12)
    error = np.sqrt(estimates.var(axis=1) / 4000 + samples[0].var(axis=1) / 2**15)
    assert (abs(estimates.mean(axis=1) - samples[0].mean(axis=1)) / error).max() < 5.3


def test_meshes_that_share_no_noise_save_nothing(samples):
    apart = np.stack([samples[0], np.roll(samples[1], 1, axis=1)])
    shared, lost = level_variances(samples[:2])[0], level_variances(apart)[0]
    assert lost == pytest.approx(total_variance(samples[0]) + total_variance(samples[1]), rel=0.05)
    assert shared < 0.2 * lost


def test_the_normal_equations_have_the_minimiser_of_the_loss():
    fields = smooth_problem(np.random.default_rng(0), Grid((16,)), 5, noise=0.5)
    N, b = sampled_covariances(fields).normal_equations(0.0)
    minimum = np.linalg.solve(N, b)
    assert np.linalg.norm(gradient(minimum[None], fields)) < 1e-13
    other = minimum + np.array([0.1, -0.2, 0.3])
    np.testing.assert_allclose(gradient(other[None], fields), N @ other - b, atol=1e-13)
    ridge, same = sampled_covariances(fields).normal_equations(0.25)
    np.testing.assert_allclose(ridge - N, 0.25 * np.eye(3), atol=1e-15)
    np.testing.assert_array_equal(same, b)


def test_white_covariances_are_those_of_samples():
    grid, m = Grid((8,)), 200_000
    exact = white_covariances(grid, 0.2)
    u = np.random.default_rng(0).standard_normal((8, m))
    found = sampled_covariances(Fields(grid, u, exact.uy.T @ u)).coarsened(MEAN)
    expected = exact.coarsened(MEAN)
    np.testing.assert_allclose(found.uu, expected.uu, atol=0.01)
    np.testing.assert_allclose(found.uy, expected.uy, atol=0.015)


def test_the_minimiser_of_white_noise_is_the_identity_and_the_entries_of_the_gaussian():
    n, width = 1024, 0.05
    minimum = np.linalg.solve(*white_covariances(Grid((n,)), width).normal_equations(0.0))
    density = 1 / (np.sqrt(2 * np.pi) * width * n)
    np.testing.assert_allclose(minimum, [density, 1 + density, density], rtol=1e-3)


RANDOM = np.array([1.0, -1.0, 0.5])


def ridge_covariances() -> tuple[Covariances, float]:
    """Smooth data with α = 0.1."""
    return sampled_covariances(smooth_problem(np.random.default_rng(0), Grid((1024,)), 8)), 0.1


@pytest.mark.parametrize("data", ["white", "ridge"])
def test_minimisers_approach_each_other_and_hot_starts_need_half_the_steps_a_level(data):
    covariances, alpha = (
        (white_covariances(Grid((1024,)), 0.05), 0.0) if data == "white" else ridge_covariances()
    )
    rows = starts(covariances, MEAN, 5, alpha, 1e-3, RANDOM)
    assert abs(order(np.array([row.distance for row in rows[:3]])) - 1) < 0.1
    assert rows[0].hot < 0.6 * rows[1].hot
    assert rows[1].hot < 0.65 * rows[2].hot
    assert rows[0].hot < 0.15 * rows[0].cold
    assert rows[0].cold > 0.9 * rows[1].cold


def test_without_noise_and_regulariser_minimisers_move_apart():
    """Taps become collinear: θ* solves for derivatives of u, as 1/h²."""
    covariances, _ = ridge_covariances()
    rows = starts(replace(covariances), MEAN, 5, 0.0, 1e-3, RANDOM)
    assert order(np.array([row.distance for row in rows])) < -1.5


@pytest.mark.parametrize("start", [0.0, 0.02, 3.0])
def test_steps_are_those_of_the_iteration(start):
    N, b = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([1.0, 0.0])
    theta, minimum = np.linalg.solve(N, b) + start, np.linalg.solve(N, b)
    mu, k = np.linalg.eigvalsh(N)[0], 0
    while np.linalg.norm(theta - minimum) > 1e-2:
        theta = theta - (N @ theta - b) / (mu * (k + 11))
        k += 1
    assert steps_needed(N, b, minimum + start, 1e-2) == k


def test_the_error_falls_as_one_over_k():
    """κ/(k + κ) exactly where N is a multiple of I."""
    needed = steps_needed(np.eye(3), np.ones(3), np.ones(3) + np.array([1.0, 0.0, 0.0]), 1e-2)
    assert abs(needed - 10 * (100 - 1)) <= 1


def test_sampled_gradients_add_a_variance_that_no_start_removes():
    covariances, steps = white_covariances(Grid((64,)), 0.05), 400
    minimum = np.linalg.solve(*covariances.normal_equations(0.0))
    own, near, far = (
        sampled_errors(np.random.default_rng(0), covariances, minimum + distance * RANDOM, steps, 512)
        for distance in (0.0, 0.05, 5.0)
    )
    shares = 10 / (np.arange(steps + 1) + 10)  # κ/(k + κ), as N = I
    np.testing.assert_allclose(far[10:], 5.0 * 1.5 * shares[10:], rtol=0.1)
    np.testing.assert_allclose(near, np.hypot(own, 0.05 * 1.5 * shares), rtol=0.1)
    k = np.array([100, 400])  # the variance is Σ_j η_j² Π_{i > j} (1 − η_i)² = k/(k + κ)² of one gradient's
    assert own[100] / own[400] == pytest.approx(np.divide(*(np.sqrt(k) / (k + 10))), rel=0.15)
    assert near[400] > 1.3 * 0.05 * 1.5 * shares[400]
