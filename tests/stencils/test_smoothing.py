"""The Gaussian that images get before they are restricted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from stencils.drawn import DTYPES, seeds
from stencils.drawn import shapes as shapes_up_to

from refms.grid import Grid
from refms.stencils.smoothing import gaussian_matrix, smooth

shapes = shapes_up_to(6, 4, 2)
widths = st.floats(0.0, 3.0)


@settings(max_examples=30)
@given(shapes, widths)
def test_matrix_averages_symmetrically(shape, sigma):
    G = gaussian_matrix(Grid(shape), sigma).toarray()
    np.testing.assert_allclose(G.sum(axis=1), 1, atol=1e-13)
    np.testing.assert_allclose(G, G.T, atol=1e-15)
    assert G.min() >= 0
    assert np.linalg.eigvalsh(G).max() <= 1 + 1e-13


@pytest.mark.parametrize("sigma", [0.25, 0.5, 1.25, 3.0])
@pytest.mark.parametrize("shape", [(5,), (16, 4), (3, 4, 6)])
def test_matrix_agrees_with_scipy_even_where_the_kernel_is_wider_than_the_grid(shape, sigma):
    u = np.random.default_rng(0).standard_normal(shape)
    expected = gaussian_filter(u, sigma, mode="wrap", radius=int(np.ceil(4 * sigma)))
    found = (gaussian_matrix(Grid(shape), sigma) @ u.ravel()).reshape(shape)
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_entries_follow_the_formula():
    k = np.arange(-4, 5)
    g = np.exp(-(k**2) / 2.0)
    row = gaussian_matrix(Grid((32,)), 1.0).toarray()[10]
    np.testing.assert_allclose(row[6:15], g / g.sum(), rtol=1e-14)
    assert np.count_nonzero(row) == 9


@pytest.mark.parametrize("sigma", [0.0, 1e-3, 5e-324])
def test_no_width_changes_nothing(sigma):
    Y = np.random.default_rng(1).standard_normal((24, 2))
    G = gaussian_matrix(Grid((3, 4)), sigma)
    np.testing.assert_array_equal(G.toarray(), np.eye(12))
    assert G.nnz == 12
    np.testing.assert_array_equal(smooth(Y, Grid((3, 4)), sigma), Y)
    assert not np.shares_memory(smooth(Y, Grid((3, 4)), sigma), Y)


def test_fourier_modes_are_damped_as_by_the_heat_equation():
    n, sigma, mode = 64, 2.0, 5
    wave = np.cos(2 * np.pi * mode * np.arange(n) / n)
    damping = np.exp(-((2 * np.pi * mode / n * sigma) ** 2) / 2)
    np.testing.assert_allclose(gaussian_matrix(Grid((n,)), sigma) @ wave, damping * wave, atol=1e-4)


@settings(max_examples=30)
@given(shapes, widths, st.integers(1, 3), seeds)
def test_smooth_is_the_matrix_on_every_channel(shape, sigma, channels, seed):
    grid = Grid(shape)
    Y = np.random.default_rng(seed).standard_normal((channels * grid.cells, 3))
    G = np.kron(np.eye(channels), gaussian_matrix(grid, sigma).toarray())
    rho = np.abs(smooth(Y, grid, sigma) - G @ Y).max() / (np.finfo(float).eps * np.abs(Y).max())
    assert rho <= 30


@pytest.mark.parametrize("dtype", DTYPES)
def test_precision_is_kept(dtype):
    Y = np.random.default_rng(3).standard_normal((12, 2)).astype(dtype)
    assert smooth(Y, Grid((3, 4)), 1.0).dtype == dtype
    single = gaussian_matrix(Grid((6,)), 1.0, "float32")
    assert (single.dtype, single.format) == (np.float32, "csr")
    np.testing.assert_allclose(single.sum(axis=1), 1, atol=1e-6)


def test_columns_stay_on_their_device(device):
    Y = np.random.default_rng(4).standard_normal((24, 2))
    smoothed = device.host(smooth(device.array(Y), Grid((3, 4)), 1.0))
    np.testing.assert_allclose(smoothed, smooth(Y, Grid((3, 4)), 1.0), atol=1e-14)
    G = gaussian_matrix(Grid((3, 4)), 1.0, backend=device.backend)
    np.testing.assert_array_equal(device.host(G).toarray(), gaussian_matrix(Grid((3, 4)), 1.0).toarray())
