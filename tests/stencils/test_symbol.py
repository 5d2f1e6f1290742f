"""The symbol is the spectrum, the FFT is the matrix, and the norms are those of the dense matrix."""

import itertools

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import (
    DTYPES,
    LIMIT,
    boundaries,
    channels,
    draw_array,
    orientations,
    seeds,
    shapes_and_sizes,
)

from refms.grid import Grid
from refms.stencils.convolution import Convolution, convolution_matrix
from refms.stencils.symbol import (
    eigenvalues,
    frobenius_norm,
    infinity_norm,
    one_norm,
    spectral_norm,
    symbol,
)


def mode(grid, frequency):
    """e^{iω·x} on the grid, one column."""
    phase = sum(f * x / n for f, x, n in zip(frequency, np.indices(grid.shape), grid.shape, strict=True))
    return np.exp(2j * np.pi * phase).reshape(-1)


@given(shapes_and_sizes(), channels, orientations, seeds)
@settings(max_examples=30)
def test_fourier_modes_are_mapped_by_the_blocks_of_the_symbol(shape_and_sizes, channels, orientation, seed):
    shape, sizes = shape_and_sizes
    grid, S = Grid(shape), draw_array(seed, (*channels, *sizes), "complex128")
    blocks = symbol(S, grid, orientation=orientation)
    assert blocks.shape == (*shape, *channels)
    K = Convolution(grid, channels[1], channels[0], sizes, orientation=orientation).matrix(S)
    frequency = tuple(np.random.default_rng(seed).integers(shape))
    v = draw_array(seed + 1, channels[1], "complex128")
    wave = mode(grid, frequency)
    expected = np.kron(blocks[frequency] @ v, wave)
    scale = np.finfo(float).eps * np.abs(S).sum() * np.abs(v).sum()
    assert np.abs(K @ np.kron(v, wave) - expected).max() <= LIMIT * scale


@pytest.mark.parametrize("orientation", ["correlation", "convolution"])
@pytest.mark.parametrize(
    ("shape", "size"), [((7,), (3,)), ((2,), (5,)), ((4, 5), (3, 5)), ((3, 2, 4), (3, 3, 1))]
)
def test_eigenvalues_are_those_of_the_matrix(shape, size, orientation):
    s, grid = draw_array(1, size), Grid(shape)
    K = convolution_matrix(s, grid, orientation=orientation).toarray()
    ours = eigenvalues(s, grid, orientation=orientation)
    assert ours.shape == shape
    wave = np.stack([mode(grid, f) for f in np.ndindex(*shape)], axis=1)
    np.testing.assert_allclose(K @ wave, wave * ours.ravel(), rtol=0, atol=1e-13 * np.abs(s).sum())
    dense = np.linalg.eigvals(K)
    distance = np.abs(dense[:, None] - ours.ravel()[None, :])
    assert distance.min(axis=0).max() < 1e-12
    assert distance.min(axis=1).max() < 1e-12


@given(
    shapes_and_sizes(),
    channels,
    orientations,
    st.sampled_from(DTYPES),
    seeds,
)
@settings(max_examples=40)
def test_the_symbol_is_what_the_convolution_does_to_transforms(
    shape_and_sizes, channels, orientation, dtype, seed
):
    """K(S) Y = F⁻¹ λ(ω) F Y."""
    shape, sizes = shape_and_sizes
    grid, S = Grid(shape), draw_array(seed, (*channels, *sizes), dtype)
    Y = draw_array(seed + 1, (channels[1] * grid.cells, 2), dtype)
    axes = tuple(range(1, 1 + grid.dimension))
    spectrum = np.fft.fftn(Y.reshape(channels[1], *shape, 2), axes=axes)
    product = symbol(S, grid, orientation=orientation) @ np.moveaxis(spectrum, 0, -2)
    got = np.fft.ifftn(np.moveaxis(product, -2, 0), axes=axes).reshape(channels[0] * grid.cells, -1)
    direct = Convolution(grid, channels[1], channels[0], sizes, orientation=orientation).apply(S, Y)
    # The transform spreads rounding errors over all cells, so the scale is a norm and not a single entry.
    scale = np.finfo(dtype).eps * np.abs(S).sum() * np.linalg.norm(Y)
    assert np.abs(got - direct).max() <= LIMIT * scale


