"""Lemma 1 of [MST], mesh-free convolutions, and the bounds B.1 and B.2: orders and values."""

from __future__ import annotations

import numpy as np
import pytest
from mathematics.bounds import coarsening_bound, cropping_bound
from mathematics.lemma_1 import drawn, lemma_1, mesh_free, noise_limit
from mathematics.pixels import Fields, gradient, order, pixel_gradients, smooth_problem

from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer, convolution_map
from refms.multiscale.subsampling import crop
from refms.stencils.convolution import Convolution, convolution_matrix
from refms.stencils.transfer import transfer_pair

MEAN, BILINEAR, INJECTION = "averaging-constant", "averaging-bilinear", "injection-linear"
LINE, SQUARE = Grid((1024,)), Grid((256, 256))
SIGMA = 0.5


@pytest.mark.parametrize("grid", [Grid((16,)), Grid((8, 8))], ids=["line", "square"])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_mean_of_pixel_gradients_is_the_gradient_of_the_network(grid, layers):
    stencils, fields = drawn(0, grid, SIGMA, layers)
    K = Convolution(grid, stencil_shape=stencils.shape[1:])
    last = convolution_map(K)
    net = last if layers == 1 else chain(("first", convolution_layer(K, TANH)), ("last", last))
    theta, size = stencils.ravel(), stencils[0].size
    bias = np.zeros(0 if layers == 1 else 1)
    at = net.at(np.concatenate([theta[:-size], bias, theta[-size:]]), fields.u)
    found = at.vjp((at.output - fields.y) / fields.u.size, wrt_input=False)[0]
    weights = np.concatenate([found[: theta.size - size], found[-size:]])
    np.testing.assert_allclose(gradient(stencils, fields), weights, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("step", [0, 1])
def test_gradients_by_galerkins_rule_are_those_of_the_coarse_loss_in_the_fine_stencil(step):
    """K(T θ) is R K(θ) P, and Tᵀ g its derivative: central differences of the loss with that matrix."""
    stencils, fields = drawn(1, Grid((8, 8)), SIGMA, 1)
    coarse = fields.coarsened(MEAN) if step else fields
    pair = transfer_pair(BILINEAR)
    R, P = pair.restriction_matrix(fields.grid), pair.prolongation_matrix(fields.grid)

    def loss(theta):
        K = convolution_matrix(theta.reshape(3, 3), fields.grid)
        return 0.5 * np.mean(((R @ K @ P if step else K) @ coarse.u - coarse.y) ** 2)

    theta, e = stencils.ravel(), np.eye(9)
    expected = [(loss(theta + 1e-5 * one) - loss(theta - 1e-5 * one)) / 2e-5 for one in e]
    np.testing.assert_allclose(gradient(stencils, coarse, BILINEAR, step), expected, atol=1e-9)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("kernels", "expected"), [(None, 1.0), (MEAN, 2.0), (BILINEAR, 2.0)])
def test_lemma_1_in_one_dimension(kernels, expected, layers):
    values = lemma_1(LINE, 5, kernels=kernels, layers=layers)
    assert abs(order(values[:3]) - expected) < 0.1


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("kernels", "expected"), [(None, 1.0), (BILINEAR, 2.0)])
def test_lemma_1_in_two_dimensions(kernels, expected, layers):
    values = lemma_1(SQUARE, 3, kernels=kernels, layers=layers, seeds=range(2))
    assert abs(order(values) - expected) < 0.1


def test_with_theta_on_the_finest_mesh_only_linear_prolongation_keeps_the_second_order():
    """averaging-constant halves the second moments of stencils, which h² asks to be quartered."""
    orders = [order(lemma_1(LINE, 5, kernels=pair, telescoped=True)) for pair in (BILINEAR, MEAN)]
    assert abs(orders[0] - 2.0) < 0.1
    assert 1.1 < orders[1] < 1.9


@pytest.mark.parametrize(("grid", "levels"), [(Grid((4096,)), 4), (SQUARE, 2)], ids=["line", "square"])
def test_white_noise_grows_under_means_as_it_should(grid, levels):
    """Order −d once noise dominates, and the very value (1 − 2^−d) 2^−dl σ² ‖s‖."""
    sigma, seeds = 2.0, range(3)
    values = lemma_1(grid, levels, noise=sigma, seeds=seeds)
    np.testing.assert_allclose(values, noise_limit(grid, levels, sigma, seeds), rtol=0.2)
    if levels > 2:
        assert abs(order(values) + grid.dimension) < 0.2


def test_galerkin_does_not_help_against_white_noise():
    grows = lemma_1(LINE, 4, kernels=MEAN, noise=2.0)
    assert abs(order(grows) + 1) < 0.2
    stays = lemma_1(LINE, 6, pair=INJECTION, kernels=INJECTION, noise=SIGMA)
    kept = lemma_1(LINE, 6, pair=INJECTION, noise=SIGMA)
    assert stays[0] > 3 * kept[0]
    assert abs(order(stays)) < 0.3


