"""Conv layers of frameworks as matrices: against loops, PyTorch, their adjoints, and K(S)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stencils.drawn import LIMIT, rho, seeds

from refms.definition import conv as definition
from refms.errors import InputError
from refms.grid import Grid, columns_from_nchw
from refms.names import PADDING_MODES
from refms.stencils.conv import (
    centred_stencil,
    conv_axes,
    conv_grid,
    conv_matrix,
    conv_transpose_matrix,
    padding_matrix,
)
from refms.stencils.convolution import convolution_matrix


def per_axis(d, low, high):
    return st.tuples(*[st.integers(low, high)] * d)


@st.composite
def layers(draw, transposed=False):
    """A grid, a weight, an image and the options of a layer, some of which leave no cell."""
    d = draw(st.integers(1, 3))
    groups, own, other = draw(st.tuples(*[st.integers(1, 3)] * 3))
    grid, stencil = draw(per_axis(d, 1, (9, 6, 4)[d - 1])), draw(per_axis(d, 1, 4))
    options = {"stride": draw(per_axis(d, 1, 3)), "dilation": draw(per_axis(d, 1, 2)), "groups": groups}
    rng = np.random.default_rng(draw(seeds))
    S = rng.standard_normal((groups * own, other, *stencil))
    c_in = groups * (own if transposed else other)
    return Grid(grid), S, rng.standard_normal((2, c_in, *grid)), options


def pairs(padding):
    return tuple((one, one) if isinstance(one, int) else one for one in padding)


@st.composite
def padded_layers(draw, symmetric=False):
    """A layer with padding that its mode can fill, before and after an axis by itself if not symmetric."""
    grid, S, Y, options = draw(layers())
    mode = draw(st.sampled_from(PADDING_MODES))
    padding = []
    for n in grid.shape:
        most = {"reflect": n - 1, "circular": n}.get(mode, 3)
        one = draw(st.integers(0, most))
        padding.append(one if symmetric else (one, draw(st.integers(0, most))))
    axes = zip(grid.shape, pairs(padding), S.shape[2:], options["dilation"], strict=True)
    assume(all(n + sum(p) > r * (k - 1) for n, p, k, r in axes))
    return grid, S, Y, {**options, "padding": tuple(padding), "padding_mode": mode}


@given(padded_layers())
@settings(max_examples=80)
def test_the_matrix_is_the_layer_by_slices(layer):
    grid, S, Y, options = layer
    K = conv_matrix(S, grid, **options)
    stride, dilation, groups, padding, mode = options.values()
    said = [
        definition.conv(T, X, stride, padding, mode, dilation, groups) for T, X in ((S, Y), map(abs, (S, Y)))
    ]
    out = conv_grid(conv_axes(S, grid, stride, padding, mode, dilation))
    assert said[0].shape[2:] == out.shape
    assert rho(K @ columns_from_nchw(Y), *map(columns_from_nchw, said)) <= LIMIT


@given(padded_layers(symmetric=True), st.data())
@settings(max_examples=80)
def test_the_matrix_is_that_of_torch(layer, data):
    torch = pytest.importorskip("torch")
    grid, S, Y, options = layer
    padding, mode = options["padding"], options["padding_mode"]
    sides = [side for one in reversed(padding) for side in (one, one)]
    name = {"zeros": "constant"}.get(mode, mode)
    wide = torch.nn.functional.pad(torch.from_numpy(Y), sides, mode=name)
    call = getattr(torch.nn.functional, f"conv{grid.dimension}d")
    others = {name: options[name] for name in ("stride", "dilation", "groups")}
    found = columns_from_nchw(call(wide, torch.from_numpy(S), **others).numpy())
    expected = conv_matrix(S, grid, **options) @ columns_from_nchw(Y)
    size = conv_matrix(abs(S), grid, **options) @ columns_from_nchw(abs(Y))
    assert rho(found, expected, size) <= LIMIT


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("padding", ["same", "valid", (1, 2)])
def test_a_module_of_torch_is_its_matrix(mode, padding):
    torch = pytest.importorskip("torch")
    options = {"padding": padding, "padding_mode": mode, "dilation": (2, 1), "groups": 2}
    layer = torch.nn.Conv2d(4, 6, (2, 3), bias=False, dtype=torch.float64, **options)
    Y = np.random.default_rng(0).standard_normal((3, 4, 5, 6))
    with torch.no_grad():
        found = columns_from_nchw(layer(torch.from_numpy(Y)).numpy())
    K = conv_matrix(layer.weight.detach().numpy(), Grid((5, 6)), **options)
    np.testing.assert_allclose(K @ columns_from_nchw(Y), found, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("n", "k", "s", "r"), [((5, 6), (2, 3), (2, 3), (1, 1)), ((7, 4), (4, 2), (1, 3), (2, 1))]
)
def test_same_padding_of_strided_layers_is_that_of_xla(n, k, s, r):
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(0)
    S, Y = rng.standard_normal((4, 1, *k)), rng.standard_normal((2, 2, *n))
    with jax.enable_x64(True):
        found = jax.lax.conv_general_dilated(Y, S, s, "SAME", rhs_dilation=r, feature_group_count=2)
    K = conv_matrix(S, Grid(n), stride=s, padding="same", dilation=r, groups=2)
    np.testing.assert_allclose(
        K @ columns_from_nchw(Y), columns_from_nchw(np.asarray(found)), rtol=0, atol=1e-13
    )


@st.composite
def transposed_layers(draw):
    grid, S, Z, options = draw(layers(transposed=True))
    more = tuple(
        draw(st.integers(0, max(s, r) - 1))
        for s, r in zip(options["stride"], options["dilation"], strict=True)
    )
    padding = draw(per_axis(grid.dimension, 0, 2))
    axes = zip(grid.shape, S.shape[2:], padding, more, options["stride"], options["dilation"], strict=True)
    assume(all((n - 1) * s - 2 * p + r * (k - 1) + o >= 0 for n, k, p, o, s, r in axes))
    return grid, S, Z, {**options, "padding": padding, "output_padding": more}


@given(transposed_layers())
@settings(max_examples=80)
def test_the_transposed_layer_scatters_as_the_definition_and_torch_do(layer):
    grid, S, Z, options = layer
    stride, dilation, groups, padding, more = options.values()
    K, absolute = (conv_transpose_matrix(T, grid, **options) for T in (S, abs(S)))
    said = definition.conv_transpose(S, Z, stride, pairs(padding), more, dilation, groups)
    size = absolute @ columns_from_nchw(abs(Z))
    assert rho(K @ columns_from_nchw(Z), columns_from_nchw(said), size) <= LIMIT
    torch = pytest.importorskip("torch")
    call = getattr(torch.nn.functional, f"conv_transpose{grid.dimension}d")
    found = call(torch.from_numpy(Z), torch.from_numpy(S), **options).numpy()
    assert rho(columns_from_nchw(found), columns_from_nchw(said), size) <= LIMIT


@given(padded_layers(symmetric=True))
@settings(max_examples=40)
def test_the_adjoint_of_a_layer_is_the_transposed_layer_of_the_same_weight(layer):
    grid, S, _, options = layer
    options = {**options, "padding_mode": "zeros"}
    mode, padding = options.pop("padding_mode"), options["padding"]
    axes = conv_axes(S, grid, options["stride"], padding, mode, options["dilation"])
    more = tuple(
        (a.n + 2 * p - a.dilation * (a.k - 1) - 1) % a.stride for a, p in zip(axes, padding, strict=True)
    )
    back = conv_transpose_matrix(S, conv_grid(axes), output_padding=more, **options)
    np.testing.assert_array_equal(back.toarray(), conv_matrix(S, grid, **options).toarray().T)


def test_plain_loops_over_cells():
    S = np.random.default_rng(0).standard_normal((4, 1, 2, 3))
    y = np.random.default_rng(1).standard_normal((2, 5, 6))
    K = conv_matrix(
        S, Grid((5, 6)), stride=(2, 1), padding=(1, 2), padding_mode="reflect", dilation=2, groups=2
    )
    z = np.zeros((4, 3, 6))
    for o, i, j, p, q in itertools.product(range(4), range(3), range(6), range(2), range(3)):
        row, column = abs(2 * i + 2 * p - 1), abs(j + 2 * q - 2)
        row, column = min(row, 8 - row), min(column, 10 - column)
        z[o, i, j] += S[o, 0, p, q] * y[o // 2, row, column]
    np.testing.assert_allclose(K @ y.ravel(), z.ravel(), rtol=0, atol=1e-13)


@given(layers(), st.sampled_from([("zeros", "zero"), ("circular", "periodic")]))
@settings(max_examples=40)
def test_a_layer_that_keeps_the_grid_is_a_convolution_with_a_centred_stencil(layer, modes):
    grid, S, _, options = layer
    mode, boundary = modes
    dilation, groups = options["dilation"], options["groups"]
    assume(
        mode == "zeros"
        or all(r * (k - 1) <= 2 * n - 1 for r, k, n in zip(dilation, S.shape[2:], grid.shape, strict=True))
    )
    axes = conv_axes(S, grid, 1, "same", mode, dilation)
    found = convolution_matrix(centred_stencil(S, axes, groups), grid, boundary=boundary)
    K = conv_matrix(S, grid, padding="same", padding_mode=mode, dilation=dilation, groups=groups)
    np.testing.assert_allclose(found.toarray(), K.toarray(), rtol=0, atol=1e-14)
    strided = conv_axes(S, Grid((4,) * grid.dimension), 2, "same", "zeros", dilation)
    assert centred_stencil(S, strided, groups) is None


@pytest.mark.parametrize(("n", "k", "s"), [*itertools.product((5, 8), (1, 2, 5), (1, 2, 3))])
def test_same_padding_leaves_one_cell_for_each_stride_and_the_odd_cell_stands_after(n, k, s):
    (axis,) = conv_axes(np.ones((1, 1, k)), Grid((n,)), s, "same", "zeros", 1)
    assert axis.m == -(-n // s)
    assert axis.after - axis.before in (0, 1)
    narrower = conv_axes(
        np.ones((1, 1, k)), Grid((n,)), s, ((axis.before, max(axis.after - 1, 0)),), "zeros", 1
    )
    assert axis.after == 0 or narrower[0].m < axis.m


def test_padding_copies_the_cells_that_numpy_copies():
    for mode, name in definition.NUMPY_MODES.items():
        line = np.arange(1.0, 6.0)
        np.testing.assert_array_equal(padding_matrix(5, 3, 4, mode) @ line, np.pad(line, (3, 4), name))


S = np.ones((2, 2, 3, 3))
BAD = {
    "expected (channels": {"S": np.ones((3, 3))},
    "dtype int64": {"S": np.ones((1, 1, 3, 3), int)},
    "no multiple of the 3 groups": {"groups": 3},
    "groups is 0": {"groups": 0},
    "stride is 0": {"stride": 0},
    "stride is (1, 2, 3)": {"stride": (1, 2, 3)},
    "dilation is 1.5": {"dilation": 1.5},
    "padding is -1": {"padding": -1},
    "padding is (1, 2, 3)": {"padding": ((1, 2, 3), (1, 2, 3))},
    "padding is (1, 1, 1)": {"padding": ((1, 1), (1, 1), (1, 1))},
    "Did you mean 'same'": {"padding": "sam"},
    "Did you mean 'circular'": {"padding_mode": "circulr"},
    "reflect can fill 3": {"padding": 4, "padding_mode": "reflect"},
    "circular can fill 4": {"padding": ((0, 5), (0, 0)), "padding_mode": "circular"},
    "has none left": {"dilation": 2},
}


@pytest.mark.parametrize("words", BAD)
def test_layers_that_cannot_be_are_refused(words):
    given = {"S": S, **BAD[words]}
    with pytest.raises(InputError) as caught:
        conv_matrix(given.pop("S"), Grid((4, 4)), **given)
    assert words in str(caught.value)


def test_transposed_layers_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="less than stride 2 or dilation 1"):
        conv_transpose_matrix(S, Grid((4, 4)), stride=2, output_padding=2)
    with pytest.raises(InputError, match="an axis of 1 cells has none left after a stencil of 3"):
        conv_transpose_matrix(S, Grid((1, 1)), padding=2)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
def test_the_dtype_is_that_of_the_weight(dtype):
    assert conv_matrix(S.astype(dtype), Grid((4, 4))).dtype == dtype
    assert conv_transpose_matrix(S.astype(dtype), Grid((4, 4))).dtype == dtype
    axes = conv_axes(S.astype(dtype), Grid((4, 4)), 1, "same", "zeros", 1)
    assert centred_stencil(S.astype(dtype), axes).dtype == dtype
