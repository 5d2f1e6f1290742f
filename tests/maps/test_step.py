"""One step Y + δt F: what it asks of F and of δt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from maps.table import EXAMPLES, GRIDS, TANH

from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer
from refms.maps.map import At
from refms.maps.parameters import recomputed
from refms.maps.step import step
from refms.maps.time.coupling import leapfrog, verlet
from refms.maps.time.euler import forward_euler
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import RK4, Tableau
from refms.stencils.convolution import Convolution

K = Convolution(GRIDS[2], 2, 2)
LAYER = convolution_layer(K, TANH)
ONE, HALF = np.float64(1.0), np.float64(0.5)


@pytest.mark.parametrize(
    "F",
    [
        step(LAYER, HALF),
        step(chain(("a", LAYER)), HALF),
        forward_euler(LAYER, 2, ONE),
        runge_kutta(LAYER, 2, ONE, RK4),
        runge_kutta(LAYER, 2, 1.0, Tableau("midpoint", ((), (HALF,)), (ONE * 0, ONE), 2)),
        leapfrog(LAYER, 2, ONE),
        verlet(Convolution(GRIDS[2]), TANH, 2, ONE),
    ],
)
def test_times_that_are_numbers_of_numpy_keep_single_precision(F):
    theta, Y = (np.ones(shape, "float32") for shape in (F.layout.size, (F.rows_in, EXAMPLES)))
    point = F.at(theta, Y)
    along, gY = point.second(Y)
    tangent = along(theta, Y)
    for array in (point.output, point.jvp(theta, Y), *point.vjp(Y), gY, tangent.output, *tangent.vjp(Y)):
        assert array.dtype == "float32"


def test_a_map_without_second_derivatives_has_a_step_with_first_ones():
    def linearize(theta, Y):
        whole = LAYER.linearize(theta, Y)
        return At(whole.output, whole.jvp, whole.vjp)

    F = step(replace(LAYER, linearize=linearize, fused_step=None), 0.5)
    theta, Y = np.full(F.layout.size, 0.1), np.ones((F.rows_in, EXAMPLES))
    point, expected = F.at(theta, Y), step(LAYER, 0.5).at(theta, Y)
    np.testing.assert_allclose(point.jvp(theta, Y), expected.jvp(theta, Y), rtol=1e-14)
    assert point.second is None


def test_a_step_of_a_recomputed_layer_keeps_its_input_alone():
    F = step(recomputed(LAYER), 0.5)
    assert F.kept == LAYER.rows_out
    theta, Y = np.full(F.layout.size, 0.1), np.ones((F.rows_in, EXAMPLES))
    np.testing.assert_array_equal(F.at(theta, Y).vjp(Y)[0], step(LAYER, 0.5).at(theta, Y).vjp(Y)[0])


@pytest.mark.parametrize("layer", [LAYER, chain(("", LAYER))], ids=["fused", "not"])
def test_a_step_records_what_it_adds(layer):
    F = step(layer, 0.5)
    rng = np.random.default_rng(0)
    theta, Y = rng.standard_normal(F.layout.size), rng.standard_normal((F.rows_in, EXAMPLES))
    found = F.recorded(theta, Y)
    np.testing.assert_array_equal(found["increment"], LAYER.evaluate(theta, Y))
    np.testing.assert_array_equal(found["output"], F.evaluate(theta, Y))
