"""The mesh-free convolution: its matrix, what it does to waves, the same operator on every mesh."""

from __future__ import annotations

import numpy as np
import pytest

from refms.checks import complex_step_test
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.layers.mesh_free import mesh_free_map
from refms.stencils.mesh_free import PARAMETERS, mesh_free_matrix, mesh_free_symbol

RNG = np.random.default_rng(3)


def draw_xi(channels=1):
    """Parameters as training begins with them, with both signs of a."""
    xi = np.random.default_rng(1).standard_normal((channels, 7))
    xi[:, :2] *= 0.5
    xi[:, 6] -= 4
    return xi


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (2, 6), (1, 8), (1, 1)])
def test_the_layer_is_its_matrix(shape):
    grid, xi = Grid(shape), draw_xi(2)
    w = RNG.standard_normal((2 * grid.cells, 3))
    found = mesh_free_map(grid, 2).apply(xi.ravel(), w).reshape(2, grid.cells, 3)
    for channel in range(2):
        expected = mesh_free_matrix(xi[channel], grid) @ w.reshape(found.shape)[channel]
        assert np.allclose(found[channel], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(8, 8), (6, 8), (5, 7)])
def test_the_operator_of_a_real_field_is_real(shape):
    """With the Nyquist number in D or in the cross term the imaginary part would be 1e-2, not round-off."""
    even, odd = mesh_free_symbol(draw_xi(), Grid(shape))[0][:, 0]
    field = np.fft.ifft2((even + 1j * odd) * np.fft.fft2(RNG.standard_normal(shape)))
    assert abs(field.imag).max() < 1e-14


def test_waves_are_damped_and_turned_as_the_formula_says():
    """v of cos(2π k·x) is e (g0 cos − (g·k) sin): kx belongs to the last axis."""
    xi, grid = np.array([0.3, 0.8, 0.6, 0.5, 2.0, -1.0, np.log(0.05)]), Grid((16, 32))
    y, x = np.meshgrid(grid.centres(0) - 1 / 32, grid.centres(1) - 1 / 64, indexing="ij")
    kx, ky = 3, -2
    c, s = np.cos(0.6), np.sin(0.6)
    C = 0.301 * np.outer([c, -s], [c, -s]) + 0.801 * np.outer([s, c], [s, c])
    decay = np.exp(-0.05 * np.array([kx, ky]) @ C @ np.array([kx, ky]))
    phase = 2 * np.pi * (kx * x + ky * y)
    expected = decay * (0.5 * np.cos(phase) - (2.0 * kx - 1.0 * ky) * np.sin(phase))
    found = mesh_free_map(grid, 1).apply(xi, np.cos(phase).reshape(-1, 1)).reshape(16, 32)
    assert np.allclose(found, expected, rtol=0, atol=1e-13)


def test_the_same_parameters_are_the_same_operator_on_every_mesh():
    xi, values = draw_xi(), []
    for n in (16, 32, 64):
        x = np.arange(n) / n
        field = np.cos(2 * np.pi * (3 * x[:, None] + x)) + np.sin(2 * np.pi * (x[:, None] - 2 * x))
        v = mesh_free_map(Grid((n, n)), 1).apply(xi.ravel(), field.reshape(-1, 1)).reshape(n, n)
        values.append(v[:: n // 16, :: n // 16])
    assert max(abs(one - values[0]).max() for one in values) < 1e-13 * abs(values[0]).max()


def test_first_and_second_derivatives_of_the_symbol_are_complex_steps():
    xi, grid = draw_xi(2), Grid((4, 6))
    _, first, second = mesh_free_symbol(xi, grid, 2)
    for q, name in enumerate(PARAMETERS):
        direction = np.zeros_like(xi)
        direction[:, q] = 1.0
        for got, order, key in [(first[name], 0, None), *((second[p, name], 1, p) for p in PARAMETERS)]:

            def symbol(z, order=order, key=key):
                found = mesh_free_symbol(z.reshape(xi.shape), grid, order)[order]
                return (found if key is None else found[key]).reshape(-1)

            if abs(got).max() > 0:
                report = complex_step_test(symbol, xi.ravel(), direction.ravel(), jvp=got.reshape(-1))
                assert report.passed, f"{key} {name}: {report}"


def test_only_grids_of_two_axes_and_seven_parameters():
    with pytest.raises(InputError, match="two axes"):
        mesh_free_symbol(draw_xi(), Grid((8,)))
    with pytest.raises(InputError, match="xi"):
        mesh_free_symbol(draw_xi()[:, :6], Grid((8, 8)))
