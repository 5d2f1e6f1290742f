"""Propagations in time are known wherever they stand, and checkpoint there: in chains and in branches."""

from __future__ import annotations

import numpy as np
import pytest
from maps.table import products

from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.branches import add, beside, identity, skip
from refms.maps.chain import chain, frugal
from refms.maps.layers.convolution import convolution_layer, convolution_map
from refms.maps.parameters import frozen
from refms.maps.time.euler import forward_euler
from refms.stencils.convolution import Convolution

K = Convolution(Grid((4,)), stencil_shape=(3,))
OPENING = convolution_map(K)
STEPS = forward_euler(convolution_layer(K, TANH), 16, 1.0)
THERE = ((3, STEPS.time),)  # after the three entries of the opening's stencil
PLACES = {
    "chain": (chain(("opening", OPENING), ("steps", STEPS)), THERE),
    "sum": (add(("opening", OPENING), ("steps", STEPS)), THERE),
    "blocks": (beside(("opening", OPENING), ("steps", STEPS)), THERE),
    "arm of an arm": (chain(("opening", OPENING), ("arm", skip("below", skip("steps", STEPS)))), THERE),
    "two": (add(("first", STEPS), ("second", STEPS)), ((0, STEPS.time), (STEPS.layout.size, STEPS.time))),
    "none learned": (add(("image", identity(4)), ("steps", frozen(STEPS, np.zeros(STEPS.layout.size)))), ()),
}


@pytest.mark.parametrize(("F", "times"), PLACES.values(), ids=PLACES)
def test_a_propagation_is_found_where_its_parameters_begin(F, times):
    assert F.times == times
    assert F.time is (STEPS.time if times == THERE else None)


@pytest.mark.parametrize("place", ["chain", "sum", "blocks", "arm of an arm", "two"])
def test_with_less_memory_the_derivatives_are_the_same_to_the_bit(place):
    F, rng = PLACES[place][0], np.random.default_rng(0)
    theta, Y = rng.standard_normal(F.layout.size), rng.standard_normal((F.rows_in, 3))
    small, expected = frugal(F), products(F, theta, Y)
    assert small.stored < F.stored
    for name, found in products(small, theta, Y).items():
        np.testing.assert_array_equal(found, expected[name])
