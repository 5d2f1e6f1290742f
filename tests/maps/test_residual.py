"""The residual network: parameters in and out, seeds, and the named intermediates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.architectures.architecture import free_arrays, free_map
from refms.maps.architectures.residual import Residual
from refms.maps.layers.convolution import convolution_layer
from refms.maps.layers.tied import antisymmetric_layer, symmetric_layer
from refms.maps.time.coupling import leapfrog, verlet
from refms.maps.time.euler import forward_euler
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import MIDPOINT, RK4
from refms.stencils.convolution import Convolution


def drawn(net, seed):
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape) for name, shape in net.arrays.shapes.items()}


def test_the_layers_of_the_vector_are_those_of_the_arrays():
    net = Residual(Grid((4, 4)), 2, layers=2, final_time=1.0)
    arrays, X = drawn(net, 1), np.random.default_rng(2).standard_normal((16, 2))
    y = np.concatenate([w * X for w in arrays["opening"][:, 0, 0, 0]])
    for S, b in zip(arrays["stencils"], arrays["biases"], strict=True):
        K = net.convolution.matrix(S)
        y = y + 0.5 * np.tanh(K @ y + np.repeat(b, 16)[:, None])
    got = free_map(net, arrays).apply(free_arrays(net).pack(arrays), X)
    assert np.abs(got - y).max() < 1e-14


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"opening": "learned"},
        {"integrator": "midpoint"},
        {"integrator": "rk4", "layer": "antisymmetric", "layer_damping": 0.2},
        {"integrator": "verlet"},
        {"integrator": "verlet", "opening": "learned"},
        {"layer": "antisymmetric"},
    ],
)
def test_parameters_survive_the_way_through_the_vector(options):
    net = Residual(Grid((4, 6)), 4, layers=3, opening_shape=(3, 1), **options)
    c = 2 if net.integrator == "verlet" else 4
    assert net.arrays.shapes == {"opening": (4, 1, 3, 1), "stencils": (3, c, c, 3, 3), "biases": (3, c)}
    arrays = drawn(net, 2)
    theta = net.arrays.pack(arrays)
    back = net.arrays.unpack(theta)
    for name, array in arrays.items():
        assert np.array_equal(back[name], array), name
    X = np.random.default_rng(3).standard_normal((24, 2))
    y = net.map.parts[0][1].apply(arrays["opening"].reshape(-1), X)
    expected = net.propagation.apply(theta[-net.propagation.layout.size :], y)
    assert np.array_equal(net.map.apply(theta, X), expected)


def layer(conv):
    return convolution_layer(conv, TANH)


MADE = [
    ({}, lambda K: forward_euler(layer(K), 3, 0.9)),
    ({"integrator": "midpoint"}, lambda K: runge_kutta(layer(K), 3, 0.9, MIDPOINT)),
    ({"integrator": "rk4"}, lambda K: runge_kutta(layer(K), 3, 0.9, RK4)),
    ({"integrator": "leapfrog"}, lambda K: leapfrog(layer(K), 3, 0.9)),
    ({"integrator": "verlet"}, lambda K: verlet(replace(K, c_in=1, c_out=1), TANH, 3, 0.9)),
    (
        {"layer": "antisymmetric", "layer_damping": 0.1},
        lambda K: forward_euler(antisymmetric_layer(K, TANH, 0.1), 3, 0.9),
    ),
    ({"layer": "symmetric"}, lambda K: forward_euler(symmetric_layer(K, TANH), 3, 0.9)),
]


@pytest.mark.parametrize(("options", "made"), MADE)
def test_the_choices_make_the_propagation(options, made):
    net = Residual(Grid((4, 4)), 2, layers=3, final_time=0.9, **options)
    expected = made(Convolution(Grid((4, 4)), 2, 2))
    rng = np.random.default_rng(3)
    theta, Y = rng.standard_normal(expected.layout.size), rng.standard_normal((32, 2))
    assert np.array_equal(net.propagation.apply(theta, Y), expected.apply(theta, Y))


def test_initial_parameters_are_the_same_draws_in_both_precisions():
    net = Residual(Grid((4, 4)), 2)
    double, single = (net.initial(5, t) for t in ("float64", "float32"))
    for name, array in double.items():
        assert single[name].dtype == "float32"
        assert np.array_equal(single[name], array.astype("float32"))
    assert not np.array_equal(net.initial(6)["stencils"], double["stencils"])
