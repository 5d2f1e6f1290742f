"""Multiscale estimates of the gradient are unbiased, and a statistical test sees it where they are not.

Each test compares the means of K independent estimates with those of single scale in eight random directions,
in units of their standard errors; a right estimate exceeds ``LIMIT`` with probability below 1e-6.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.data.corruption import Deblur, Denoise, Inpaint, SuperResolve
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.residual_image import ResidualImage
from refms.multiscale.estimation import (
    Batches,
    doubled_batches,
    estimate_objective,
)
from refms.multiscale.image_problem import ImageProblem
from refms.multiscale.subsampling import Subsampling, draw_windows
from refms.multiscale.variance import GradientVariance, measure_variance
from refms.objective.batches import DEFAULT_MEMORY
from refms.objective.workers import Workers
from refms.optimize.weighted import WeightedSum

K = 200
LIMIT = 5.6  # of a t distribution with 199 degrees of freedom: 8 directions, both sides, below 1e-6
GRID = Grid((8, 8))
BATCHES = Batches((2, 4, 8))
LARGE = Batches((12, 12, 12))
"""All images in every term: what is wrong stands out more."""


def images(count=12, seed=0):
    """Fields that are neither smooth nor noise, in [-1, 1]."""
    x = np.random.default_rng(seed).standard_normal((*GRID.shape, count)).cumsum(0).cumsum(1)
    x = x.reshape(GRID.cells, count)
    return x / abs(x).max()


def problem(task=None, levels=3, **options):
    net = ResidualImage(GRID, 1, 4, 1, closing_scale=1.0, boundary="periodic", slope=0.2)
    return ImageProblem(net, images(), task or Denoise(), levels, **options)


def theta_of(posed):
    net = posed.architecture
    assert net.map.layout.size < 2000
    return net.map.layout.pack(net.initial(3, "float64"))


def components(posed, objective, count=K, first=0):
    """The gradients of so many estimates in eight random directions, shape (count, 8)."""
    theta = theta_of(posed)
    directions = np.random.default_rng(9).standard_normal((theta.size, 8))
    gradients = [objective(first + k).value_and_gradient(theta)[1] for k in range(count)]
    return np.array(gradients) @ directions


def distance(found, expected):
    """Largest difference of the means, in its standard errors."""
    error = np.sqrt(found.var(axis=0, ddof=1) / len(found) + expected.var(axis=0, ddof=1) / len(expected))
    return float((abs(found.mean(axis=0) - expected.mean(axis=0)) / error).max())


def single(posed, stage=0):
    return components(
        posed, lambda k: estimate_objective(posed, Batches((12,)), stage=stage, iteration=10_000 + k)
    )


@pytest.mark.parametrize("beta", [(), (0.7, 1.2)], ids=["paper", "regressed"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"subsampling": Subsampling(pair="nearest", noise="kept")},
        {"subsampling": Subsampling(noise="kept"), "kernel_rule": "galerkin"},
        {"subsampling": Subsampling("crop")},
        {"subsampling": Subsampling("both")},
        {"task": Inpaint(largest=0.6)},
        {"task": Deblur(1.0, 1.0), "subsampling": Subsampling(noise="stage")},
        {"task": SuperResolve()},
    ],
    ids=["carried", "nearest", "galerkin", "crop", "both", "inpaint", "deblur", "super-resolve"],
)
def test_estimates_are_unbiased(options, beta):
    posed = problem(**options)
    if isinstance(posed.task, SuperResolve):
        posed = replace(posed, architecture=replace(posed.architecture, time=False), levels=3)
    batches = replace(BATCHES, coefficients=beta)
    found = components(posed, lambda k: estimate_objective(posed, batches, iteration=k))
    assert distance(found, single(posed)) < LIMIT


def test_a_coefficient_for_each_layer_is_unbiased_and_has_less_variance():
    posed = problem(subsampling=Subsampling(noise="kept"))
    theta = theta_of(posed)
    variance, _ = measure_variance(posed, theta, 12, iteration=77, layers=True)
    betas = variance.betas(3)
    layers = posed.map(0).layout.layers
    assert len(set(betas[0])) == len(layers)
    by_layer = components(posed, lambda k: estimate_objective(posed, Batches((2, 4, 8), betas), iteration=k))
    assert distance(by_layer, single(posed)) < LIMIT
    draws = [posed.draw(1, iteration=1000 + k) for k in range(60)]
    fine, coarse = (
        np.array([posed.risk(level, draw).value_and_gradient(theta)[1] for draw in draws]) for level in (0, 1)
    )
    spread = np.repeat(betas[0], [layer.stop - layer.start for layer in layers])
    with_one, with_layers = (
        (fine - beta * coarse).var(axis=0).sum() for beta in (variance.whole.betas(2)[0], spread)
    )
    assert with_layers < with_one


def test_terms_are_the_variances_of_weighted_differences_with_the_coefficients_of_all_finer_levels():
    """Samples of gradients on four levels, two layers: Var π_l (g_l − β_l g_{l+1}), π_l = β_0 … β_{l−1}."""
    g = np.random.default_rng(3).standard_normal((2, 4, 5, 60))  # layer, level, component, sample
    g -= g.mean(axis=-1, keepdims=True)
    variance = GradientVariance(np.einsum("blim,bkim->blk", g, g) / 59, 2)
    beta = np.array([[2.0, 0.5], [0.3, 1.5], [1.2, 0.7]])  # level, layer
    pi = np.cumprod([np.ones(2), *beta], axis=0)
    parts = [g[:, level] - beta[level, :, None, None] * g[:, level + 1] for level in range(3)]
    expected = [
        (pi[level, :, None, None] * part).var(axis=-1, ddof=1).sum()
        for level, part in enumerate([*parts, g[:, 3]])
    ]
    np.testing.assert_allclose(variance.terms(4, tuple(map(tuple, beta))), expected, rtol=1e-12)


def test_variances_of_layers_add_up_and_have_coefficients_of_their_own():
    """Two layers, g_0 = (2x, y), g_1 = (x, 3y) with tr Var x = 1, tr Var y = 4: β = (2, 1/3), V_0 = 0."""
    x, y = np.array([[4.0, 2.0], [2.0, 1.0]]), 4.0 * np.array([[1.0, 3.0], [3.0, 9.0]])
    variance = GradientVariance(np.array([x, y]), 2)
    assert variance.betas(2) == ((2.0, pytest.approx(1 / 3)),)
    np.testing.assert_allclose(variance.terms(2, variance.betas(2)), [0, 4 * 1 + 1 / 9 * 36], atol=1e-14)
    assert variance.terms(2) == variance.whole.terms(2) == [1 + 4 * 4, 37]
    assert variance.whole.betas(2) == (pytest.approx((2 + 12) / (1 + 36)),)
    with pytest.raises(InputError, match="3 coefficients"):
        variance.terms(2, ((1.0, 1.0, 1.0),))


def test_measured_variances_of_layers_are_those_of_all_parameters_together():
    posed = problem()
    whole, products = measure_variance(posed, theta_of(posed), 6)
    layers, parts = measure_variance(posed, theta_of(posed), 6, layers=True)
    np.testing.assert_allclose(layers.whole.covariance, whole.covariance, rtol=1e-12)
    np.testing.assert_allclose(parts.sum(axis=0), products, rtol=1e-10, atol=1e-14)


def test_a_stage_estimates_the_gradient_of_its_own_level():
    posed = problem(kernel_rule="galerkin", subsampling=Subsampling(noise="stage"))
    batches = Batches((4, 8))
    found = components(posed, lambda k: estimate_objective(posed, batches, stage=1, iteration=k))
    assert distance(found, single(posed, stage=1)) < LIMIT


def wrong(posed, spoil):
    """Estimates whose coarse twins are spoiled: ``spoil(draw, level, k)`` gives their objective."""

    def objective(k):
        terms = []
        for place, count, pi, beta in LARGE.terms():
            draw = posed.draw(count, iteration=k, term=place)
            terms.append((pi, posed.risk(place, draw)))
            if beta is not None:
                terms.append((-pi * beta, spoil(draw, place + 1, k)))
        return WeightedSum(tuple(terms))

    return objective


def other_times(draw, level, k):
    """The coarse mesh is told other times than its noise has."""
    shifted = replace(draw.corruption, times=np.minimum(1.0, draw.corruption.times + 0.5))
    return problem().risk(level, replace(draw, corruption=shifted))


def other_noise(draw, level, k):
    """The noise of the coarse mesh has another law than where it is the finer one."""
    return problem(subsampling=Subsampling(noise="kept")).risk(level, draw)


def other_kernels(draw, level, k):
    return problem(kernel_rule="galerkin").risk(level, draw)


def other_targets(draw, level, k):
    """The target of the coarse mesh is not its sub-sampled one, but every second cell."""
    risk = problem().risk(level, draw)
    nearest = problem(subsampling=Subsampling(pair="nearest")).examples(level, draw)
    return replace(risk, examples=replace(risk.examples, targets=nearest.targets))


@pytest.mark.parametrize("spoil", [other_times, other_noise, other_kernels, other_targets])
def test_a_coarse_twin_of_another_law_is_seen(spoil):
    posed = problem()
    assert distance(components(posed, wrong(posed, spoil)), single(posed)) > 1.2 * LIMIT


def test_wrong_coefficients_are_seen():
    """π of the next term is not multiplied by β."""
    posed = problem()

    def objective(k):
        terms = []
        for place, count, _, beta in replace(BATCHES, coefficients=(0.5, 0.5)).terms():
            draw = posed.draw(count, iteration=k, term=place)
            terms.append((1.0, posed.risk(place, draw)))
            if beta is not None:
                terms.append((-beta, posed.risk(place + 1, draw)))
        return WeightedSum(tuple(terms))

    assert distance(components(posed, objective), single(posed)) > 1.2 * LIMIT


def test_pilot_samples_in_the_estimate_are_seen():
    """β from the two samples of the difference that it multiplies is no constant: the estimate is biased.

    The population are 120 draws with their gradients on both meshes, so that E g_0 is known exactly.
    """
    posed = problem(levels=2, subsampling=Subsampling(pair="nearest", noise="kept"))
    theta, N, rng = theta_of(posed), 120, np.random.default_rng(9)
    draws = [posed.draw(1, iteration=k) for k in range(N)]
    fine, coarse = (
        np.array([posed.risk(level, draw).value_and_gradient(theta)[1] for draw in draws]) for level in (0, 1)
    )
    directions = rng.standard_normal((theta.size, 8))
    i, j, lone = rng.integers(0, N, (3, 40 * K))
    i, j, lone = (one[i != j] for one in (i, j, lone))
    change, own = fine @ coarse.T, coarse @ coarse.T
    shared = change[i, i] - change[i, j] - change[j, i] + change[j, j]
    reused = shared / (own[i, i] - 2 * own[i, j] + own[j, j])
    apart = np.full_like(reused, np.median(reused))
    f, c = fine @ directions, coarse @ directions
    # Two different ones of the population, and one on its own: means without bias where β is a constant.
    distances = []
    for beta in (apart, reused):
        found = (f[i] + f[j]) / 2 - beta[:, None] * ((c[i] + c[j]) / 2 - c[lone])
        error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        distances.append((abs(found.mean(axis=0) - f.mean(axis=0)) / error).max())
    assert distances[0] < LIMIT < 1.2 * LIMIT < distances[1]


def test_windows_that_are_uniform_in_a_uniform_window_are_seen():
    """As the warning has it: w_1 inside of a smaller w_0 is more often in the middle than in its own term."""
    ramp = np.tile(np.linspace(-1, 1, 8)[:, None], (1, 8)).reshape(-1, 1) ** 3
    posed = replace(problem(subsampling=Subsampling("crop"), levels=2), images=np.tile(ramp, (1, 12)))

    def spoil(draw, level, k):
        starts = np.random.default_rng([5, k, level]).integers(0, 3, size=draw.windows[level].shape) + 1
        return posed.risk(level, replace(draw, windows=np.stack([0 * starts, starts])))

    def objective(k):
        draw, lone = (posed.draw(12, iteration=k, term=term) for term in (0, 1))
        terms = ((1.0, posed.risk(0, draw)), (-1.0, spoil(draw, 1, k)), (1.0, posed.risk(1, lone)))
        return WeightedSum(terms)

    assert distance(components(posed, objective), single(posed)) > 1.2 * LIMIT


@pytest.mark.parametrize("rule", ["keep", "galerkin"])
def test_one_batch_for_all_terms_is_the_small_batch_identically(rule):
    posed = problem(kernel_rule=rule)
    theta = theta_of(posed)
    value, gradient = estimate_objective(posed, Batches((4, 4, 4), shared=True)).value_and_gradient(theta)
    expected, own = posed.risk(0, posed.draw(4)).value_and_gradient(theta)
    levels = [posed.risk(level, posed.draw(4)).value_and_gradient(theta)[1] for level in range(3)]
    scale = sum(np.linalg.norm(g) for g in levels)
    assert np.linalg.norm(gradient - own) <= 30 * np.finfo(float).eps * scale
    assert abs(value - expected) <= 30 * np.finfo(float).eps * 5 * abs(expected)


def test_one_batch_for_all_terms_has_one_size_and_the_variance_of_single_scale():
    with pytest.raises(InputError, match="equal"):
        Batches((2, 4), shared=True)
    alien = GradientVariance(np.eye(3), 2)  # V_l/v = 2, 2, 1
    N, batches = 8, Batches((8, 8, 8), shared=True)
    assert alien.efficiency(batches) == pytest.approx(N / batches.work())
    assert alien.efficiency(replace(batches, shared=False)) == pytest.approx(N / batches.work() / 5)


def test_the_law_of_a_window_does_not_depend_on_the_number_of_levels():
    grid = Grid((16, 8))
    few, many = (draw_windows(np.random.default_rng(1), grid, levels, 4000)[1] for levels in (2, 4))
    for axis, n in enumerate((9, 5)):
        for starts in (few[:, axis], many[:, axis]):
            counts = np.bincount(starts, minlength=n)
            chi_square = ((counts - 4000 / n) ** 2 / (4000 / n)).sum()
            assert counts.size == n
            assert chi_square < 60  # p < 1e-7 for at most 8 degrees of freedom


def test_windows_lie_inside_of_each_other():
    grid = Grid((16, 8))
    starts = draw_windows(np.random.default_rng(0), grid, 4, 50)
    for level in range(1, 4):
        inner, outer = np.array(grid.coarsen(level).shape), np.array(grid.coarsen(level - 1).shape)
        room = starts[level] - starts[level - 1]
        assert room.min() >= 0
        assert (room + inner <= outer).all()


def test_the_variance_of_an_estimate_is_what_the_pilot_predicts():
    posed = problem()
    theta = theta_of(posed)
    variance, _ = measure_variance(posed, theta, 12)
    predicted = sum(V / N for V, N in zip(variance.terms(3), BATCHES.sizes, strict=True))
    gradients = [
        estimate_objective(posed, BATCHES, iteration=k).value_and_gradient(theta)[1] for k in range(K)
    ]
    measured = np.array(gradients).var(axis=0, ddof=1).sum()
    assert 0.4 < measured / predicted < 2.5


def test_a_variance_that_round_off_makes_negative_is_zero():
    """As of examples drawn again that are all the same: η is then that of the other levels, no error."""
    found = GradientVariance(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, -1e-18]]), 2)
    assert found.terms(3) == [0.0, 1.0, 0.0]
    assert found.best_efficiency(3) == pytest.approx(1 / found.costs(3)[1])


def test_gauss_newton_uses_the_positive_terms():
    posed = problem(levels=2)
    theta = theta_of(posed)
    f = estimate_objective(posed, Batches((2, 3)))
    v = np.random.default_rng(0).standard_normal(theta.size)
    expected = sum(posed.risk(i, posed.draw(n, term=i)).curvature(theta)(v) for i, n in ((0, 2), (1, 3)))
    assert np.allclose(f.curvature(theta)(v), expected, rtol=1e-12, atol=1e-15)


def test_terms_side_by_side_are_the_same_bits_as_one_after_the_other():
    """Also where the budget has room for few images and each term has several batches."""
    theta = theta_of(problem())
    tight = 2 * 2 * 8 * problem().map(0).stored * 3
    for memory in (DEFAULT_MEMORY, tight):
        alone = estimate_objective(problem(memory=memory), BATCHES)
        plain = WeightedSum(alone.terms).value_and_gradient(theta)
        for threads in (1, 2, 3):
            posed = problem(memory=memory, workers=Workers(threads=threads))
            value, gradient = estimate_objective(posed, BATCHES).value_and_gradient(theta)
            assert value == plain[0]
            np.testing.assert_array_equal(gradient, plain[1])


def test_an_error_in_one_term_is_not_lost():
    """Numbers overflow in the last term alone."""
    posed = problem(workers=Workers(threads=2))
    f = estimate_objective(posed, BATCHES)
    coarsest = f.terms[-1][1]
    coarsest.examples.inputs[:] = 1e308
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
        f.value_and_gradient(theta_of(posed))


def test_the_value_of_an_estimate_is_that_beside_its_gradient():
    posed = problem()
    f = estimate_objective(posed, Batches((2, 4, 8), (0.7, 1.2)))
    assert f.value(theta_of(posed)) == f.value_and_gradient(theta_of(posed))[0] != 0


def test_validation_images_are_neither_cropped_nor_dropped():
    posed = problem(subsampling=Subsampling("crop"))
    draw = posed.validation_draw(posed.images[:, :5])
    assert draw.windows.shape == (3, 5, 2)
    assert not draw.windows.any()
    assert draw.masks.shape == (0, 5)
    np.testing.assert_array_equal(posed.examples(0, draw).targets, posed.images[:, :5])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Batches(()),
        lambda: Batches((2, 0)),
        lambda: Batches((2, 4), (1.0, 1.0)),
        lambda: estimate_objective(problem(levels=2), Batches((1, 1, 1))),
        lambda: estimate_objective(problem(), Batches((13,))),
        lambda: estimate_objective(problem(), Batches((1, 1), ((1.0, 2.0),))),
        lambda: estimate_objective(problem(subsampling=Subsampling("both")), Batches((3, 4))),
        lambda: problem(levels=5),
        lambda: replace(problem(), images=2 * images()),
        lambda: replace(problem(), images=images()[:, :0]).draw(1),
        lambda: problem(loss="ssim"),
        lambda: measure_variance(problem(), theta_of(problem()), 1),
    ],
)
def test_what_cannot_be_estimated_is_refused(make):
    with pytest.raises(InputError):
        make()


def test_doubled_batches_are_those_of_the_paper():
    assert Batches(doubled_batches(16, 4)).work() == 37
