"""The residual network: parameters in and out, seeds, and the named intermediates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.errors import InputError
from refms.grid import Grid
from refms.network.architectures.residual import Residual, initial_parameters
from refms.network.integrators.runge_kutta import RungeKutta
from refms.network.integrators.tableau import MIDPOINT, RK4
from refms.network.integrators.verlet import Verlet
from refms.network.layers.antisymmetric import AntisymmetricLayer
from refms.network.propagation import ForwardEuler


@pytest.mark.parametrize("opening", ["fixed", "learned"])
def test_parameters_survive_the_way_through_the_vector(opening):
    net = Residual(Grid((4, 6)), 3, layers=2, opening=opening, opening_shape=(3, 3))
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(shape) for name, shape in net.parameter_shapes.items()}
    back = net.parameters(net.theta(arrays), arrays["opening"])
    for name, array in arrays.items():
        assert np.array_equal(back[name], array), name


def test_the_layers_of_the_vector_are_those_of_the_arrays():
    net = Residual(Grid((4, 4)), 2, layers=2, final_time=1.0)
    rng = np.random.default_rng(1)
    arrays = {name: rng.standard_normal(shape) for name, shape in net.parameter_shapes.items()}
    X = rng.standard_normal((16, 2))
    y = np.concatenate([w * X for w in arrays["opening"][:, 0, 0, 0]])
    for S, b in zip(arrays["stencils"], arrays["biases"], strict=True):
        K = net.propagation.layer.convolution.matrix(S)
        y = y + 0.5 * np.tanh(K @ y + np.repeat(b, 16)[:, None])
    got = net.mapping(arrays["opening"]).apply(net.theta(arrays), X)
    assert np.abs(got - y).max() < 1e-14


CHOICES = [
    {"integrator": "midpoint"},
    {"integrator": "rk4", "layer": "antisymmetric", "layer_damping": 0.2},
    {"integrator": "verlet"},
    {"integrator": "verlet", "opening": "learned"},
    {"layer": "antisymmetric"},
]


@pytest.mark.parametrize("options", CHOICES)
def test_parameters_of_other_steps_and_layers_survive_the_way_through_the_vector(options):
    net = Residual(Grid((4, 6)), 4, layers=3, **options)
    c = 2 if net.integrator == "verlet" else 4
    assert net.parameter_shapes == {"opening": (4, 1, 1, 1), "stencils": (3, c, c, 3, 3), "biases": (3, c)}
    rng = np.random.default_rng(2)
    arrays = {name: rng.standard_normal(shape) for name, shape in net.parameter_shapes.items()}
    theta = net.theta(arrays)
    back = net.parameters(theta, arrays["opening"])
    for name, array in arrays.items():
        assert np.array_equal(back[name], array), name
    X = rng.standard_normal((24, 2))
    y = net.opening_map.apply(arrays["opening"].reshape(-1), X)
    expected = net.propagation.apply(theta[-net.propagation.layout.size :], y)
    assert np.array_equal(net.mapping(arrays["opening"]).apply(theta, X), expected)
    assert expected.shape == (96, 2)


def test_the_choices_make_the_propagation():
    def made(**options):
        return Residual(Grid((4, 4)), 2, layers=3, final_time=0.9, **options).propagation

    layer = made().layer
    assert made() == ForwardEuler(layer, 3, 0.9)
    assert made(integrator="midpoint") == RungeKutta(layer, 3, 0.9, MIDPOINT)
    assert made(integrator="rk4") == RungeKutta(layer, 3, 0.9, RK4)
    assert made(layer="antisymmetric", layer_damping=0.1) == ForwardEuler(
        AntisymmetricLayer(layer, 0.1), 3, 0.9
    )
    one = replace(layer, convolution=replace(layer.convolution, c_in=1, c_out=1))
    assert made(integrator="verlet") == Verlet(one, 3, 0.9)


def test_initial_parameters_are_the_same_draws_in_both_precisions():
    net = Residual(Grid((4, 4)), 2)
    double, single = (initial_parameters(net, 5, dtype=t) for t in ("float64", "float32"))
    for name, array in double.items():
        assert single[name].dtype == "float32"
        assert np.array_equal(single[name], array.astype("float32"))
    assert not np.array_equal(initial_parameters(net, 6)["stencils"], double["stencils"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opening": "fix"}, "Did you mean 'fixed'"),
        ({"activation": "relU"}, "Did you mean 'relu'"),
        ({"stencil_shape": (2, 2)}, "odd"),
        ({"stencil_shape": (3,)}, "expected"),
        ({"boundary": "reflect"}, "boundary"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        Residual(Grid((4, 4)), 2, **options)
