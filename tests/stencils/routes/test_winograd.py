"""Winograd's route against the explicit matrix: its identity, its bound, its groups, its networks."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import boundaries, draw_array, orientations, rho, seeds

from refms.backend import NUMPY
from refms.definition.norms import row_sum_norm
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.residual_image import ResidualImage
from refms.maps.architectures.unet import UNet
from refms.stencils.convolution import Convolution
from refms.stencils.routes.route import Geometry
from refms.stencils.routes.table import COMPILED
from refms.stencils.routes.tiles import groups_of, tile_maps
from refms.stencils.routes.winograd import AMPLIFICATION, A, B, G

if COMPILED:
    from refms.stencils.routes.compiled_tiles import compiled_tile_maps

MEASURED = 100
"""Errors in units of eps times the scale: at most 30 for the other routes."""


def test_the_three_matrices_multiply_polynomials():
    """Σ_k A_ki G_kj B_kl is 1 where l = i + j, and 0 elsewhere: each tap meets the cell it belongs to."""
    identity = np.einsum("ki,kj,kl->ijl", A, G, B)
    i, j, cell = np.indices(identity.shape)
    np.testing.assert_allclose(identity, cell == i + j, rtol=0, atol=1e-14)


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 13), st.integers(1, 13)),
    channels=st.tuples(*[st.sampled_from((1, 2, 5, 13))] * 2),
    boundary=boundaries,
    orientation=orientations,
    dtype=st.sampled_from(("float32", "float64", "complex128")),
    examples=st.sampled_from((1, 2, 7, 33)),
    seed=seeds,
)
def test_products_are_those_of_the_matrix(shape, channels, boundary, orientation, dtype, examples, seed):
    exact = Convolution(Grid(shape), *channels, (3, 3), boundary, orientation, route="matrix")
    route = dataclasses.replace(exact, route="winograd")
    S, Y, Z, D = (
        draw_array([seed, k], shape, dtype)
        for k, shape in enumerate(
            [exact.stencils_shape, (exact.rows_in, examples), *[(exact.rows_out, examples)] * 2]
        )
    )
    scale = row_sum_norm(S) * np.abs(Y).max()
    assert rho(route.apply(S, Y), exact.apply(S, Y), scale) <= MEASURED
    found, expected = (K.combine([(S, Y), (2 * S, Y)], None, Z, D) for K in (route, exact))
    assert rho(found, expected, np.abs(D).max() + 3 * np.abs(Z).max() * scale) <= MEASURED
    scale = row_sum_norm(S.swapaxes(0, 1)) * np.abs(Z).max()
    (gY, gS), (adjoint, gradient) = (K.adjoint_and_gradient(S, Z, Y) for K in (route, exact))
    assert rho(route.adjoint(S, Z), adjoint, scale) <= MEASURED
    assert rho(gY, adjoint, scale) <= MEASURED
    scale = np.abs(Z).max() * np.abs(Y).max() * exact.grid.cells * examples
    for got in (gS, route.stencil_gradient(Z, Y)):
        assert got.dtype == S.dtype
        assert rho(got, gradient, scale) <= MEASURED


@pytest.mark.parametrize(
    ("grid", "channels", "examples"), [((9, 90), 40, 1), ((37, 8), 24, 40), ((5, 90), 8, 40)]
)
def test_groups_of_tiles_meet_without_a_seam(grid, channels, examples):
    """More tiles than one group has: rows of them, and examples of one row."""
    route = Convolution(Grid(grid), channels, channels, (3, 3), "zero", route="winograd")
    safe = dataclasses.replace(route, route="im2col")
    rows = (route.rows_in, examples)
    S, Y, Z = (draw_array([3, k], s) for k, s in enumerate((route.stencils_shape, rows, rows)))
    scale = row_sum_norm(S) * np.abs(Y).max()
    assert rho(route.apply(S, Y), safe.apply(S, Y), scale) <= MEASURED
    for got, expected in zip(
        route.adjoint_and_gradient(S, Z, Y), safe.adjoint_and_gradient(S, Z, Y), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.skipif(not COMPILED, reason="numba, the extra `fast`, is not installed")
@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 13), st.integers(1, 70)),
    channels=st.integers(1, 9),
    boundary=boundaries,
    dtype=st.sampled_from(("float32", "float64")),
    examples=st.sampled_from((1, 2, 4, 7, 33)),
    seed=seeds,
)
def test_compiled_maps_of_tiles_are_those_by_kronecker_products(
    shape, channels, boundary, dtype, examples, seed
):
    geometry = Geometry(Grid(shape), (3, 3), boundary)
    plain, compiled = tile_maps(geometry, NUMPY), compiled_tile_maps(geometry)
    Y = draw_array([seed, 0], (channels, *shape, examples), dtype)
    mixing, outputs = draw_array([seed, 1], (36, 3, channels), dtype), []
    for group in groups_of(Y.shape, Y.itemsize, NUMPY):
        for M in (A, B):
            found, V = compiled.spread(M, Y, group), plain.spread(M, Y, group)
            assert found.shape == V.shape
            assert found.dtype == V.dtype == dtype
            assert rho(found, V, row_sum_norm(M[:, :, None]) ** 2 * np.abs(Y).max()) <= MEASURED
        outputs.append((V, group))
    results = []
    for maps in (plain, compiled):
        out = np.full((3, *shape, examples), np.nan, dtype)
        for V, group in outputs:
            maps.gather(A, mixing, V, out, group)
        results.append(out)
    scale = (
        36 * np.abs(A).max() ** 2 * channels * np.abs(mixing).max() * max(abs(V).max() for V, _ in outputs)
    )
    assert rho(*results, scale) <= MEASURED


def test_the_bound_holds_where_signs_make_the_error_large():
    """S and Y of the signs that make the terms of the sum largest; the exact sums are of small integers."""
    K = Convolution(Grid((4, 4)), 1, 1, (3, 3), "zero", route="winograd")
    worst = 0.0
    for seed in range(200):
        S, Y = (np.sign(draw_array([seed, k], s, "float32")) for k, s in enumerate(((1, 1, 3, 3), (16, 8))))
        exact = dataclasses.replace(K, route="matrix").apply(S, Y)
        worst = max(worst, rho(K.apply(S, Y), exact, row_sum_norm(S) * np.abs(Y).max()))
    assert 0 < worst <= 97 * AMPLIFICATION**2


def test_refuses_other_stencils():
    for shape, grid in (((5, 5), (8, 8)), ((3,), (8,)), ((3, 3, 3), (4, 4, 4)), ((1, 3), (8, 8))):
        K = Convolution(Grid(grid), stencil_shape=shape, route="winograd")
        with pytest.raises(InputError, match=r"'winograd' takes stencils of 3×3 entries"):
            K.apply(np.zeros((1, 1, *shape)), np.zeros((K.rows_in, 1)))


def test_runs_where_its_arrays_live(device):
    K = Convolution(Grid((5, 6)), 2, 3, (3, 3), "zero", route="winograd")
    hosts = [draw_array([5, k], s) for k, s in enumerate((K.stencils_shape, (60, 2), (90, 2)))]
    S, Y, Z = map(device.array, hosts)
    there = (K.apply(S, Y), K.stencil_gradient(Z, Y), *K.adjoint_and_gradient(S, Z, Y))
    S, Y, Z = hosts
    here = (K.apply(S, Y), K.stencil_gradient(Z, Y), *K.adjoint_and_gradient(S, Z, Y))
    for found, expected in zip(there, here, strict=True):
        np.testing.assert_allclose(device.host(found), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "network",
    [ResidualImage(Grid((8, 12)), 1, 32, 1), UNet(Grid((8, 8)), 1, 32, (1, 2), groups=4)],
    ids=["residual", "unet"],
)
def test_networks_with_it_have_the_same_layout_values_and_gradients(network):
    fast = dataclasses.replace(network, convolution="winograd")
    assert fast.arrays.layout == network.arrays.layout
    theta = network.arrays.pack(network.initial(0, "float64"))
    Y = draw_array(1, (network.map.rows_in, 8))  # enough cells for tiles
    Y = np.concatenate([Y[:-1], np.full((1, 8), 0.5)])  # a time in [0, 1] where the network has one
    results = []
    for one in (network, fast):
        F = one.map.at(theta, Y)
        results.append([F.output, *F.vjp(np.ones_like(F.output))])
    for found, expected in zip(*results, strict=True):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * scale)
        assert not np.array_equal(found, expected)