def test_white_noise_does_not_grow_under_injection():
    values = lemma_1(LINE, 6, pair=INJECTION, noise=SIGMA, seeds=range(8))
    assert 0 < order(values) < 1.1


@pytest.mark.parametrize(
    ("pair", "noise", "low", "high"),
    [
        (MEAN, 0.0, 1.95, 2.05),
        ("full-weighting-linear", 0.0, 1.95, 2.05),
        (MEAN, SIGMA, 0.7, 1.9),
        ("full-weighting-linear", SIGMA, 1.8, 2.1),
        (INJECTION, SIGMA, 0.5, 1.5),
    ],
)
def test_mesh_free_convolutions_converge_where_stencils_do_not(pair, noise, low, high):
    assert low < order(mesh_free(4096, 6, pair=pair, noise=noise)) < high


def test_mesh_free_convolutions_of_injected_band_limited_fields_agree_to_round_off():
    values = mesh_free(1024, 6, pair=INJECTION)
    assert values.max() < 1e-14


def smooth(grid, seed=0, noise=0.0):
    rng = np.random.default_rng([seed, grid.dimension])
    stencils = rng.standard_normal((1, *[3] * grid.dimension)) / np.sqrt(3**grid.dimension)
    return stencils, smooth_problem(rng, grid, noise=noise)


GRIDS = [[Grid((n,)) for n in (64, 256, 1024)], [Grid((n, n)) for n in (32, 64, 128)]]


@pytest.mark.parametrize("grids", GRIDS, ids=["line", "square"])
def test_bound_b1(grids):
    """It holds, and λ does not depend on h, so that the difference is O(h); with noise λ grows as 1/h."""
    found = [coarsening_bound(*smooth(grid)) for grid in grids]
    noisy = [coarsening_bound(*smooth(grid, noise=SIGMA)) for grid in grids]
    assert all(one.difference <= one.bound for one in (*found, *noisy))
    assert found[-1].constant < 1.25 * found[0].constant
    assert found[-1].bound < 1.25 * found[0].bound * grids[0].shape[0] / grids[-1].shape[0]
    assert noisy[-1].constant > 0.6 * noisy[0].constant * grids[-1].shape[0] / grids[0].shape[0]


def test_bound_b1_is_attained_where_all_pixels_differ_alike():
    """u = 1 and y = 0, except that restriction by sums doubles u: γ_i − γ_C is the same everywhere."""
    grid, s = Grid((16,)), np.array([[0.0, 1.0, 0.0]])
    found = coarsening_bound(s, Fields(grid, np.ones((16, 1)), np.zeros((16, 1))), "summing-constant")
    assert found.difference == pytest.approx(3 * np.sqrt(3))
    assert found.constant == pytest.approx(found.difference / (0.5 / 16))
    assert found.bound == pytest.approx(found.difference)


@pytest.mark.parametrize("grids", GRIDS, ids=["line", "square"])
def test_bound_b2_does_not_depend_on_h(grids):
    found = [cropping_bound(*smooth(grid)) for grid in grids]
    assert all(0 < one.difference <= one.bound for one in found)
    share = 1 - 0.5 ** grids[0].dimension
    assert all(one.bound == pytest.approx(2 * share * one.constant) for one in found)
    per_doubling = np.log2(grids[-1].shape[0] / grids[0].shape[0])
    assert abs(np.log2(found[-1].difference / found[0].difference)) / per_doubling < 0.15


def test_bound_b2_is_attained_where_the_rest_pulls_the_other_way():
    """γ = ±1 with one sign inside of the window and the other outside."""
    grid = Grid((16,))
    y = np.where(np.arange(16) < 8, 1.0, -1.0)[:, None]
    stencils, fields = np.array([[0.0]]), Fields(grid, np.ones((16, 1)), y)
    found = cropping_bound(stencils, fields)
    assert found.difference == pytest.approx(found.bound)
    assert (found.bound, found.constant) == (1.0, 1.0)


def test_a_window_as_an_image_of_its_own_differs_in_its_border_alone():
    stencils, fields = smooth(Grid((64, 64)))
    n, start = 32, np.zeros((1, 2), dtype=int)
    cut = Fields(Grid((n, n)), *(crop(one, fields.grid, 1, start) for one in (fields.u, fields.y)))
    own = pixel_gradients(stencils, cut)[:, :, 0].reshape(9, n, n)
    inside = pixel_gradients(stencils, fields)[:, :, 0].reshape(9, 64, 64)[:, :n, :n]
    np.testing.assert_allclose(own[:, 1:-1, 1:-1], inside[:, 1:-1, 1:-1], atol=1e-13)
    assert abs(own - inside).max() > 0.01
