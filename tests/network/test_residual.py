"""The residual network: parameters in and out, seeds, and the named intermediates."""

from __future__ import annotations

import numpy as np
import pytest

from refms.errors import InputError
from refms.grid import Grid
from refms.network.architectures.residual import Residual, initial_parameters


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
