"""Parameters as functions of time: from N layers to another number of layers, T kept."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.residual import Residual
from refms.model import Model
from refms.multiscale.depth import prolong_in_time, restrict_in_time, time_interpolation_matrix, to_depth
from refms.objective.reading import Classes

both_kinds = pytest.mark.parametrize("kind", ["linear", "cubic"])
kinds = st.sampled_from(["linear", "cubic"])
depths = st.integers(1, 12)
seeds = st.integers(0, 2**32 - 1)


def times(layers, T=1.0):
    return T * np.arange(layers) / layers


@settings(deadline=None, max_examples=60)
@given(depths, depths, seeds)
def test_linear_interpolation_is_that_of_numpy(layers, new_layers, seed):
    Theta = np.random.default_rng(seed).standard_normal((layers, 3))
    expected = np.stack([np.interp(times(new_layers), times(layers), column) for column in Theta.T], axis=1)
    found = time_interpolation_matrix(layers, new_layers) @ Theta
    np.testing.assert_allclose(found, expected, atol=1e-13)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 12), depths, seeds)
def test_cubic_interpolation_is_the_not_a_knot_spline_held_at_its_end(layers, new_layers, seed):
    Theta = np.random.default_rng(seed).standard_normal((layers, 2))
    held = np.minimum(times(new_layers), times(layers)[-1])
    found = time_interpolation_matrix(layers, new_layers, "cubic") @ Theta
    np.testing.assert_allclose(found, CubicSpline(times(layers), Theta)(held), atol=1e-11)


@both_kinds
@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_constants_are_exact(kind, layers):
    Theta = np.full((layers, 2), 0.7)
    np.testing.assert_allclose(prolong_in_time(Theta, 2 * layers, kind), 0.7, rtol=1e-14)


@both_kinds
@pytest.mark.parametrize(("layers", "new_layers"), [(2, 4), (4, 8), (3, 7), (8, 32)])
def test_functions_linear_in_time_are_exact_up_to_the_last_old_layer_and_then_held(kind, layers, new_layers):
    a, b = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    Theta = a + np.outer(times(layers), b)
    held = np.minimum(times(new_layers), times(layers)[-1])
    np.testing.assert_allclose(prolong_in_time(Theta, new_layers, kind), a + np.outer(held, b), atol=1e-14)


def test_cubic_interpolation_is_exact_for_cubics():
    t, new = times(6)[:, None], times(12)[:, None]
    found = prolong_in_time(t**3 - t, 12, "cubic")
    np.testing.assert_allclose(found[:-1], (new**3 - new)[:-1], atol=1e-14)


@pytest.mark.parametrize(("kind", "order"), [("linear", 2), ("cubic", 4)])
def test_error_order_where_the_old_layers_reach(kind, order):
    errors = []
    for layers in (32, 64):
        found = prolong_in_time(np.exp(2 * times(layers))[:, None], 2 * layers, kind)
        errors.append(np.abs(found[:, 0] - np.exp(2 * times(2 * layers)))[:-1].max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25)


def test_error_of_the_held_last_layer_is_of_order_one():
    errors = []
    for layers in (32, 64):
        found = prolong_in_time(np.sin(times(layers))[:, None], 2 * layers)
        errors.append(abs(found[-1, 0] - np.sin(times(2 * layers)[-1])))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.1)


@settings(deadline=None, max_examples=40)
@given(depths, depths)
def test_linear_weights_are_convex_combinations(layers, new_layers):
    M = time_interpolation_matrix(layers, new_layers)
    assert M.min() >= 0
    np.testing.assert_allclose(M.sum(axis=1), 1, atol=1e-15)
    assert np.count_nonzero(M, axis=1).max() <= 2


@settings(deadline=None, max_examples=40)
@given(depths, depths, kinds)
def test_old_layers_are_met_bit_by_bit_and_restriction_undoes_prolongation(layers, factor, kind):
    Theta = np.random.default_rng(layers).standard_normal((layers, 2))
    deep = prolong_in_time(Theta, factor * layers, kind)
    np.testing.assert_array_equal(restrict_in_time(deep, layers), Theta)


@both_kinds
def test_the_same_number_of_layers_changes_nothing(kind):
    Theta = np.random.default_rng(4).standard_normal((7, 3))
    same = prolong_in_time(Theta, 7, kind)
    np.testing.assert_array_equal(same, Theta)
    assert not np.shares_memory(same, Theta)
    for layers in (2, 7, 64):
        np.testing.assert_array_equal(time_interpolation_matrix(layers, layers, kind), np.eye(layers))


def test_doubling_twice_is_quadrupling():
    Theta = np.random.default_rng(5).standard_normal((6, 2))
    twice = prolong_in_time(prolong_in_time(Theta, 12), 24)
    np.testing.assert_allclose(twice, prolong_in_time(Theta, 24), atol=1e-15)


def test_doubling_keeps_the_smoothness_regularizer():
    def energy(Theta, T=2.0):
        dt = T / len(Theta)
        return dt * np.sum((np.diff(Theta, axis=0) / dt) ** 2)

    Theta = np.random.default_rng(6).standard_normal((8, 3))
    assert energy(prolong_in_time(Theta, 16)) == pytest.approx(energy(Theta), rel=1e-13)


def test_output_of_a_network_changes_at_first_order():
    def output(theta, T=1.0):
        y = 1.0
        for value in theta[:, 0]:
            y = y + T / len(theta) * np.tanh(value * y)
        return y

    changes = []
    for layers in (32, 64):
        Theta = np.cos(2 * times(layers))[:, None]
        changes.append(abs(output(prolong_in_time(Theta, 2 * layers)) - output(Theta)))
    assert np.log2(changes[0] / changes[1]) == pytest.approx(1, abs=0.1)


def model_with_smooth_parameters(layers):
    network = Residual(Grid((4, 4)), channels=2, layers=layers, final_time=1.5)
    rng = np.random.default_rng(9)
    a, b, bias = rng.standard_normal((2, 2, 3, 3)), rng.standard_normal((2, 2, 3, 3)), np.array([0.1, -0.4])
    t = times(layers)
    stencils = 0.3 * (np.multiply.outer(np.cos(t), a) + np.multiply.outer(np.sin(2 * t), b))
    opening, W = rng.standard_normal((2, 1, 1, 1)), rng.standard_normal((32, 3))
    arrays = {"opening": opening, "stencils": stencils, "biases": np.outer(t, bias)}
    return Model(network, {**arrays, "W": W, "mu": np.zeros(3)}, Classes(3))


@both_kinds
def test_a_deeper_model_keeps_its_time_and_everything_that_is_no_layer(kind):
    model = model_with_smooth_parameters(4)
    deep = to_depth(model, 8, kind)
    assert (deep.architecture.layers, deep.architecture.final_time) == (8, 1.5)
    for name in ("opening", "W", "mu"):
        np.testing.assert_array_equal(deep.arrays[name], model.arrays[name])
    M = time_interpolation_matrix(4, 8, kind)
    np.testing.assert_allclose(
        deep.arrays["stencils"], np.tensordot(M, model.arrays["stencils"], 1), atol=1e-14
    )
    np.testing.assert_allclose(deep.arrays["biases"], M @ model.arrays["biases"], atol=1e-14)
    shallow = to_depth(deep, 4)
    np.testing.assert_array_equal(shallow.arrays["stencils"], model.arrays["stencils"])
    np.testing.assert_array_equal(shallow.arrays["biases"], model.arrays["biases"])


def test_every_change_of_depth_is_recorded_after_those_before():
    first = {"from_layers": 4, "to_layers": 8, "interpolation": "cubic"}
    second = {"from_layers": 8, "to_layers": 2, "interpolation": "linear"}
    model = replace(model_with_smooth_parameters(4), record={"seed": 3})
    deep = to_depth(model, 8, "cubic")
    assert deep.record == {"seed": 3, "transfers": [first]}
    assert to_depth(deep, 2).record == {"seed": 3, "transfers": [first, second]}
    assert model.record == {"seed": 3}


def test_logits_of_a_deeper_model_change_at_first_order():
    X, changes = np.random.default_rng(10).standard_normal((16, 5)), []
    for layers in (16, 32):
        model = model_with_smooth_parameters(layers)
        changes.append(np.abs(to_depth(model, 2 * layers).outputs(X) - model.outputs(X)).max())
    assert np.log2(changes[0] / changes[1]) == pytest.approx(1, abs=0.2)


@both_kinds
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_precision_is_kept(kind, dtype):
    rng = np.random.default_rng(7)
    Theta = (rng.standard_normal((4, 3)) + 1j * rng.standard_normal((4, 3))).astype("complex128")
    Theta = (Theta if "complex" in dtype else Theta.real).astype(dtype)
    deep = prolong_in_time(Theta, 8, kind)
    assert deep.dtype == restrict_in_time(Theta, 2).dtype == dtype
    reference = time_interpolation_matrix(4, 8, kind) @ Theta
    assert np.abs(deep - reference).max() <= 30 * np.finfo(dtype).eps * np.abs(Theta).max()
    assert time_interpolation_matrix(4, 8, kind, "float32").dtype == np.float32


@both_kinds
def test_parameters_stay_on_their_device(device, kind):
    Theta = np.random.default_rng(8).standard_normal((4, 3))
    deep = prolong_in_time(device.array(Theta), 8, kind)
    np.testing.assert_allclose(device.host(deep), prolong_in_time(Theta, 8, kind), atol=1e-14)
    np.testing.assert_array_equal(device.host(restrict_in_time(deep, 4)), Theta)
    M = time_interpolation_matrix(4, 8, kind, backend=device.backend)
    np.testing.assert_array_equal(device.host(M), time_interpolation_matrix(4, 8, kind))


@pytest.mark.parametrize("new_layers", [0, -2, 2.0, True, None])
def test_numbers_of_layers_are_positive_integers(new_layers):
    Theta = np.zeros((4, 1))
    for call in (
        lambda: prolong_in_time(Theta, new_layers),
        lambda: restrict_in_time(Theta, new_layers),
        lambda: time_interpolation_matrix(4, new_layers),
        lambda: time_interpolation_matrix(new_layers, 4),
    ):
        with pytest.raises(InputError, match="positive integer"):
            call()


def test_the_wrong_direction_is_refused():
    with pytest.raises(InputError, match="Use restrict_in_time"):
        prolong_in_time(np.zeros((4, 1)), 2)
    for new_layers in (3, 8):
        with pytest.raises(InputError, match="does not divide"):
            restrict_in_time(np.zeros((4, 1)), new_layers)


@pytest.mark.parametrize(
    ("Theta", "message"),
    [
        (np.full((2, 2), np.nan), "NaN"),
        (np.zeros(3), "shape"),
        (np.zeros((0, 3)), "shape"),
        (np.zeros((2, 2), dtype=int), "dtype"),
    ],
)
def test_unusable_parameters_are_refused(Theta, message):
    for function in (prolong_in_time, restrict_in_time):
        with pytest.raises(InputError, match=message):
            function(Theta, 4)


def test_unknown_kinds_are_refused():
    with pytest.raises(InputError, match="Did you mean 'linear'"):
        prolong_in_time(np.zeros((2, 1)), 4, "liner")
    for layers in (8, 4, 2):  # also where nothing is interpolated
        with pytest.raises(InputError, match="Did you mean 'linear'"):
            to_depth(model_with_smooth_parameters(4), layers, "liner")


def test_unknown_precisions_are_refused():
    with pytest.raises(InputError, match="unknown dtype 'float16'"):
        time_interpolation_matrix(2, 4, dtype="float16")
