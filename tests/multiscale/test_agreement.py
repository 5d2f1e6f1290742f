"""Measured smoothing: exact where it can be known, and never worse than other widths."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from small_nets import images, trained

from refms.data.dataset import Dataset, subset
from refms.data.preprocessing import Preprocessing
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.residual import Residual
from refms.model import initial_model
from refms.multiscale.agreement import agreeing_smoothing, agreement
from refms.multiscale.resolution import transfer
from refms.objective.reading import Classes
from refms.stencils.transfer import transfer_pair

pytestmark = pytest.mark.filterwarnings("ignore:the logits of the moved net differ")


def blobs(n: int, count: int = 6) -> Dataset:
    """Return sums of broad periodic waves: smoothing damps them as its variance says."""
    rng, x = np.random.default_rng(4), (np.arange(n) + 0.5) / n
    waves = [np.ones(n)] + [f(2 * np.pi * k * x) for k in (1, 2) for f in (np.cos, np.sin)]
    basis = np.array([np.outer(a, b) for a in waves for b in waves])
    found = np.tensordot(rng.standard_normal((count, len(basis))), basis, axes=1)
    found = (found - found.min()) / np.ptp(found)
    return Dataset(found[:, None], np.zeros(count, int), classes=3, name="waves", max_value=1.0)


def linear(n: int, sigma: float):
    """Return a net without propagation, T = 0, on half the cells of the images."""
    steps = Preprocessing(smoothing=sigma, levels=1)
    net = initial_model(Residual(Grid((n, n)), 2, final_time=0.0), Classes(3), 1, preprocessing=steps)
    W = np.random.default_rng(2).standard_normal((n, n, 6)).reshape(1, n, n, 6)
    modes = np.fft.fftn(W, axes=(1, 2))
    modes[:, 3:-2], modes[:, :, 3:-2] = 0, 0  # smooth weights
    W = np.fft.ifftn(modes, axes=(1, 2)).real.reshape(n * n, 2, 3)
    return net.with_arrays(W=np.moveaxis(W, 1, 0).reshape(2 * n * n, 3).copy())


def test_without_propagation_the_adjoint_needs_no_other_smoothing():
    net = linear(16, 2.0)
    moved = transfer(net, Grid((32, 32)), "averaging-bilinear", weights="adjoint")
    found = agreeing_smoothing(net, moved, blobs(32), 4.0)
    assert found.smoothing == pytest.approx(2.0, abs=0.01)
    assert found.distance < 1e-3


def test_what_the_weights_smooth_more_the_images_are_smoothed_less():
    """W = P w reads h^d⟨P w, y⟩ = H^d⟨w, 2^-d Pᵀ y⟩, with variance 3/4 where R has 1/4."""
    net = linear(16, 2.0)
    moved = transfer(net, Grid((32, 32)), "averaging-bilinear", weights="pair")
    assert agreeing_smoothing(net, moved, blobs(32), 4.0).smoothing == pytest.approx(math.sqrt(3.5), abs=0.02)


@pytest.mark.parametrize(("here", "there"), [(4, 8), (8, 4), (8, 16)])
def test_no_other_width_agrees_better(here, there):
    net = trained(here, iterations=3)
    net = replace(net, preprocessing=replace(net.preprocessing, smoothing=0.5))
    moved, some = transfer(net, Grid((there, there)), "averaging-bilinear"), images()
    expected = net.outputs(net.prepare(some))

    def distance(width: float) -> float:
        steps = replace(moved.preprocessing, smoothing=width)
        Z = replace(moved, preprocessing=steps).outputs(
            replace(moved, preprocessing=steps).prepare(some, interpolate=True)
        )
        return float(np.linalg.norm(Z - expected) / np.linalg.norm(expected))

    found = agreeing_smoothing(net, moved, some, 2.0)
    assert found.distance == pytest.approx(distance(found.smoothing), rel=1e-12)
    assert found.distance <= min(distance(width) for width in np.linspace(0, 2, 41)) * (1 + 1e-3)


@pytest.mark.parametrize(("here", "there"), [(4, 8), (8, 16), (8, 4)])
@pytest.mark.parametrize(("iterations", "final_time", "sigma"), [(3, 1.0, 0.0), (3, 2.0, 0.7), (6, 2.0, 0.7)])
def test_the_better_rule_for_the_weights_keeps_the_logits_closer(here, there, iterations, final_time, sigma):
    """On the way up that is the adjoint, on the way down the pair, at the best width of either."""
    net, pair = (
        trained(here, iterations=iterations, final_time=final_time),
        transfer_pair("averaging-bilinear"),
    )
    net = replace(net, preprocessing=replace(net.preprocessing, smoothing=sigma))
    distances = {
        rule: agreement(net, transfer(net, Grid((there, there)), pair, weights=rule), pair, images()).distance
        for rule in ("pair", "adjoint", None)
    }
    better, other = ("adjoint", "pair") if there > here else ("pair", "adjoint")
    assert distances[None] == distances[better] < 0.95 * distances[other]


def test_a_distance_that_predicts_a_loss_is_told(recwarn):
    """Smooth weights without propagation go up as they are; those of the digits on 4x4 do not."""
    warnings.simplefilter("always")
    for origin, some, told in ((linear(16, 2.0), blobs(32), 0), (trained(4), images(), 1)):
        recwarn.clear()
        moved = transfer(origin, origin.grid.refine(), "averaging-bilinear")
        found = agreeing_smoothing(origin, moved, some, 4.0)
        assert len(recwarn) == told == (found.distance > 0.1)
        assert all(f"differ by {100 * found.distance:.0f} %" in str(one.message) for one in recwarn)


def test_by_default_widths_up_to_twice_the_matched_one_are_tried_on_the_first_images():
    """0 + 1/4 + 3/4 is matched to the bilinear pair, so that 2 is the widest."""
    net, pair, many = trained(4), transfer_pair("averaging-bilinear"), images(count=700)
    moved = transfer(net, Grid((8, 8)), pair)
    first = subset(many, np.arange(500))
    assert agreement(net, moved, pair, many) == agreeing_smoothing(net, moved, first, 2.0)
    assert agreement(net, moved, pair, first) == agreeing_smoothing(net, moved, first, 2.0)


def test_labels_are_not_looked_at_and_nothing_is_changed():
    net, some = trained(4), images()
    moved = transfer(net, Grid((8, 8)), "averaging-constant")
    other = replace(some, labels=some.labels[::-1].copy())
    assert agreeing_smoothing(net, moved, some, 1.0) == agreeing_smoothing(net, moved, other, 1.0)
    assert moved.preprocessing.smoothing == 0.0


def test_what_cannot_be_compared_is_refused():
    net, some = trained(4), images()
    moved = transfer(net, Grid((8, 8)), "averaging-constant")
    for bad in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(InputError, match="the widest smoothing is"):
            agreeing_smoothing(net, moved, some, bad)
    with pytest.raises(InputError, match="logits of the net are zero"):
        agreeing_smoothing(net.with_arrays(W=0 * net.arrays["W"], mu=0 * net.arrays["mu"]), moved, some, 1.0)
    with pytest.raises(InputError, match="10 and 3 classes"):
        agreeing_smoothing(net, linear(8, 1.0), some, 1.0)
