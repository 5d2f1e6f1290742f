"""The layers of the networks for images over random shapes: all derivatives, first and second."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from maps.table import join

from refms.checks import adjoint_test, complex_step_test, taylor_test
from refms.grid import Grid
from refms.maps.activation import SILU, leaky_relu
from refms.maps.branches import concatenate
from refms.maps.chain import chain
from refms.maps.layers.channels import channel_gate, channel_scale, channel_shift, take_rows
from refms.maps.layers.convolution import convolution_map
from refms.maps.layers.entrywise import entrywise, time_features
from refms.maps.layers.linear import average_pooling, operator_map
from refms.maps.layers.mesh_free import mesh_free_map
from refms.maps.layers.norms import normalization
from refms.stencils.convolution import Convolution
from refms.stencils.resize import resize_matrix
from refms.stencils.shuffle import pixel_shuffle_matrix

grids = st.integers(1, 3).flatmap(lambda d: st.tuples(*[st.integers(1, (9, 5, 3)[d - 1])] * d)).map(Grid)
channels, sizes = st.integers(1, 4), st.sampled_from((1, 3))


@st.composite
def convolutions(draw):
    grid = draw(grids)
    shape = tuple(draw(sizes) for _ in grid.shape)
    K = Convolution(grid, draw(channels), draw(channels), shape, draw(st.sampled_from(("zero", "periodic"))))
    return convolution_map(K, bias=draw(st.booleans()))


@st.composite
def normalizations(draw):
    grid, groups, each = draw(grids), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    assume(each * grid.cells > 2)  # of one or two numbers only signs are left
    return normalization(grid, groups * each, groups, draw(st.sampled_from((1e-2, 1.0))))


@st.composite
def resizings(draw):
    shape, onto = (draw(st.tuples(*[st.integers(1, 6)] * 2)) for _ in range(2))
    kernel = draw(st.sampled_from(("nearest", "linear", "cubic", "box")))
    return operator_map(resize_matrix(Grid(shape), Grid(onto), kernel, antialias=draw(st.booleans())))


@st.composite
def blocks(draw):
    """What stands between two convolutions, once more beside itself."""
    grid, c = draw(grids), draw(channels)
    assume(c * grid.cells > 2)
    body = chain(
        ("norm", normalization(grid, c, 1, 0.1)),
        ("scale", channel_scale(grid, c)),
        ("silu", entrywise(c * grid.cells, SILU)),
    )
    return concatenate(("a", body), ("b", body))


LAYERS = st.one_of(
    convolutions(),
    normalizations(),
    resizings(),
    blocks(),
    st.builds(channel_shift, grids, channels),
    st.builds(channel_gate, grids, channels),
    st.builds(channel_scale, grids, channels),
    st.builds(lambda n: entrywise(n, SILU), st.integers(1, 12)),
    st.builds(time_features, st.integers(1, 5)),
    st.builds(lambda a, b, c: take_rows(a + b + c, a, a + b), *[st.integers(1, 4)] * 3),
    st.builds(lambda g, c: average_pooling(g.refine(), c, 2), grids, channels),
    st.builds(
        lambda c, r: operator_map(pixel_shuffle_matrix(Grid((2, 3)), c, r)), channels, st.integers(1, 3)
    ),
    st.builds(lambda n, c: mesh_free_map(Grid(n), c), st.tuples(*[st.integers(1, 5)] * 2), channels),
)
FAIL = "FAIL"
"""A norm cancels digits, so a right derivative may be MARGINAL, ρ ≤ 300; a wrong one has ρ near 1/eps."""

draws = given(layer=LAYERS, m=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))


def points(layer, m, seed):
    """θ and Y, a cotangent G, and a direction of each; no exponential is large."""
    rng = np.random.default_rng(seed)
    shapes = ((layer.layout.size,), (layer.rows_in, m), (layer.rows_out, m))
    return [[0.5 * rng.standard_normal(shape) for shape in shapes] for _ in range(2)]


def function(layer, m):
    """Return z = (θ, Y) ↦ F, and the way back from z."""
    p = layer.layout.size

    def unjoin(z):
        return z[:p], z[p:].reshape(layer.rows_in, m)

    return unjoin, lambda z: layer.apply(*unjoin(z))


@settings(max_examples=80)
@draws
def test_first_derivatives_are_the_complex_step_and_each_others_transpose(layer, m, seed):
    (theta, Y, _), (dtheta, dY, _) = points(layer, m, seed)
    unjoin, apply = function(layer, m)
    F = layer.at(theta, Y)
    found = complex_step_test(apply, join(theta, Y), join(dtheta, dY), jvp=F.jvp(dtheta, dY))
    assert found.verdict != FAIL, str(found)
    size = theta.size + Y.size
    transposed = adjoint_test(lambda v: F.jvp(*unjoin(v)), lambda G: join(*F.vjp(G)), (size,), F.output.shape)
    assert transposed.passed, str(transposed)


@settings(max_examples=80)
@draws
def test_second_derivatives_are_the_complex_step_of_the_adjoint(layer, m, seed):
    at, directions = points(layer, m, seed)
    cuts = np.cumsum([a.size for a in at])[:-1]

    def adjoint(z):
        theta, Y, G = (part.reshape(a.shape) for part, a in zip(np.split(z, cuts), at, strict=True))
        return join(*layer.at(theta, Y).vjp(G))

    along, _ = layer.at(*at[:2]).second(at[2])
    expected = join(*along(*directions[:2]).vjp(directions[2]))
    found = complex_step_test(adjoint, join(*at), join(*directions), jvp=expected)
    assert found.verdict != FAIL, str(found)


@settings(max_examples=40)
@given(rows=st.integers(1, 12), m=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
def test_the_leaky_relu_has_the_orders_of_taylor_away_from_its_kink(rows, m, seed):
    layer = entrywise(rows, leaky_relu(0.2))
    rng = np.random.default_rng(seed)
    Y = rng.choice([-1.0, 1.0], (rows, m)) * rng.uniform(0.5, 2, (rows, m))
    V = rng.uniform(-1, 1, Y.shape)
    F = layer.at(np.zeros(0), Y)
    found = taylor_test(lambda y: layer.apply(np.zeros(0), y), Y, V, jvp=F.jvp(None, V), largest_step=0.25)
    assert found.passed, str(found)
    np.testing.assert_array_equal(F.vjp(V)[1], np.where(Y > 0, 1, 0.2) * V)
