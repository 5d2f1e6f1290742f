"""Weights in and out: the classifier's h^d, flips, stacked layers, names, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms import Classes, Grid, Residual, initial_model, to_depth, transfer
from refms.errors import InputError
from refms.exchange.weights import export_weights, import_weights
from refms.maps.architectures.residual_image import ResidualImage
from refms.maps.architectures.unet import UNet
from refms.stencils.convolution import convolution_matrix

NAMES = {"body.{k}.weight": "stencils", "body.{k}.bias": "biases", "fc.weight": "W", "fc.bias": "mu"}


def drawn(model, seed=0):
    """Weights as a state_dict has them, random and in the shapes of the model."""
    rng = np.random.default_rng(seed)
    shapes = {name: a.shape for name, a in export_weights(model).items()}
    return {name: rng.standard_normal(shape).astype(model.dtype) for name, shape in shapes.items()}


def same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, strict=True)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.integers(3, 6), min_size=1, max_size=3).map(tuple),
    channels=st.integers(1, 3),
    layers=st.integers(1, 3),
    pooled=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
    orientation=st.sampled_from(["correlation", "convolution"]),
    seed=st.integers(0, 99),
)
def test_the_logits_are_those_of_correlations_and_a_linear_layer_of_the_flattened_features(
    shape, channels, layers, pooled, dtype, orientation, seed
):
    d, pooling = len(shape), 0 if pooled else 1
    one = {"stencil_shape": (3,) * d, "opening_shape": (1,) * d, "orientation": orientation}
    net = Residual(Grid(shape), channels, layers=layers, final_time=0.5, **one)
    weights = drawn(initial_model(net, Classes(4, pooling=pooling), dtype=dtype), seed)
    model = import_weights(weights, net, pooling=pooling)
    X = np.random.default_rng(seed).standard_normal((net.grid.cells, 3)).astype(dtype)

    y = np.kron(weights["opening.weight"].reshape(channels, 1), np.eye(net.grid.cells)) @ X.astype(float)
    for k in range(layers):
        S, b = (weights[f"propagation.layer{k}.{leaf}"].astype(float) for leaf in ("weight", "bias"))
        K = convolution_matrix(S, net.grid)  # whose stencils are correlations
        y = y + 0.5 / layers * np.tanh(K @ y + np.repeat(b, net.grid.cells)[:, None])
    features = y.reshape(channels, -1, 3).mean(axis=1) if pooled else y
    logits = weights["classifier.weight"] @ features + weights["classifier.bias"][:, None]
    scale = np.abs(weights["classifier.weight"]) @ np.abs(features) + 1
    error = np.abs(model.outputs(X) - logits) / scale
    assert error.max() < 300 * np.finfo(dtype).eps
    assert model.dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_round_trip_is_bit_for_bit_where_the_cells_are_a_power_of_two_and_else_to_one_ulp_of_w(dtype):
    for extent in (8, 14):
        net = Residual(Grid((extent, extent)), 3, layers=2, orientation="convolution")
        weights = drawn(initial_model(net, Classes(4), dtype=dtype))
        again = export_weights(import_weights(weights, net))
        if extent == 14:
            np.testing.assert_array_max_ulp(again["classifier.weight"], weights["classifier.weight"], 1)
            weights["classifier.weight"] = again["classifier.weight"]
        same(again, weights)


@pytest.mark.parametrize(
    "net",
    [
        UNet(Grid((4, 4)), 1, 2, (1, 1), groups=1),
        ResidualImage(Grid((4, 4)), 1, 4, 1),
        ResidualImage(Grid((4,)), 1, 4, 1),
        ResidualImage(Grid((4, 4)), 1, 4, 1, convolution="mesh-free"),
    ],
    ids=["U-net", "residual image", "on a line", "mesh-free"],
)
def test_image_networks_make_the_round_trip_with_linear_layers_of_two_axes(net):
    rng = np.random.default_rng(1)
    weights = {}
    for part, shape in net.arrays.shapes.items():
        name = part.replace("/", ".").replace("stencil", "weight")
        linear = "time" in part.split("/") and part.endswith("stencil")
        name = name.replace(".gamma", ".weight").replace(".beta", ".bias")
        weights[name] = rng.standard_normal(shape[:2] if linear else shape)
    model = import_weights(weights, net)
    same(export_weights(model), weights)
    for part, array in model.arrays.items():
        assert np.isin(array, [*weights.values()][[*net.arrays.shapes].index(part)]).all()


def test_a_linear_layer_in_the_place_of_a_1x1_stencil_comes_back_as_one():
    net = Residual(Grid((4, 4)), 2, 3, layers=1)
    weights = drawn(initial_model(net, Classes(2)))
    weights["opening.weight"] = weights["opening.weight"].reshape(2, 3)
    model = import_weights(weights, net)
    same(export_weights(model), weights)
    same(
        {"opening": export_weights(transfer(model, (8, 8), "averaging-bilinear"))["opening.weight"]},
        {"opening": weights["opening.weight"]},
    )


def test_their_names_come_back_from_other_meshes_and_depths():
    net = Residual(Grid((4, 4)), 2, layers=2)
    start = initial_model(net, Classes(3), seed=3)
    weights = export_weights(start, NAMES)
    body = ["body.0.weight", "body.0.bias", "body.1.weight", "body.1.bias"]
    assert [*weights] == ["opening.weight", *body, "fc.weight", "fc.bias"]
    model = import_weights(weights, net, NAMES)
    for name, array in start.arrays.items():
        np.testing.assert_array_equal(model.arrays[name], array)
    fine = transfer(model, (8, 8), "averaging-bilinear")
    assert {n: a.shape for n, a in export_weights(fine).items()} == {
        n: (3, 128) if n == "fc.weight" else a.shape for n, a in weights.items()
    }
    alone = import_weights(export_weights(to_depth(start, 1)), net.with_layers(1))
    assert "propagation.layer1.bias" in export_weights(to_depth(alone, 2))
    one = {"conv.weight": "stencils"}
    named = import_weights(export_weights(to_depth(start, 1), one), net.with_layers(1), one)
    assert {"conv.weight", "propagation.layer0.bias"} < set(export_weights(named))
    assert "propagation.layer1.weight" in export_weights(to_depth(named, 2))
    deep = export_weights(to_depth(model, 4))
    np.testing.assert_array_equal(deep["body.2.weight"], weights["body.1.weight"])
    assert len(deep) == 1 + 2 * 4 + 2


def test_everything_that_does_not_fit_is_named_with_both_shapes():
    net = Residual(Grid((4, 4)), 2, layers=1)
    weights = drawn(initial_model(net, Classes(3)))
    weights["strange"] = weights.pop("opening.weight")
    weights["propagation.layer0.weight"] = np.zeros((2, 2, 5, 5))
    weights["classifier.weight"] = np.zeros((3, 16))
    with pytest.raises(InputError) as error:
        import_weights(weights, net)
    for words in (
        "Missing: 'opening.weight' (2, 1, 1, 1) for 'opening/stencil'",
        "left over: 'strange' (2, 1, 1, 1)",
        "'propagation.layer0.weight' (2, 2, 5, 5), expected (2, 2, 3, 3) for 'propagation/layer0/stencil'",
        "'classifier.weight' (3, 16), expected (3, 32) for 'W'",
    ):
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"a": "stencil"}, "Did you mean 'stencils'"),
        ({"a": "stencils"}, "2 layers; expected a name with {k}"),
        ({"classifier.bias": "opening"}, "expected (2, 1, 1, 1) for 'opening/stencil'"),
    ],
)
def test_a_table_of_names_that_cannot_be_is_refused(names, words):
    net = Residual(Grid((4, 4)), 2, layers=2)
    weights = drawn(initial_model(net, Classes(3)))
    with pytest.raises(InputError) as error:
        import_weights(weights, net, names)
    assert words in str(error.value)


def test_two_parts_of_one_name_are_refused():
    model = initial_model(Residual(Grid((4, 4)), 2, layers=2), Classes(3))
    with pytest.raises(InputError, match="name each differently"):
        export_weights(model, {"mu": "W", "classifier.weight": "mu", "opening.weight": "mu"})


@pytest.mark.parametrize("dtype", ["float16", "complex128"])
def test_another_precision_is_refused_and_mixed_ones_too(dtype):
    net = Residual(Grid((4, 4)), 2, layers=1)
    weights = drawn(initial_model(net, Classes(3)))
    with pytest.raises(InputError, match="expected float32 or float64"):
        import_weights({name: array.astype(dtype) for name, array in weights.items()}, net)
    weights["classifier.bias"] = weights["classifier.bias"].astype("float32")
    with pytest.raises(InputError, match="mixed precision"):
        import_weights(weights, net)
