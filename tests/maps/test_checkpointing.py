"""Checkpoints in time: the same bits, and less memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from maps.table import products

from refms.grid import Grid
from refms.maps.architectures.architecture import free_arrays, free_map
from refms.maps.architectures.residual import Residual
from refms.maps.chain import chain, frugal
from refms.maps.parameters import frozen
from refms.objective.batches import FEW_COLUMNS
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.regularizers import tikhonov_regularizer
from refms.objective.risk import EmpiricalRisk


def both(layers, dtype="float64", n=4, channels=2):
    net = Residual(Grid((n, n)), channels, layers=layers, final_time=1.3)
    start = net.initial(0, dtype, stencil_scale=2.0)
    plain = free_map(net, start)
    return plain, frugal(plain), free_arrays(net).pack(start)


@settings(max_examples=25)
@given(layers=st.integers(1, 20), dtype=st.sampled_from(("float32", "float64")), seed=st.integers(0, 2**31))
def test_every_product_has_the_same_bits(layers, dtype, seed):
    plain, sparing, theta = both(layers, dtype)
    rng = np.random.default_rng(seed)
    theta = theta + rng.standard_normal(theta.size).astype(dtype)
    Y = rng.standard_normal((plain.rows_in, 3)).astype(dtype)
    expected = products(plain, theta, Y)
    for name, found in products(sparing, theta, Y).items():
        np.testing.assert_array_equal(found, expected[name])
        assert found.dtype == dtype


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 9, 10, 64])
def test_memory_grows_with_the_root_of_the_depth(layers):
    plain, sparing, theta = both(layers, n=16)
    rows = plain.rows_out
    assert sparing.parts[1][1].stored <= 3 * (np.sqrt(layers) + 1) * rows
    Y = np.ones((plain.rows_in, 200))
    peaks = []
    for map_ in (plain, sparing):
        tracemalloc.start()
        F = map_.at(theta, Y)
        F.vjp(F.jvp(theta))
        peaks.append(tracemalloc.get_traced_memory()[1] / (rows * 200 * 8))
        tracemalloc.stop()
    # what is kept, and the arrays and patches in flight
    assert peaks[1] <= sparing.stored / rows + 12
    if layers == 64:
        assert peaks[1] < peaks[0] / 3


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_what_checkpoints_would_not_make_smaller_is_returned_as_it_is(layers):
    net = Residual(Grid((4, 4)), 2, layers=layers, final_time=1.3)
    steps = net.propagation
    found = frugal(steps)
    assert (found is steps) == (layers <= 3)  # three keep 2 + 2·2 states with checkpoints, 3·2 without
    assert found.stored <= steps.stored
    assert frugal(steps.time.layer) is steps.time.layer


@pytest.mark.parametrize(("integrator", "smaller", "gap"), [("forward-euler", 3, 0.0), ("verlet", 10, 1e-13)])
def test_a_risk_spares_memory_where_the_budget_is_short(integrator, smaller, gap):
    """Checkpoints keep every bit; going back through Verlet's steps differs by round-off."""
    net = Residual(Grid((4, 4)), 2, layers=64, final_time=1.3, integrator=integrator)
    start = net.initial(0, stencil_scale=2.0)
    theta, rng = free_arrays(net).pack(start), np.random.default_rng(1)
    classifier = Classifier(Grid((4, 4)), 2, 3)
    head = frozen(classifier.map, rng.standard_normal(classifier.layout.size))
    whole = chain(("network", free_map(net, start)), ("classifier", head))
    data = Examples(rng.standard_normal((16, 2)), np.eye(3)[:, :2])
    none = tikhonov_regularizer(theta.size, 0.0)
    budget = 2 * whole.stored * 8 * FEW_COLUMNS
    roomy, short = (EmpiricalRisk(whole, data, none, memory=bytes_) for bytes_ in (budget, budget - 1))
    assert roomy.map is whole
    assert short.map.stored < whole.stored / smaller
    for product in (
        lambda risk: risk.value_and_gradient(theta)[1],
        lambda risk: risk.curvature(theta)(theta),
    ):
        one, other = product(roomy), product(short)
        assert (gap > 0) == (np.abs(one - other).max() > 0)
        assert np.abs(one - other).max() <= gap * np.abs(one).max()
