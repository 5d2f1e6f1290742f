"""The discrete gradient: nullspace, spectrum, consistency."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import seeds
from stencils.drawn import shapes as shapes_up_to

from refms.grid import Grid
from refms.stencils.differences import gradient_matrix

both_boundaries = pytest.mark.parametrize("boundary", ["neumann", "periodic"])
boundaries = st.sampled_from(["neumann", "periodic"])
shapes = shapes_up_to(5, 4, 3)


@settings(max_examples=40)
@given(shapes, boundaries, seeds)
def test_rows_are_the_forward_differences_axis_by_axis(shape, boundary, seed):
    u = np.random.default_rng(seed).standard_normal(shape)
    parts = [
        n * (np.roll(u, -1, axis) - u if boundary == "periodic" else np.diff(u, axis=axis)).ravel()
        for axis, n in enumerate(shape)
    ]
    G = gradient_matrix(Grid(shape), boundary)
    np.testing.assert_allclose(G @ u.ravel(), np.concatenate(parts), rtol=0, atol=1e-13)


@settings(max_examples=30)
@given(shapes, boundaries)
def test_exactly_the_constants_vanish(shape, boundary):
    grid = Grid(shape)
    G = gradient_matrix(grid, boundary).toarray()
    assert np.all(G @ np.ones(grid.cells) == 0)
    assert np.linalg.matrix_rank(G) == grid.cells - 1 if len(G) else grid.cells == 1


def test_eigenvalues_are_those_of_the_cosine_and_fourier_modes():
    n, k = 8, np.arange(8)
    for boundary, frequency in (("neumann", np.pi * k / n), ("periodic", 2 * np.pi * k / n)):
        G = gradient_matrix(Grid((n,)), boundary).toarray()
        expected = np.sort(n**2 * (2 - 2 * np.cos(frequency)))
        np.testing.assert_allclose(np.linalg.eigvalsh(G.T @ G), expected, atol=1e-12 * n**2)


@both_boundaries
@pytest.mark.parametrize("d", [1, 2, 3])
def test_energy_of_a_smooth_function_converges_at_order_two(boundary, d):
    errors = []
    for n in (8, 16) if d == 3 else (32, 64):
        grid = Grid((n, 2 * n, n)[:d])
        x = np.meshgrid(*[grid.centres(axis) for axis in range(d)], indexing="ij")
        u = np.prod([np.cos(2 * np.pi * xi) for xi in x], axis=0).ravel()
        energy = grid.cell_volume * np.sum((gradient_matrix(grid, boundary) @ u) ** 2)
        errors.append(abs(energy - d * (2 * np.pi) ** 2 / 2**d))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


@both_boundaries
def test_the_matrix_lives_where_it_is_asked_for(device, boundary):
    there = gradient_matrix(Grid((3, 4)), boundary, backend=device.backend)
    np.testing.assert_array_equal(
        device.host(there).toarray(), gradient_matrix(Grid((3, 4)), boundary).toarray()
    )
