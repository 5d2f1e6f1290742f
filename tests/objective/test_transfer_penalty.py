"""The transfer penalty: prolonged stencils and their symbols, term by term and on dense matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_nets import examples, images, untrained
from small_problems import dense

from refms.grid import Grid
from refms.maps.architectures.architecture import free_arrays
from refms.maps.architectures.residual import Residual
from refms.objective.transfer_penalty import stencil_penalty, transfer_regularizer
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of
from refms.stencils.galerkin import prolong_stencil, restrict_stencil
from refms.stencils.symbol import symbol
from refms.stencils.transfer import TRANSFER_PAIRS, transfer_pair

CLOSED = [(pair.name, size) for pair in TRANSFER_PAIRS for size in pair.closed_sizes]
seeds = st.integers(0, 2**31)
names = st.sampled_from(["averaging-bilinear", "averaging-constant"])


def drawn(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


@settings(max_examples=30)
@given(case=st.sampled_from(CLOSED), d=st.integers(1, 3), seed=seeds)
def test_the_norm_is_that_of_the_prolonged_stencil(case, d, seed):
    name, size = case
    shape = (min(size, 3 if d == 3 else 5),) * d
    if shape[0] not in transfer_pair(name).closed_sizes:
        return
    s = drawn(seed, *shape)
    expected = np.sum(prolong_stencil(s, transfer_pair(name), d=d) ** 2)
    assert s.ravel() @ stencil_penalty(shape, name, "norm") @ s.ravel() == pytest.approx(expected, rel=1e-11)


@settings(max_examples=20)
@given(n=st.integers(3, 9), seed=seeds, name=names)
def test_by_parseval_it_is_the_mean_square_of_the_fine_symbol(n, seed, name):
    """On any grid with at least as many cells as the stencil; the symbol is computed by another route."""
    s = drawn(seed, 3, 3)
    fine = prolong_stencil(s, transfer_pair(name), d=2)
    mean = np.mean(np.abs(symbol(fine[None, None], Grid((n, n + 1)))) ** 2)
    assert s.ravel() @ stencil_penalty((3, 3), name, "norm") @ s.ravel() == pytest.approx(mean, rel=1e-11)


def test_the_laplacian_of_example_1s_pair_costs_what_its_fine_form_costs():
    M = stencil_penalty((3,), "averaging-bilinear", "norm")
    coarse = np.array([0.25, -0.5, 0.25])  # of (1, -2, 1)
    assert coarse @ M @ coarse == pytest.approx(6.0, rel=1e-12)


@pytest.mark.parametrize("kind", ["consistency", "norm"])
@pytest.mark.parametrize(("name", "size"), CLOSED)
def test_it_is_symmetric_and_positive_semidefinite(name, size, kind):
    M = stencil_penalty((size,), name, kind)
    np.testing.assert_allclose(M, M.T, rtol=0, atol=1e-12 * np.abs(M).max())
    assert np.linalg.eigvalsh(M).min() >= -1e-12 * np.abs(M).max()


@settings(max_examples=20)
@given(seed=seeds, sigma=st.sampled_from([0.0, 0.5, 1.0, 2.5]), name=names)
def test_consistency_is_the_gap_of_the_symbols_where_smoothed_images_live(seed, sigma, name):
    """By quadrature over the frequencies of a grid, where λ_H(2ω) stands at twice the index."""
    n, fine = 64, drawn(seed, 3, 3)
    coarse = restrict_stencil(fine, transfer_pair(name), d=2)
    on_fine, on_coarse = (symbol(s[None, None], Grid((n, n)))[..., 0, 0] for s in (fine, coarse))
    doubled = 2 * np.arange(n) % n
    gap = np.abs(on_fine - on_coarse[np.ix_(doubled, doubled)]) ** 2
    # symbols are periodic, the weight not
    omega = 2 * np.pi * (np.fft.fftfreq(n)[:, None] + np.arange(-9, 10))
    w = np.exp(-((sigma * omega) ** 2)).sum(axis=1)
    expected = (w[:, None] * w * gap).sum() / w.sum() ** 2
    for s, to in ((coarse, "finer"), (fine, "coarser")):
        M = stencil_penalty((3, 3), name, "consistency", to, sigma)
        assert s.ravel() @ M @ s.ravel() == pytest.approx(expected, rel=1e-9), to


@pytest.mark.parametrize(("name", "order"), [("averaging-bilinear", 4), ("averaging-constant", 2)])
def test_smooth_images_see_the_gap_of_a_laplacian_at_the_order_of_the_pair(name, order):
    """λ_h(ω) − λ_H(2ω) = O(ω^q), so its mean square is O(σ^{-2q})."""
    coarse = restrict_stencil(np.array([1.0, -2.0, 1.0]), transfer_pair(name), d=1)
    matrices = [stencil_penalty((3,), name, "consistency", "finer", sigma) for sigma in (8.0, 16.0)]
    costs = [coarse @ M @ coarse for M in matrices]
    assert np.log2(costs[0] / costs[1]) == pytest.approx(2 * order, abs=0.1)


@settings(max_examples=20)
@given(seed=seeds, N=st.integers(1, 3), opening=st.sampled_from(["fixed", "learned"]))
def test_it_is_the_sum_over_layers_and_channels_and_leaves_the_rest_free(seed, N, opening):
    network = Residual(Grid((4, 4)), 2, layers=N, final_time=1.5, opening=opening, opening_shape=(3, 3))
    rng = np.random.default_rng(seed)
    arrays = {name: rng.standard_normal(shape) for name, shape in network.arrays.shapes.items()}
    theta, beta, pair = free_arrays(network).pack(arrays), 0.7, "averaging-bilinear"
    fine = prolong_stencil(arrays["stencils"], transfer_pair(pair), d=2)
    expected = beta / 2 * 1.5 / N * np.sum(fine**2)
    R = transfer_regularizer(network, beta, pair, "norm")
    assert R.value(theta) == pytest.approx(expected, rel=1e-11)
    assert theta @ R.gradient(theta) == pytest.approx(2 * R.value(theta), rel=1e-11)


def test_it_is_tikhonovs_term_in_fine_coordinates():
    """R(s) for s = A s_h is β/2 δt ‖s_h‖², and its Hessian in the unknowns s_h is β δt I."""
    network = Residual(Grid((4, 4)), 1, layers=1, final_time=0.5)
    pair = transfer_pair("averaging-constant")
    A = np.stack([restrict_stencil(e.reshape(3, 3), pair, d=2).ravel() for e in np.eye(9)], axis=1)
    Q = transfer_regularizer(network, 0.8, pair, "norm").Q.toarray()
    np.testing.assert_allclose(A.T @ Q[:9, :9] @ A, 0.8 * 0.5 * np.eye(9), rtol=0, atol=1e-12)
    assert not Q[9:].any()


def regularizer(start, **weights):
    digits, options = examples(start, images(count=20)), OptimizationSection(dtype="float64")
    problem = problem_of(start, digits, RegularizationSection(**weights), options)
    return problem.blocks["propagation"].regularizer


def test_the_problem_adds_it_to_the_other_terms():
    start = untrained(4)
    options = {"theta_transfer": 0.3, "transfer_pair": "averaging-constant", "transfer_penalty": "norm"}
    plain, found = regularizer(start), regularizer(start, **options)
    added = transfer_regularizer(start.architecture, 0.3, "averaging-constant", "norm")
    theta = start.blocks["propagation"]
    assert found.value(theta) == pytest.approx(plain.value(theta) + added.value(theta), rel=1e-12)


@pytest.mark.parametrize(
    ("size", "levels", "to", "cells"),
    [(4, 1, "finer", 1.5), (8, 0, "finer", 3.0), (8, 0, "coarser", 1.5), (4, 1, "coarser", 0.75)],
)
def test_consistency_takes_the_smoothing_of_the_images_in_cells_of_the_finer_mesh(size, levels, to, cells):
    """Images of 8×8 cells, smoothed by 1.5 of them: cells half as wide count twice, twice as wide half."""
    start = untrained(size)
    start = replace(start, preprocessing=replace(start.preprocessing, smoothing=1.5, levels=levels))
    nothing = {"theta_tikhonov": 0.0, "theta_smoothness": 0.0}
    found = regularizer(start, theta_transfer=0.3, transfer_penalty="consistency", transfer_to=to, **nothing)
    expected, other = (
        transfer_regularizer(start.architecture, 0.3, "averaging-bilinear", "consistency", to, sigma)
        for sigma in (cells, 2 * cells)
    )
    assert np.abs((found.Q - expected.Q).toarray()).max() <= 1e-15
    assert np.abs((found.Q - other.Q).toarray()).max() > 1e-6


def test_to_the_coarser_mesh_the_norm_is_the_plain_one_and_consistency_is_the_same_error_in_other_unknowns():
    np.testing.assert_array_equal(stencil_penalty((3, 3), "averaging-bilinear", "norm", "coarser"), np.eye(9))
    pair = transfer_pair("averaging-constant")
    A = np.stack([restrict_stencil(e.reshape(3, 3), pair, d=2).ravel() for e in np.eye(9)], axis=1)
    up, down = (stencil_penalty((3, 3), pair, "consistency", to, 1.2) for to in ("finer", "coarser"))
    np.testing.assert_allclose(A.T @ up @ A, down, rtol=0, atol=1e-12)


def test_stencils_that_only_restriction_can_move_have_a_penalty_to_the_coarser_mesh():
    """A stencil of 5 becomes one of 3 under averaging-constant, which cannot prolong it."""
    M = stencil_penalty((5,), "averaging-constant", "consistency", "coarser")
    assert M.shape == (5, 5)
    assert np.linalg.eigvalsh(M).min() >= -1e-12


def test_the_preconditioner_in_time_leaves_the_penalty_out_and_stays_positive_definite():
    start = untrained(4)
    digits = examples(start, images(count=20))
    rng = np.random.default_rng(0)
    blocks = {name: x + 0.1 * rng.standard_normal(x.size) for name, x in start.blocks.items()}

    options = {"dtype": "float64", "hessian_fraction": 1.0, "propagation_preconditioner": "time"}

    def inverse(weight):
        weights = RegularizationSection(theta_transfer=weight)
        problem = problem_of(start, digits, weights, OptimizationSection(**options))
        risk, x = problem.block("propagation", blocks), blocks["propagation"]
        return dense(risk.preconditioner(x, risk.curvature(x)), x.size)

    with_penalty = inverse(0.1)
    np.testing.assert_allclose(with_penalty, inverse(0.0), rtol=1e-8, atol=1e-12)
    assert np.linalg.eigvalsh((with_penalty + with_penalty.T) / 2).min() > 0
