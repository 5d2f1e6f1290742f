"""Batches from a pilot: Giles' rule, as many levels as pay, never more examples than there are."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from refms.data.corruption import Denoise
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.residual_image import ResidualImage
from refms.multiscale.allocation import Allocation
from refms.multiscale.estimation import Batches
from refms.multiscale.full_multiscale import TrainingState, full_multiscale_plan
from refms.multiscale.image_problem import ImageProblem
from refms.multiscale.subsampling import Subsampling
from refms.multiscale.variance import GradientVariance, covariance_traces, measure_variance

GRID = Grid((8, 8))
GIVEN = Batches((16, 32, 64))


def covariance(*terms):
    """Return tr Cov of gradients with independent differences of these variances, the last one coarse."""
    S = np.cumsum(terms[::-1])[::-1]
    return GradientVariance(np.minimum.outer(S, S), 2)


def problem(**options):
    net = ResidualImage(GRID, 1, 4, 1, closing_scale=1.0)
    x = np.random.default_rng(0).standard_normal((*GRID.shape, 40)).cumsum(0).cumsum(1)
    images = (x / abs(x).max()).reshape(GRID.cells, 40)
    return ImageProblem(net, images, Denoise(), levels=3, **options)


def start(posed):
    return posed.architecture.map.layout.pack(posed.architecture.initial(0, "float64"))


def test_sizes_follow_the_root_of_variance_over_cost():
    """V = (1, 4, 16), C = (1.25, 0.3125, 0.0625): N_l ∝ √(V/C) at the work of the given batches."""
    variance = covariance(1.0, 4.0, 16.0)
    V, C = np.array([1.0, 4.0, 16.0]), np.array([1.25, 0.3125, 0.0625])
    np.testing.assert_allclose(variance.terms(3), V)
    N = GIVEN.work() * np.sqrt(V / C) / np.sqrt(V * C).sum()
    found = Allocation("optimal").choose(variance, GIVEN, 10**6)
    assert found.sizes == tuple(math.ceil(n - 1e-9) for n in N)
    assert found.coefficients == ()


def test_adaptive_batches_are_single_scale_where_no_coarser_mesh_pays():
    alone = Allocation("adaptive").choose(GradientVariance(np.eye(3), 2), GIVEN, 10**6)
    assert alone.sizes == (math.ceil(GIVEN.work()),)
    joined = Allocation("adaptive").choose(covariance(1e-6, 1e-6, 1.0), GIVEN, 10**6)
    assert len(joined.sizes) == 3
    assert len(joined.coefficients) == 2


def test_no_batch_is_larger_than_the_data_and_halves_are_even():
    variance = covariance(1e-6, 1e-6, 1.0)
    assert max(Allocation("optimal").choose(variance, GIVEN, 41).sizes) == 41
    assert max(Allocation("optimal").choose(variance, GIVEN, 41, even=True).sizes) == 40


def test_where_halves_are_coarsened_and_cropped_batches_from_a_pilot_are_even():
    posed = problem(subsampling=Subsampling("both"))
    for work in range(2, 9):
        found, _ = Allocation(examples=8).measure(
            posed, start(posed), Batches((work, 2, 2)), stage=0, iteration=0
        )
        assert all(N % 2 == 0 for N in found.sizes)


def test_the_work_of_a_pilot_is_counted_apart():
    posed = problem()
    _, units = Allocation(examples=8).measure(posed, start(posed), GIVEN, stage=0, iteration=0)
    assert units == pytest.approx(3 * 8 * (1 + 1 / 4 + 1 / 16))
    assert posed.work.units == 0


def test_batches_are_renewed_in_each_stage_and_every_so_many_iterations():
    posed = problem(subsampling=Subsampling(noise="stage"))
    own = replace(full_multiscale_plan((2, 4, 8), (3, 2, 2)), allocation=Allocation("regressed", 8, renew=2))
    states = [state for state, _, _ in own.run(posed, TrainingState(start(posed)))]
    assert [len(state.batches.sizes) for state in states] == [1, 1, 1, 2, 2, 3, 3]
    pilots = 3 * 8 * np.cumsum([1 / 16, 0, 1 / 16, 1 / 4 + 1 / 16, 0, 1 + 1 / 4 + 1 / 16, 0])
    np.testing.assert_allclose([state.pilot_units for state in states], pilots)


@pytest.mark.parametrize(
    ("kind", "examples", "renew"), [("best", 32, 1), ("optimal", 7, 1), ("optimal", 32, 0)]
)
def test_bad_allocations_are_refused(kind, examples, renew):
    with pytest.raises(InputError):
        Allocation(kind, examples, renew)


def test_where_halves_are_coarsened_and_cropped_pairs_have_the_variance_of_an_example():
    """Var of a mean over N examples, (Var c + Var w)/(2N), is that of the figure over N."""
    posed = problem(subsampling=Subsampling("both"))
    theta, count = start(posed), 40
    found, products = measure_variance(posed, theta, count, stage=1)
    assert products.shape == (2, count // 2, 2, count // 2)
    draw = posed.draw(count, stage=1, iteration=0, term=10**6)
    halves = []
    for kind, part in (("coarsen", slice(0, count // 2)), ("crop", slice(count // 2, count))):
        one = replace(posed, subsampling=Subsampling(kind))
        own = draw.part(part)
        rows = [
            one.risk(1, own.part(slice(j, j + 1)), 1).value_and_gradient(theta)[1] for j in range(count // 2)
        ]
        halves.append(np.array(rows))
    pairs = (halves[0] + halves[1]) / math.sqrt(2)
    gram = (pairs @ pairs.T).reshape(1, count // 2, 1, count // 2)
    assert found.single == pytest.approx(covariance_traces(gram)[0, 0])
    assert found.single == pytest.approx(sum(np.var(h, axis=0, ddof=1).sum() for h in halves) / 2, rel=0.5)


@pytest.mark.parametrize("coefficients", ["global", "layers"])
def test_regressed_coefficients_are_one_number_or_one_for_each_layer_as_asked(coefficients):
    posed = problem()
    found, _ = Allocation("regressed", 8, coefficients=coefficients).measure(
        posed, start(posed), GIVEN, stage=0, iteration=0
    )
    layers = len(posed.architecture.arrays.layout.layers)
    assert layers > 1
    counts = {np.size(beta) for beta in found.coefficients}
    assert counts == {1 if coefficients == "global" else layers}
