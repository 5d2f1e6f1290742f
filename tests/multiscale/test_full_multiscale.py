"""Full-Multiscale: stages and rates, bits that do not depend on a stop, kernels that are carried over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.data.corruption import Denoise
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.residual_image import ResidualImage
from refms.maps.architectures.unet import UNet
from refms.multiscale.estimation import Batches, estimate_objective
from refms.multiscale.full_multiscale import (
    Schedule,
    Stage,
    TrainingPlan,
    TrainingState,
    full_multiscale_plan,
)
from refms.multiscale.image_problem import ImageProblem
from refms.multiscale.kernel_rule import move_kernels, on_level
from refms.multiscale.subsampling import Subsampling
from refms.multiscale.switching import Switch
from refms.objective.workers import Workers
from refms.optimize.stochastic import Momentum
from refms.stencils.convolution import convolution_matrix
from refms.stencils.transfer import transfer_pair

GRID = Grid((8, 8))


def problem(**options):
    net = ResidualImage(GRID, 1, 4, 1, closing_scale=1.0, boundary="periodic")
    x = np.random.default_rng(0).standard_normal((*GRID.shape, 10)).cumsum(0).cumsum(1)
    images = (x / abs(x).max()).reshape(GRID.cells, 10)
    return ImageProblem(net, images, Denoise(), levels=3, subsampling=Subsampling(noise="stage"), **options)


def start(posed, seed=0):
    net = posed.architecture
    return TrainingState(net.map.layout.pack(net.initial(seed, posed.dtype)))


def plan(**changes):
    own = replace(full_multiscale_plan((2, 3, 4), (3, 2, 2)), schedule=Schedule(0.02, 0.001))
    return replace(own, **changes)


def states(posed, training, state=None):
    return [one for one, _, _ in training.run(posed, state or start(posed))]


@pytest.mark.parametrize("rule", ["keep", "galerkin"])
@pytest.mark.parametrize("restart", [False, True])
def test_a_stop_after_any_iteration_changes_no_bit(rule, restart):
    posed, training = problem(kernel_rule=rule), plan(restart=restart)
    whole = states(posed, training)
    assert len(whole) == training.total == 7
    for stopped in whole[:-1]:
        again = states(problem(kernel_rule=rule), training, stopped)
        assert np.array_equal(again[-1].theta, whole[-1].theta)
        assert all(np.array_equal(a, b) for a, b in zip(again[-1].memory, whole[-1].memory, strict=True))
        assert again[-1].units == whole[-1].units


@pytest.mark.parametrize("memory", [2**31, 2**17])
def test_threads_change_no_bit_however_short_the_budget_is(memory):
    one = states(problem(memory=memory), plan())
    other = states(problem(memory=memory, workers=Workers(threads=3)), plan())
    assert np.array_equal(one[-1].theta, other[-1].theta)


def test_nothing_is_dropped_after_the_update_that_says_so():
    net = UNet(GRID, 1, 4, (1,), groups=2, dropout=0.5)
    posed, until = replace(problem(), architecture=net, kernel_rule="keep"), plan(dropout_until=4)
    always, ended = states(posed, plan()), states(posed, until)
    assert np.array_equal(always[3].theta, ended[3].theta)  # 4 updates, one of the second stage
    assert not np.array_equal(always[4].theta, ended[4].theta)
    without = states(replace(posed, drops=False), plan(), ended[3])
    again = states(posed, until, ended[3])
    for one in (without[-1], again[-1]):
        assert np.array_equal(one.theta, ended[-1].theta)
    assert ended[-1].units == always[-1].units


def test_work_is_three_times_the_papers_units():
    training = plan()
    assert states(problem(), training)[-1].units == pytest.approx(3 * training.work())


def test_a_stage_that_gains_too_little_leaves_its_work_to_the_last():
    posed = problem()
    own = replace(full_multiscale_plan((2, 3, 4), (60, 20, 2)), switch=Switch(2, 0.999))
    *_, last = states(posed, own)
    assert last.iterations[:2] == (4, 4)  # two windows each
    each = [stage.batches.work(stage.level) for stage in own.stages]
    middle = int(16 * each[1] // each[2])
    assert last.iterations[2] == last.iteration == 2 + int(56 * each[0] // each[2]) + middle
    assert last.updates == own.standing(last).total == sum(last.iterations)
    assert own.work() - 2 * each[2] < last.units / 3 <= own.work()


def test_a_stage_that_gains_goes_on():
    """A gain of g is what every step has: L_k = (1 − g)^k."""
    losses: tuple[float, ...] = ()
    for k in range(12):
        losses = Switch(3).kept(losses, 0.9**k)
        assert not Switch(3, 0.27).is_due(losses)  # 1 − 0.9³ = 0.271
        assert Switch(3, 0.28).is_due(losses) == (len(losses) == 6)
    assert losses == tuple(0.9**k for k in range(6, 12))


def test_rates_follow_one_cosine_over_all_stages():
    training = plan()
    rates = [rate for _, _, rate in training.run(problem(), start(problem()))]
    k = np.arange(7)
    assert np.allclose(rates, 0.001 + 0.5 * 0.019 * (1 + np.cos(np.pi * k / 7)), rtol=1e-14)


def test_one_stage_is_adam_on_estimates():
    """Two updates by hand, from the estimates' gradients."""
    posed, training = (
        problem(),
        TrainingPlan((Stage(0, 2, Batches((3, 4))),), schedule=Schedule(0.01, kind="constant")),
    )
    theta, m, v = start(posed).theta, 0.0, 0.0
    for k in range(2):
        _, g = estimate_objective(posed, Batches((3, 4)), iteration=k).value_and_gradient(theta)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        corrected = m / (1 - 0.9 ** (k + 1)), v / (1 - 0.999 ** (k + 1))
        theta = theta - 0.01 * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    assert np.allclose(states(posed, training)[-1].theta, theta, rtol=1e-12, atol=1e-14)


