"""Pieces of the patch matrix hold every column once and right, however the grid is cut into them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import LIMIT, boundaries, draw_array, rho, shapes_and_sizes

from refms.backend import NUMPY
from refms.definition.norms import row_sum_norm
from refms.grid import Grid
from refms.stencils.convolution import Convolution, shift_matrix
from refms.stencils.routes import im2col
from refms.stencils.routes.neighbours import offsets_of
from refms.stencils.routes.route import Geometry


@given(shapes_and_sizes(5), st.integers(1, 3), boundaries, st.sampled_from([1, 2, 5, 17, 1000]))
@settings(max_examples=80)
def test_pieces_are_the_shifted_columns_cut_anywhere(shape_and_sizes, examples, boundary, room):
    shape, sizes = shape_and_sizes
    grid, channels = Grid(shape), 2
    Y = draw_array(1, (channels * grid.cells, examples))
    kappas = [[offsets_of(k)[q] for k, q in zip(sizes, at, strict=True)] for at in np.ndindex(*sizes)]
    expected = np.stack(
        [
            np.stack([shift_matrix(grid, kappa, boundary) @ y for y in Y.reshape(2, grid.cells, -1)])
            for kappa in kappas
        ]
    ).reshape(len(kappas), channels, -1)
    fields = Y.reshape(channels, -1, shape[-1] * examples)
    found, visited = np.full_like(expected, np.nan), np.zeros(grid.cells * examples, dtype=int)
    for piece in im2col._pieces(Geometry(grid, sizes, boundary), examples, NUMPY, room):
        columns = piece.columns.stop - piece.columns.start
        assert columns <= room
        P = np.full((len(kappas) * channels, columns), np.nan)
        line = min(columns, fields.shape[-1])
        im2col._fill(P.reshape(-1, sizes[-1], channels, columns // line, line), fields, piece)
        found[:, :, piece.columns] = P.reshape(len(kappas), channels, -1)
        visited[piece.columns] += 1
    np.testing.assert_array_equal(found, expected)
    assert (visited == 1).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("boundary", ["periodic", "zero"])
@pytest.mark.parametrize("stencil_shape", [(3, 3), (1, 1), (1, 5)])
def test_wide_layers_of_many_pieces_are_their_matrices(stencil_shape, boundary, dtype):
    K = Convolution(Grid((24, 20)), 40, 33, stencil_shape, boundary, route="im2col")
    S, Y, Z = (
        draw_array([7, k], shape, dtype)
        for k, shape in enumerate([K.stencils_shape, (K.rows_in, 3), (K.rows_out, 3)])
    )
    matrix = K.matrix(S)
    gY, gS = K.adjoint_and_gradient(S, Z, Y)
    assert rho(K.apply(S, Y), matrix @ Y, row_sum_norm(S) * np.abs(Y).max()) <= LIMIT
    assert rho(gY, matrix.T @ Z, row_sum_norm(S.swapaxes(0, 1)) * np.abs(Z).max()) <= LIMIT
    scale = np.linalg.norm(Z) * np.linalg.norm(Y)
    plain = plain_gradient(K, Z, Y)
    for found in (gS, K.stencil_gradient(Z, Y)):
        assert rho(found, plain, scale) <= LIMIT


def plain_gradient(K, Z, Y):
    """The gradient ⟨Z_o, Π_κ Y_c⟩ by explicit shift matrices."""
    n, gradient = K.grid.cells, np.empty(K.stencils_shape, dtype=Y.dtype)
    for at in np.ndindex(*K.stencil_shape):
        kappa = [offsets_of(k)[q] for k, q in zip(K.stencil_shape, at, strict=True)]
        shifted = np.stack([shift_matrix(K.grid, kappa, K.boundary) @ y for y in Y.reshape(K.c_in, n, -1)])
        gradient[(..., *at)] = np.einsum("oie,cie->oc", Z.reshape(K.c_out, n, -1), shifted)
    return gradient


def test_a_column_does_not_depend_on_the_others_beyond_round_off():
    K = Convolution(Grid((16, 16)), 33, 32, route="im2col")
    S, Y = draw_array(1, K.stencils_shape, "float32"), draw_array(2, (K.rows_in, 9), "float32")
    whole, scale = K.apply(S, Y), row_sum_norm(S) * np.abs(Y).max()
    for part in (slice(0, 1), slice(1, 9)):
        assert rho(K.apply(S, Y[:, part]), whole[:, part], scale) <= LIMIT
