"""The adjoint of every map, differentiated: complex step, rates, symmetry, and how much is kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from maps.table import EXAMPLES, KINKED, MAPS, ONCE, point
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

TWICE = sorted(set(MAPS) - ONCE)


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
        gtheta, gY = map_.at(theta, Y).vjp(G)
        return np.concatenate([gtheta, gY.reshape(-1)])

    return function


def joined(*arrays):
    return np.concatenate([array.reshape(-1) for array in arrays])


def derivative(map_, at, directions):
    theta, Y, G = at
    dtheta, dY, dG = directions
    along, _ = map_.at(theta, Y).second(G)
    return joined(*along(dtheta, dY).vjp(dG))


@pytest.mark.parametrize("name", sorted(set(TWICE) - KINKED - {"layer-relu"}))
def test_the_derivative_of_the_adjoint_is_the_complex_step(name):
    map_, at, directions = drawn(name)
    function, expected = adjoint_as_function(map_, at), derivative(map_, at, directions)
    report = complex_step_test(function, joined(*at), joined(*directions), jvp=expected)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", TWICE)
def test_taylor_remainders_of_the_adjoint_fall_at_orders_one_and_two(name):
    map_, at, directions = drawn(name, seed=1)
    expected = derivative(map_, at, directions)
    largest = 2.0**-9 if name in KINKED else 1.0  # seeded so that no kink lies within this step
    function = adjoint_as_function(map_, at)
    report = taylor_test(function, joined(*at), joined(*directions), jvp=expected, largest_step=largest)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", TWICE)
def test_second_derivatives_are_symmetric(name):
    map_, (theta, Y, G), _ = drawn(name, seed=2)
    along, _ = map_.at(theta, Y).second(G)
    zero, p = np.zeros_like(G), theta.size

    def hessian(v):
        return joined(*along(v[:p], v[p:].reshape(Y.shape)).vjp(zero))

    size = theta.size + Y.size
    if not np.any(hessian(np.ones(size))):
        linear = {"opening-matrix", "layer-relu", "layer-identity", "identity", "pooling", "pooling-3d"}
        assert name in linear or name.endswith(("-of-any-map", "-T0", "-of-the-whole-mesh"))
        return  # linear in Y alone: there is nothing to be symmetric
    report = adjoint_test(hessian, hessian, (size,), (size,))
    assert report.passed, str(report)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TWICE)
def test_shapes_dtypes_untouched_inputs_and_first_derivatives(name, dtype, locked):
    map_, at, directions = drawn(name, dtype=dtype)
    theta, Y, G = (locked(array) for array in at)
    dtheta, dY, dG = (locked(array) for array in directions)
    F = map_.at(theta, Y)
    along, gY = F.second(G)
    tangent = along(dtheta, dY)
    for got, expected in ((gY, F.vjp(G)[1]), (tangent.output, F.jvp(dtheta, dY))):
        assert got.dtype == dtype
        assert np.abs(got - expected).max() <= 60 * np.finfo(dtype).eps * max(1.0, np.abs(expected).max())
    dgtheta, dgY = tangent.vjp(dG)
    assert (dgtheta.shape, dgY.shape) == (theta.shape, Y.shape)
    assert dgtheta.dtype == dgY.dtype == tangent.vjp(dG, wrt_theta=False)[1].dtype == dtype
    wide = derivative(
        MAPS[name]("float64"), [a.astype(float) for a in at], [a.astype(float) for a in directions]
    )
    if (
        dtype == "float32"
        and name not in KINKED | {"opening-matrix", "euler-of-any-map"}
        and "frozen" not in name
    ):
        assert np.linalg.norm(joined(dgtheta, dgY) - wide) <= 1e-5 * np.linalg.norm(wide)


@pytest.mark.parametrize("name", TWICE)
def test_skipped_halves_agree_with_the_whole(name):
    map_, (theta, Y, G), (dtheta, dY, dG) = drawn(name, seed=3)
    F = map_.at(theta, Y)
    along, _ = F.second(G)
    zero = np.zeros_like(dG)
    parts = [along(dtheta).vjp(dG), along(None, dY).vjp(zero), along(None).vjp(zero)]
    whole = along(dtheta, dY)
    for k, found in enumerate(whole.vjp(dG)):
        added = sum(part[k] for part in parts)
        assert np.abs(found - added).max(initial=0.0) <= 1e-12 * max(1.0, np.abs(found).max(initial=0.0))
    assert not np.any(along(None).output)
    assert np.abs(whole.vjp(dG, wrt_theta=False)[1] - whole.vjp(dG)[1]).max() <= 1e-12 * max(
        1.0, np.abs(dG).max()
    )
    dgtheta, nothing = whole.vjp(dG, wrt_input=False)
    assert nothing is None
    assert np.abs(dgtheta - whole.vjp(dG)[0]).max(initial=0.0) <= 1e-12 * max(
        1.0, np.abs(dgtheta).max(initial=0.0)
    )
    alone, gY = F.second(G, wrt_input=False)
    assert gY is None
    fixed = alone(dtheta).vjp(dG, wrt_input=False)
    expected = parts[0][0]
    assert fixed[1] is None
    assert fixed[0].shape == theta.shape
    assert np.abs(fixed[0] - expected).max(initial=0.0) <= 1e-12 * max(1.0, np.abs(expected).max(initial=0.0))


@pytest.mark.parametrize("name", TWICE)
def test_an_adjoint_keeps_at_most_as_much_again_as_the_linearisation(name):
    map_, theta, _ = point(name)
    rng = np.random.default_rng(8)
    Y, G = rng.standard_normal((map_.rows_in, 7)), rng.standard_normal((map_.rows_out, 7))
    F = map_.at(theta, Y)
    along, _ = F.second(G)
    arrays = kept(along, 7) | kept(F, 7)
    arrays.pop(Y.__array_interface__["data"][0], None)
    assert sum(array.shape[0] for array in arrays.values()) <= 2 * map_.stored


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
        joined(*along(np.array([1.0, 0.0])).vjp(zero)),
        joined(*along(np.array([0.0, 1.0])).vjp(zero)),
        joined(*along(None, np.ones((1, 1))).vjp(zero)),
    ]
    in_s, in_b, in_y = y, 1.0, s
    expected = second * np.outer([in_s, in_b, in_y], [in_s, in_b, in_y])
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
    found = []
    for map_ in (plain, sparing):
        along, gY = map_.at(theta, Y).second(G)
        alone, _ = map_.at(theta, Y).second(G, wrt_input=False)
        tangent, of_theta = along(dtheta, dY), alone(dtheta)
        found.append(
            [
                gY,
                tangent.output,
                *tangent.vjp(dG),
                tangent.vjp(dG, wrt_theta=False)[1],
                of_theta.vjp(dG, wrt_input=False)[0],
            ]
        )
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