def test_kernels_are_carried_so_that_the_coarse_network_stays_the_same():
    """After a stage with Galerkin's rule the next one's coarse twin is the network that was just trained."""
    posed, training = problem(kernel_rule="galerkin"), plan()
    coarse = states(posed, training)[2]
    finer = training._next_stage(posed, coarse)
    Y = np.random.default_rng(1).standard_normal((posed.map(2, 2).rows_in, 2))
    before, after = posed.map(2, 2).apply(coarse.theta, Y), posed.map(2, 1).apply(finer.theta, Y)
    assert np.allclose(before, after, rtol=0, atol=1e-12)
    assert not np.allclose(coarse.theta, finer.theta)


def test_galerkin_kernels_are_those_of_the_coarse_matrix():
    """K(T s) = R K(s) P, by the explicit matrices, for every pair of channels."""
    net = problem().architecture
    theta = net.map.layout.pack(net.initial(0, "float64"))
    coarse = net.map.layout.unpack(move_kernels(theta, net, "averaging-constant", 1))
    own, pair = net.map.layout.unpack(theta), transfer_pair("averaging-constant")
    R, P = pair.restriction_matrix(GRID), pair.prolongation_matrix(GRID)
    for name in net.map.layout.names:
        if not name.endswith("stencil") or own[name].shape[-1] == 1:
            assert np.array_equal(own[name], coarse[name])
            continue
        S, moved = own[name][1, 2][None, None], coarse[name][1, 2][None, None]
        expected = R @ convolution_matrix(S, GRID) @ P
        assert abs(convolution_matrix(moved, GRID.coarsen()) - expected).max() < 1e-14


def test_gradients_of_galerkin_kernels_are_transposed():
    posed = problem(kernel_rule="galerkin")
    theta, Y = start(posed).theta, np.random.default_rng(1).standard_normal((5, 2))
    map_ = on_level(posed.architecture, 2, "galerkin")
    v, G = (
        np.random.default_rng(i).standard_normal(n) for i, n in ((2, theta.size), (3, (map_.rows_out, 2)))
    )
    F = map_.at(theta, Y)
    assert np.sum(G * F.jvp(v)) == pytest.approx(F.vjp(G)[0] @ v, rel=1e-12)


def test_an_explosion_ends_the_training_before_it():
    posed = problem()
    wild = plan(rule=Momentum(), schedule=Schedule(1e200, kind="constant"))
    with np.errstate(all="ignore"):
        found = states(posed, wild)
    assert len(found) < wild.total
    assert all(np.isfinite(one.theta).all() for one in found[:-1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: TrainingPlan(()),
        lambda: TrainingPlan((Stage(0, 1, Batches((1,))), Stage(1, 1, Batches((1,))))),
        lambda: Stage(0, 0, Batches((1,))),
        lambda: Schedule(0.0),
        lambda: Schedule(1e-3, 1e-2),
        lambda: Schedule(kind="linear"),
        lambda: on_level(problem().architecture, 1, "galerkin", "averaging-cubic"),
        lambda: on_level(replace(problem().architecture, stencil=5), 1, "galerkin"),
        lambda: on_level(problem().architecture, 4),
    ],
)
def test_bad_plans_are_refused(make):
    with pytest.raises(InputError):
        make()


def test_parameters_without_the_opening_move_no_kernels():
    """A network whose opening is fixed has fewer parameters than arrays: every kernel would be shifted."""
    net = problem().architecture
    with pytest.raises(InputError, match="shape"):
        move_kernels(net.map.layout.pack(net.initial(0, "float64"))[3:], net, "averaging-constant", 1)
