"""Every second cell of a convolution against rows of K(S), and a framework's stride, by either way to it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import DTYPES, LIMIT, convolutions, draw_array, rho, seeds

from refms.backend import NUMPY
from refms.grid import Grid
from refms.stencils.conv import conv_matrix
from refms.stencils.convolution import Convolution
from refms.stencils.strided import FEW_CHANNELS, FEW_EXAMPLES, StridedConvolution

FEW_OR_MANY = {"c_in": (1, 2, FEW_CHANNELS), "cells": (9, 6, 3)}
"""Channels on both sides of where patches of the kept cells begin to pay."""


def kept_rows(K):
    """Numbers of the rows of K(S) for cells 0, 2, 4, …, written down without the package."""
    rows = np.arange(K.rows_out).reshape(K.c_out, *K.grid.shape)
    return rows[(slice(None), *[slice(None, None, 2)] * K.grid.dimension)].ravel()


@given(
    K=convolutions(**FEW_OR_MANY),
    dtype=st.sampled_from(DTYPES),
    examples=st.sampled_from((1, FEW_EXAMPLES, FEW_EXAMPLES + 1)),
    seed=seeds,
)
@settings(max_examples=60)
def test_all_products_are_those_of_the_kept_rows(K, dtype, examples, seed):
    D, rows = StridedConvolution(K), kept_rows(K)
    shapes = (K.stencils_shape, (K.rows_in, examples), (len(rows), examples), (K.rows_in, examples))
    S, Y, Z, add = (draw_array([seed, k], shape, dtype) for k, shape in enumerate(shapes))
    route = D.route_for(np.dtype(dtype), examples, NUMPY)
    wide = "complex128" if "complex" in dtype else "float64"
    A, sizes = (K.matrix(T.astype(wide))[rows] for T in (S, np.abs(S)))
    assert (D.rows_in, D.rows_out) == (A.shape[1], A.shape[0])
    assert (D.matrix(S) != K.matrix(S)[rows]).nnz == 0
    assert rho(route.combine([(S, Y)]), A @ Y, sizes @ np.abs(Y)) <= LIMIT
    both = route.combine([(S, Y), (S, add)], None, Z, Z)
    bound = np.abs(Z) * (1 + sizes @ (np.abs(Y) + np.abs(add)))
    assert rho(both, Z + Z * (A @ (Y.astype(wide) + add)), bound) <= LIMIT
    back, bound = add + A.T @ Z, np.abs(add) + sizes.T @ np.abs(Z)
    wide_Z = np.zeros((K.rows_out, examples), wide)
    wide_Z[rows] = Z
    slope = K.stencil_gradient(wide_Z, Y.astype(wide))
    scale = K.stencil_gradient(np.abs(wide_Z), np.abs(Y).astype("float64"))
    assert rho(route.adjoint(S, Z, add), back, bound) <= LIMIT
    assert rho(route.gradient(Z, Y), slope, scale) <= LIMIT
    gY, gS = route.adjoint_and_gradient(S, Z, Y, add)
    assert rho(gY, back, bound) <= LIMIT
    assert rho(gS, slope, scale) <= LIMIT


@pytest.mark.parametrize("shape", [(9, 8), (7,), (4, 3, 5)])
@pytest.mark.parametrize(("boundary", "mode"), [("zero", "zeros"), ("periodic", "circular")])
def test_it_is_the_stride_of_a_framework(shape, boundary, mode):
    grid = Grid(shape)
    K = Convolution(grid, FEW_CHANNELS, 2, (3,) * len(shape), boundary)
    S, Y = draw_array(0, K.stencils_shape), draw_array(1, (K.rows_in, FEW_EXAMPLES))
    found = StridedConvolution(K).route_for(Y.dtype, FEW_EXAMPLES).combine([(S, Y)])
    layer = conv_matrix(S, grid, stride=2, padding=1, padding_mode=mode)
    np.testing.assert_allclose(found, layer @ Y, rtol=0, atol=1e-12)
