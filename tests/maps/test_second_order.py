"""The adjoint of every map, differentiated: complex step, rates, symmetry, and how much is kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from maps.table import EXAMPLES, KINKED, MAPS, assert_close, join, point
from maps.test_contract import kept

from refms.checks import adjoint_test, complex_step_test, taylor_test
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.chain import frugal
from refms.maps.layers.convolution import convolution_layer
from refms.maps.parameters import recomputed
from refms.maps.time.euler import forward_euler
from refms.stencils.convolution import Convolution


def drawn(name, seed=0, dtype="float64"):
    """A map at a point with a cotangent G, and directions in theta, Y and G; no tanh is saturated."""
    map_, theta, Y = point(name, seed, dtype)
    theta = theta * np.asarray(0.4, dtype)
    rng = np.random.default_rng(seed + 100)
    G = rng.standard_normal((map_.rows_out, EXAMPLES)).astype(dtype)
    directions = [rng.standard_normal(a.shape).astype(dtype) for a in (theta, Y, G)]
    return map_, (theta, Y, G), directions


def adjoint_as_function(map_, at):
    """(theta, Y, G) as one vector to (F_thetaᵀ G, F_Yᵀ G) as one vector."""
    sizes = np.cumsum([a.size for a in at])

    def function(z):
        theta, Y, G = (part.reshape(a.shape) for part, a in zip(np.split(z, sizes[:-1]), at, strict=True))
        return join(*map_.at(theta, Y).vjp(G))

    return function


def derivative(map_, at, directions):
    (theta, Y, G), (dtheta, dY, dG) = at, directions
    along, _ = map_.at(theta, Y).second(G)
    return join(*along(dtheta, dY).vjp(dG))


@pytest.mark.parametrize("name", sorted(set(MAPS) - KINKED - {"layer-relu"}))
def test_the_derivative_of_the_adjoint_is_the_complex_step(name):
    map_, at, directions = drawn(name)
    function, expected = adjoint_as_function(map_, at), derivative(map_, at, directions)
    report = complex_step_test(function, join(*at), join(*directions), jvp=expected)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", MAPS)
def test_taylor_remainders_of_the_adjoint_fall_at_orders_one_and_two(name):
    map_, at, directions = drawn(name, seed=1)
    expected = derivative(map_, at, directions)
    largest = 2.0**-9 if name in KINKED else 1.0  # seeded so that no kink lies within this step
    function = adjoint_as_function(map_, at)
    report = taylor_test(function, join(*at), join(*directions), jvp=expected, largest_step=largest)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", MAPS)
def test_second_derivatives_are_symmetric(name):
    map_, (theta, Y, G), _ = drawn(name, seed=2)
    along, _ = map_.at(theta, Y).second(G)
    zero, p = np.zeros_like(G), theta.size

    def hessian(v):
        return join(*along(v[:p], v[p:].reshape(Y.shape)).vjp(zero))

    size = theta.size + Y.size
    if not np.any(hessian(np.ones(size))):
        linear = {
            "rows",
            "every-second-cell",
            "every-second-cell-3d",
            "shift",
            "multiple",
            "opening-matrix",
            "layer-relu",
            "layer-identity",
            "identity",
            "pooling",
            "pooling-3d",
        }
        assert name in linear or name.endswith(("-of-any-map", "-T0", "-of-the-whole-mesh"))
        return  # linear in Y alone: there is nothing to be symmetric
    report = adjoint_test(hessian, hessian, (size,), (size,))
    assert report.passed, str(report)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", MAPS)
def test_shapes_dtypes_untouched_inputs_and_first_derivatives(name, dtype, locked):
    map_, at, directions = drawn(name, dtype=dtype)
    theta, Y, G = (locked(array) for array in at)
    dtheta, dY, dG = (locked(array) for array in directions)
    F = map_.at(theta, Y)
    along, gY = F.second(G)
    tangent = along(dtheta, dY)
    for got, expected in ((gY, F.vjp(G)[1]), (tangent.output, F.jvp(dtheta, dY))):
        assert got.dtype == dtype
        assert_close(got, expected, 60 * np.finfo(dtype).eps)
    dgtheta, dgY = tangent.vjp(dG)
    assert (dgtheta.shape, dgY.shape) == (theta.shape, Y.shape)
    assert dgtheta.dtype == dgY.dtype == tangent.vjp(dG, wrt_theta=False)[1].dtype == dtype
    if dtype == "float32" and name not in KINKED:
        wide = [[array.astype(float) for array in arrays] for arrays in (at, directions)]
        expected = derivative(MAPS[name]("float64"), *wide)
        assert np.linalg.norm(join(dgtheta, dgY) - expected) <= 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize("name", MAPS)
def test_skipped_halves_agree_with_the_whole(name):
    map_, (theta, Y, G), (dtheta, dY, dG) = drawn(name, seed=3)
    F = map_.at(theta, Y)
    along, _ = F.second(G)
    alone, no_gY = F.second(G, wrt_input=False)
    whole, zero = along(dtheta, dY), np.zeros_like(dG)
    parts = [along(dtheta).vjp(dG), along(None, dY).vjp(zero), along(None).vjp(zero)]
    dgtheta, dgY = whole.vjp(dG)
    assert not np.any(along(None).output)
    assert_close(sum(part[0] for part in parts), dgtheta, 1e-12)
    assert_close(sum(part[1] for part in parts), dgY, 1e-12)
    of_theta, no_Y = whole.vjp(dG, wrt_input=False)
    no_theta, of_Y = whole.vjp(dG, wrt_theta=False)
    fixed, none = alone(dtheta).vjp(dG, wrt_input=False)
    assert no_gY is no_Y is no_theta is none is None
    assert_close(of_theta, dgtheta, 1e-12)
    assert_close(of_Y, dgY, 1e-12)
    assert_close(fixed, parts[0][0], 1e-12)


@pytest.mark.parametrize("name", MAPS)
def test_an_adjoint_keeps_at_most_as_much_again_as_the_linearisation(name):
    map_, theta, _ = point(name)
    rng = np.random.default_rng(8)
    Y, G = rng.standard_normal((map_.rows_in, 7)), rng.standard_normal((map_.rows_out, 7))
    F = map_.at(theta, Y)
    arrays = (kept(F.second(G)[0], 7) | kept(F, 7)).values()
    own = [array for array in arrays if not np.may_share_memory(array, Y)]
    assert sum(array.shape[0] for array in own) <= 2 * map_.stored


def test_a_map_without_second_derivatives_is_refused():
    plain = MAPS["layer-1d"]("float64")

    def linearize(theta, Y):
        return dataclasses.replace(plain.linearize(theta, Y), second=None)

    once = dataclasses.replace(plain, linearize=linearize, fused_step=None)
    theta, Y = np.zeros(once.layout.size), np.zeros((once.rows_in, 1))
    assert once.at(theta, Y).second is None
    steps = forward_euler(once, 2, 1.0)
    with pytest.raises(InputError, match="no second derivatives"):
        steps.at(np.zeros(steps.layout.size), Y).second(Y)


def test_the_second_derivative_of_one_neuron_is_the_formula():
    """σ(s y + b) with one cell and a stencil of one entry: every second derivative by hand."""
    neuron = convolution_layer(Convolution(Grid((1,)), stencil_shape=(1,)), TANH)
    s, b, y = 0.7, -0.2, 1.3
    t = np.tanh(s * y + b)
    first, second = 1 - t * t, -2 * t * (1 - t * t)
    along, _ = neuron.at(np.array([s, b]), np.array([[y]])).second(np.ones((1, 1)))
    zero = np.zeros((1, 1))
    columns = [
        join(*along(np.array([1.0, 0.0])).vjp(zero)),
        join(*along(np.array([0.0, 1.0])).vjp(zero)),
        join(*along(None, np.ones((1, 1))).vjp(zero)),
    ]
    inner = np.array([y, 1.0, s])  # the derivatives of s y + b in s, b and y
    expected = second * np.outer(inner, inner)
    expected[0, 2] += first
    expected[2, 0] += first
    assert np.allclose(np.stack(columns, axis=1), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("layers", [1, 3, 4, 9, 10])
@pytest.mark.parametrize("name", ["euler", "euler-of-any-map"])
def test_checkpoints_change_no_bit(name, layers):
    plain = forward_euler(MAPS[name]("float64").time.layer, layers, 1.2)
    sparing = recomputed(plain) if frugal(plain) is plain else frugal(plain)
    rng = np.random.default_rng(layers)
    theta, Y = rng.standard_normal(plain.layout.size), rng.standard_normal((plain.rows_in, 3))
    dtheta, dY, G, dG = rng.standard_normal(theta.size), *rng.standard_normal((3, *Y.shape))

    def second_products(map_):
        along, gY = map_.at(theta, Y).second(G)
        alone, _ = map_.at(theta, Y).second(G, wrt_input=False)
        tangent = along(dtheta, dY)
        dgY = tangent.vjp(dG, wrt_theta=False)[1]
        dgtheta = alone(dtheta).vjp(dG, wrt_input=False)[0]
        return [gY, tangent.output, *tangent.vjp(dG), dgY, dgtheta]

    for one, other in zip(second_products(plain), second_products(sparing), strict=True):
        np.testing.assert_array_equal(one, other)