@pytest.mark.parametrize("shape", [(8,), (5, 6), (4, 3, 5)])
def test_symmetric_stencils_have_real_and_antisymmetric_ones_imaginary_spectra(shape):
    s = draw_array(4, (3,) * len(shape))
    even, odd = s + np.flip(s), s - np.flip(s)
    scale = np.finfo(float).eps * np.abs(s).sum()
    assert np.abs(eigenvalues(even, Grid(shape)).imag).max() <= LIMIT * scale
    assert np.abs(eigenvalues(odd, Grid(shape)).real).max() <= LIMIT * scale
    assert np.abs(eigenvalues(odd, Grid(shape)).imag).max() > 0.1


@pytest.mark.parametrize("shape", [(5, 7), (2, 4)])
def test_periodic_matrices_are_normal_and_their_symbols_multiply(shape):
    s, t = draw_array(5, (2, 3, 3))
    grid = Grid(shape)
    K = convolution_matrix(s, grid)
    np.testing.assert_allclose((K.T @ K).toarray(), (K @ K.T).toarray(), rtol=0, atol=1e-13)
    product = eigenvalues(scipy.signal.convolve2d(s, t), grid)
    np.testing.assert_allclose(product, eigenvalues(s, grid) * eigenvalues(t, grid), rtol=0, atol=1e-12)
    np.testing.assert_allclose(eigenvalues(np.flip(s), grid), eigenvalues(s, grid).conj(), rtol=0, atol=1e-13)


@given(shapes_and_sizes(), channels, boundaries, seeds)
@settings(max_examples=50)
def test_norms_are_those_of_the_dense_matrix(shape_and_sizes, channels, boundary, seed):
    shape, sizes = shape_and_sizes
    grid, S = Grid(shape), draw_array(seed, (*channels, *sizes), "complex128")
    K = Convolution(grid, channels[1], channels[0], sizes, boundary).matrix(S).toarray()
    assert np.isclose(frobenius_norm(S, grid, boundary=boundary), np.linalg.norm(K), rtol=1e-13)
    assert np.isclose(one_norm(S, grid, boundary=boundary), np.linalg.norm(K, 1), rtol=1e-13)
    assert np.isclose(infinity_norm(S, grid, boundary=boundary), np.linalg.norm(K, np.inf), rtol=1e-13)
    if boundary == "periodic":
        assert np.isclose(spectral_norm(S, grid), np.linalg.norm(K, 2), rtol=1e-12)


@pytest.mark.parametrize("boundary", ["periodic", "zero"])
@pytest.mark.parametrize("power", [1000, -1000, 520, -560])
def test_norms_at_every_scale(power, boundary):
    grid, S, factor = Grid((4, 5)), draw_array(11, (2, 3, 3, 3)), 2.0**power
    for norm in (frobenius_norm, one_norm, infinity_norm):
        assert norm(factor * S, grid, boundary=boundary) == factor * norm(S, grid, boundary=boundary)
        assert norm(0.0 * S, grid, boundary=boundary) == 0.0
        assert np.isnan(norm(np.nan * S, grid, boundary=boundary))


@pytest.mark.parametrize("channels", list(itertools.product((1, 2, 3), repeat=2)))
def test_spectral_norm_is_that_of_the_dense_matrix_for_every_number_of_channels(channels):
    grid, S = Grid((4, 5)), draw_array(10, (*channels, 3, 3))
    K = Convolution(grid, channels[1], channels[0]).matrix(S).toarray()
    assert np.isclose(spectral_norm(S, grid), np.linalg.norm(K, 2), rtol=1e-12)


@pytest.mark.parametrize("boundary", ["periodic", "zero"])
def test_spectra_and_norms_agree_on_every_backend(device, boundary):
    grid, host = Grid((3, 4)), draw_array(8, (2, 3, 3, 5))

    def results(S):
        values = [norm(S, grid, boundary=boundary) for norm in (frobenius_norm, one_norm, infinity_norm)]
        if boundary == "periodic":
            values += [spectral_norm(S, grid), symbol(S, grid), eigenvalues(S[0, 0], grid)]
        return values

    for there, here in zip(results(device.array(host)), results(host), strict=True):
        got = there if isinstance(there, float) else device.host(there)
        np.testing.assert_allclose(got, here, rtol=1e-13, atol=1e-13)
