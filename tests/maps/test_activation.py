"""Activations: derivatives by independent routes, limits, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from refms.errors import InputError
from refms.maps.activation import ACTIVATIONS, SILU, activation, smoothed_relu

NAMES = [one.name for one in ACTIVATIONS]
Z = np.linspace(-3.0, 3.0, 121) + 0.0123  # no point on a kink


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_agree_with_central_differences(name):
    one, t = activation(name), 1e-5
    first = (one.value(Z + t) - one.value(Z - t)) / (2 * t)
    second = (one.derivative(Z + t) - one.derivative(Z - t)) / (2 * t)
    assert np.abs(one.derivative(Z) - first).max() < 1e-9
    assert np.abs(one.second_derivative(Z) - second).max() < 1e-9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_shared_evaluation_is_the_separate_one_and_keeps_dtype(name, dtype):
    one, z = activation(name), Z.astype(dtype)
    value, slope = one.value_and_derivative(z)
    for got, expected in ((value, one.value(z)), (slope, one.derivative(z))):
        assert got.dtype == dtype
        assert np.array_equal(got, expected)
    assert one.second_derivative(z).dtype == dtype


@pytest.mark.parametrize("name", ["tanh", "identity"])
def test_analytic_activations_take_complex_steps(name):
    one = activation(name)
    error = np.abs(one.value(Z + 1e-30j).imag / 1e-30 - one.derivative(Z))
    assert error.max() <= 4 * np.finfo(float).eps


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "smoothed_relu"])
def test_kinked_activations_refuse_complex_input(name):
    with pytest.raises(InputError, match="not analytic"):
        activation(name).value(Z + 0j)


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_nan(name):
    assert np.isnan(activation(name).value(np.array([np.nan]))).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [0.1, 0.3, 0.7])
def test_smoothed_relu_is_the_relu_from_the_ends_of_its_parabola_on(width, dtype):
    one, eta = smoothed_relu(width), np.dtype(dtype).type(width)
    ends, eps = np.array([-eta, eta], dtype=dtype), np.finfo(dtype).eps
    inside = np.nextafter(ends, np.zeros(2, dtype))
    assert one.value(ends).tolist() == [0.0, eta]
    assert one.derivative(ends).tolist() == [0.0, 1.0]
    assert one.second_derivative(ends).tolist() == [0.0, 0.0]
    assert one.second_derivative(np.zeros(1, dtype)) == 1 / (2 * eta)
    assert np.abs(one.value(inside) - one.value(ends)).max() <= eps
    assert np.abs(one.derivative(inside) - one.derivative(ends)).max() <= eps


def test_derivatives_at_a_kink_come_from_the_left():
    at_the_kink = np.zeros(1)
    for name, left in (("relu", 0.0), ("leaky_relu", 0.01)):
        assert activation(name).derivative(at_the_kink) == left
        assert activation(name).second_derivative(at_the_kink) == 0.0


def test_names_and_the_default_width():
    analytic = {"tanh": True, "relu": False, "leaky_relu": False, "smoothed_relu": False}
    analytic |= {"silu": True, "identity": True}
    assert {one.name: one.analytic for one in ACTIVATIONS} == analytic
    assert smoothed_relu().value(np.zeros(1)) == pytest.approx(0.1 / 4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_silu_neither_overflows_nor_cancels_far_out(dtype):
    """s(z) = 1 for large z; z s(z) = z exp(z) for z far below 0, small as it is."""
    Z = np.array([-5000.0, -60.0, 0.0, 60.0, 5000.0], dtype)
    value, slope = SILU.value_and_derivative(Z)
    low = -60 * np.exp(-60.0)
    np.testing.assert_allclose(value, [0, low, 0, 60, 5000], rtol=1e-5)
    np.testing.assert_allclose(slope, [0, low * 59 / 60, 0.5, 1, 1], rtol=1e-5)
    np.testing.assert_allclose(SILU.second_derivative(Z)[:3], [0, low * 58 / 60, 0.5], rtol=1e-5)
