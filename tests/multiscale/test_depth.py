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
BOTH_WAYS = [prolong_in_time, restrict_in_time]


def times(layers, T=1.0):
    return T * np.arange(layers) / layers


@settings(max_examples=60)
@given(depths, depths, seeds)
def test_linear_interpolation_is_that_of_numpy(layers, new_layers, seed):
    Theta = np.random.default_rng(seed).standard_normal((layers, 3))
    expected = np.stack([np.interp(times(new_layers), times(layers), column) for column in Theta.T], axis=1)
    found = time_interpolation_matrix(layers, new_layers) @ Theta
    np.testing.assert_allclose(found, expected, atol=1e-13)


@settings(max_examples=30)
@given(st.integers(2, 12), depths, seeds)
def test_cubic_interpolation_is_the_not_a_knot_spline_held_at_its_end(layers, new_layers, seed):
    Theta = np.random.default_rng(seed).standard_normal((layers, 2))
    held = np.minimum(times(new_layers), times(layers)[-1])
    found = time_interpolation_matrix(layers, new_layers, "cubic") @ Theta
    np.testing.assert_allclose(found, CubicSpline(times(layers), Theta)(held), atol=1e-11)


@both_kinds
@pytest.mark.parametrize(("layers", "new_layers"), [(1, 4), (2, 4), (4, 8), (3, 7), (8, 32)])
def test_functions_linear_in_time_are_exact_up_to_the_last_old_layer_and_then_held(kind, layers, new_layers):
    a, b = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    Theta = a + np.outer(times(layers), b)
    held = np.minimum(times(new_layers), times(layers)[-1])
    np.testing.assert_allclose(prolong_in_time(Theta, new_layers, kind), a + np.outer(held, b), atol=1e-14)


@pytest.mark.parametrize(
    ("kind", "where", "order", "tolerance"),
    [
        ("linear", slice(None, -1), 2, 0.25),
        ("cubic", slice(None, -1), 4, 0.25),
        ("linear", slice(-1, None), 1, 0.1),  # the last layer is held
    ],
)
def test_errors_are_of_the_order_of_the_interpolation(kind, where, order, tolerance):
    errors = []
    for layers in (32, 64):
        found = prolong_in_time(np.exp(2 * times(layers))[:, None], 2 * layers, kind)[:, 0]
        errors.append(np.abs(found - np.exp(2 * times(2 * layers)))[where].max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=tolerance)


@settings(max_examples=40)
@given(depths, depths)
def test_linear_weights_are_convex_combinations(layers, new_layers):
    M = time_interpolation_matrix(layers, new_layers)
    assert M.min() >= 0
    np.testing.assert_allclose(M.sum(axis=1), 1, atol=1e-15)
    assert np.count_nonzero(M, axis=1).max() <= 2


@settings(max_examples=40)
@given(depths, depths, kinds)
def test_old_layers_are_met_bit_by_bit_and_restriction_undoes_prolongation(layers, factor, kind):
    Theta = np.random.default_rng(layers).standard_normal((layers, 2))
    deep = prolong_in_time(Theta, factor * layers, kind)
    np.testing.assert_array_equal(restrict_in_time(deep, layers), Theta)


@both_kinds
@pytest.mark.parametrize("layers", [2, 7, 64])
def test_the_same_number_of_layers_changes_nothing(kind, layers):
    Theta = np.random.default_rng(4).standard_normal((layers, 3))
    same = prolong_in_time(Theta, layers, kind)
    np.testing.assert_array_equal(same, Theta)
    assert not np.shares_memory(same, Theta)
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


def model_with_smooth_parameters(layers):
    network = Residual(Grid((4, 4)), channels=2, layers=layers, final_time=1.5)
    rng, t, bias = np.random.default_rng(9), times(layers), np.array([0.1, -0.4])
    a, b = rng.standard_normal((2, 2, 2, 3, 3))
    stencils = 0.3 * (np.multiply.outer(np.cos(t), a) + np.multiply.outer(np.sin(2 * t), b))
    opening, W = rng.standard_normal((2, 1, 1, 1)), rng.standard_normal((32, 3))
    arrays = {"opening": opening, "stencils": stencils, "biases": np.outer(t, bias)}
    return Model(network, {**arrays, "W": W, "mu": np.zeros(3)}, Classes(3))


@both_kinds
def test_a_deeper_model_keeps_its_time_and_everything_that_is_no_layer(kind):
    model = replace(model_with_smooth_parameters(4), record={"seed": 3})
    deep = to_depth(model, 8, kind)
    assert (deep.architecture.layers, deep.architecture.final_time) == (8, 1.5)
    for name in ("opening", "W", "mu"):
        np.testing.assert_array_equal(deep.arrays[name], model.arrays[name])
    M, shallow = time_interpolation_matrix(4, 8, kind), to_depth(deep, 4)
    for name in ("stencils", "biases"):
        old = model.arrays[name]
        np.testing.assert_allclose(deep.arrays[name], np.tensordot(M, old, 1), atol=1e-14)
        np.testing.assert_array_equal(shallow.arrays[name], old)
    notes = [
        {"from_layers": 4, "to_layers": 8, "interpolation": kind},
        {"from_layers": 8, "to_layers": 4, "interpolation": "linear"},
    ]
    assert deep.record == {"seed": 3, "transfers": notes[:1]}
    assert shallow.record == {"seed": 3, "transfers": notes}
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


@pytest.mark.parametrize("new_layers", [0, -2, 2.5, True, None])
def test_numbers_of_layers_are_positive_whole_numbers(new_layers):
    for call, first in (
        (prolong_in_time, np.zeros((4, 1))),
        (restrict_in_time, np.zeros((4, 1))),
        (time_interpolation_matrix, 4),
    ):
        with pytest.raises(InputError, match="1 or more, a whole number"):
            call(first, new_layers)
    with pytest.raises(InputError, match="1 or more, a whole number"):
        time_interpolation_matrix(new_layers, 4)


@pytest.mark.parametrize(
    ("functions", "Theta", "new_layers", "message"),
    [
        ([prolong_in_time], np.zeros((4, 1)), 2, "Use restrict_in_time"),
        ([restrict_in_time], np.zeros((4, 1)), 3, "does not divide"),
        ([restrict_in_time], np.zeros((4, 1)), 8, "does not divide"),
        (BOTH_WAYS, np.full((2, 2), np.nan), 4, "NaN"),
        (BOTH_WAYS, np.zeros(3), 4, "shape"),
        (BOTH_WAYS, np.zeros((0, 3)), 4, "shape"),
        (BOTH_WAYS, np.zeros((2, 2), dtype=int), 4, "dtype"),
    ],
)
def test_wrong_directions_and_unusable_parameters_are_refused(functions, Theta, new_layers, message):
    for function in functions:
        with pytest.raises(InputError, match=message):
            function(Theta, new_layers)


def test_unknown_kinds_and_precisions_are_refused():
    with pytest.raises(InputError, match="Did you mean 'linear'"):
        prolong_in_time(np.zeros((2, 1)), 4, "liner")
    for layers in (8, 4, 2):  # also where nothing is interpolated
        with pytest.raises(InputError, match="Did you mean 'linear'"):
            to_depth(model_with_smooth_parameters(4), layers, "liner")
    with pytest.raises(InputError, match="unknown dtype 'float16'"):
        time_interpolation_matrix(2, 4, dtype="float16")
