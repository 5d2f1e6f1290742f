"""The adjoint of every map, differentiated: complex step, rates, symmetry, and how much is kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from network.maps import EXAMPLES, KINKED, MAPS, ONCE, point
from network.test_mapping_contract import kept

from refms.checks import adjoint_test, complex_step_test, taylor_test
from refms.errors import InputError
from refms.network.checkpointing import CheckpointedEuler
from refms.network.mapping import TwiceLinearization
from refms.network.propagation import ForwardEuler
from refms.network.second_order import linearized_adjoint

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
        gtheta, gY = map_.linearize(theta, Y).vjp(G)
        return np.concatenate([gtheta, gY.reshape(-1)])

    return function


def joined(*arrays):
    return np.concatenate([array.reshape(-1) for array in arrays])


def derivative(map_, at, directions):
    theta, Y, G = at
    dtheta, dY, dG = directions
    adjoint, _ = map_.linearize(theta, Y).linearize_adjoint(G)
    return joined(*adjoint.along(dtheta, dY).vjp(dG))


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
    adjoint, _ = map_.linearize(theta, Y).linearize_adjoint(G)
    zero, p = np.zeros_like(G), theta.size

    def hessian(v):
        return joined(*adjoint.along(v[:p], v[p:].reshape(Y.shape)).vjp(zero))

    size = theta.size + Y.size
    if not np.any(hessian(np.ones(size))):
        linear = {"opening-matrix", "layer-relu", "layer-identity", "pooling", "pooling-3d"}
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
    F = map_.linearize(theta, Y)
    assert isinstance(F, TwiceLinearization)
    adjoint, gY = F.linearize_adjoint(G)
    tangent = adjoint.along(dtheta, dY)
    for got, expected in ((gY, F.vjp(G)[1]), (tangent.output, F.jvp(dtheta, dY))):
        assert got.dtype == dtype
        assert np.abs(got - expected).max() <= 60 * np.finfo(dtype).eps * max(1.0, np.abs(expected).max())
    dgtheta, dgY = tangent.vjp(dG)
    assert (dgtheta.shape, dgY.shape) == (theta.shape, Y.shape)
    assert dgtheta.dtype == dgY.dtype == tangent.pull_back(dG).dtype == dtype
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
    F = map_.linearize(theta, Y)
    adjoint, _ = F.linearize_adjoint(G)
    zero = np.zeros_like(dG)
    parts = [adjoint.along(dtheta).vjp(dG), adjoint.along(None, dY).vjp(zero), adjoint.along(None).vjp(zero)]
    whole = adjoint.along(dtheta, dY)
    for k, found in enumerate(whole.vjp(dG)):
        added = sum(part[k] for part in parts)
        assert np.abs(found - added).max(initial=0.0) <= 1e-12 * max(1.0, np.abs(found).max(initial=0.0))
    assert not np.any(adjoint.along(None).output)
    assert np.abs(whole.pull_back(dG) - whole.vjp(dG)[1]).max() <= 1e-12 * max(1.0, np.abs(dG).max())
    dgtheta, nothing = whole.vjp(dG, wrt_input=False)
    assert nothing is None
    assert np.abs(dgtheta - whole.vjp(dG)[0]).max(initial=0.0) <= 1e-12 * max(
        1.0, np.abs(dgtheta).max(initial=0.0)
    )
    alone, gY = F.linearize_adjoint(G, wrt_input=False)
    assert gY is None
    fixed = alone.along(dtheta).vjp(dG, wrt_input=False)
    expected = parts[0][0]
    assert fixed[1] is None
    assert fixed[0].shape == theta.shape
    assert np.abs(fixed[0] - expected).max(initial=0.0) <= 1e-12 * max(1.0, np.abs(expected).max(initial=0.0))


@pytest.mark.parametrize("name", TWICE)
def test_an_adjoint_keeps_at_most_as_much_again_as_the_linearisation(name):
    map_, theta, _ = point(name)
    rng = np.random.default_rng(8)
    Y, G = rng.standard_normal((map_.rows_in, 7)), rng.standard_normal((map_.rows_out, 7))
    F = map_.linearize(theta, Y)
    adjoint, _ = F.linearize_adjoint(G)
    arrays = kept(adjoint, 7) | kept(F, 7)
    arrays.pop(Y.__array_interface__["data"][0], None)
    assert sum(array.shape[0] for array in arrays.values()) <= 2 * map_.stored


def test_a_map_without_second_derivatives_is_named():
    @dataclasses.dataclass(frozen=True)
    class Once:
        output: np.ndarray

        def jvp(self, dtheta, dY=None): ...

        def vjp(self, G, *, wrt_input=True): ...

        def pull_back(self, G): ...

    with pytest.raises(InputError, match="Once has no second derivatives"):
        linearized_adjoint(Once(np.zeros((2, 1))), np.zeros((2, 1)))


def test_the_second_derivative_of_one_neuron_is_the_formula():
    """σ(s y + b) with one cell and a stencil of one entry: every second derivative by hand."""
    map_ = MAPS["layer-1d"]("float64")
    conv = dataclasses.replace(
        map_.convolution, grid=type(map_.convolution.grid)((1,)), c_in=1, c_out=1, stencil_shape=(1,)
    )
    neuron = dataclasses.replace(map_, convolution=conv)
    s, b, y = 0.7, -0.2, 1.3
    t = np.tanh(s * y + b)
    first, second = 1 - t * t, -2 * t * (1 - t * t)
    adjoint, _ = neuron.linearize(np.array([s, b]), np.array([[y]])).linearize_adjoint(np.ones((1, 1)))
    zero = np.zeros((1, 1))
    columns = [
        joined(*adjoint.along(np.array([1.0, 0.0])).vjp(zero)),
        joined(*adjoint.along(np.array([0.0, 1.0])).vjp(zero)),
        joined(*adjoint.along(None, np.ones((1, 1))).vjp(zero)),
    ]
    in_s, in_b, in_y = y, 1.0, s
    expected = second * np.outer([in_s, in_b, in_y], [in_s, in_b, in_y])
    expected[0, 2] += first
    expected[2, 0] += first
    assert np.allclose(np.stack(columns, axis=1), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("layers", [1, 3, 4, 9, 10])
@pytest.mark.parametrize("name", ["euler", "euler-of-any-map"])
def test_checkpoints_change_no_bit(name, layers):
    plain = dataclasses.replace(MAPS[name]("float64"), layers=layers)
    sparing = CheckpointedEuler(plain.layer, layers, plain.final_time)
    assert isinstance(plain, ForwardEuler)
    rng = np.random.default_rng(layers)
    theta, Y = rng.standard_normal(plain.layout.size), rng.standard_normal((plain.rows_in, 3))
    dtheta, dY, G, dG = rng.standard_normal(theta.size), *rng.standard_normal((3, *Y.shape))
    found = []
    for map_ in (plain, sparing):
        adjoint, gY = map_.linearize(theta, Y).linearize_adjoint(G)
        alone, _ = map_.linearize(theta, Y).linearize_adjoint(G, wrt_input=False)
        tangent, of_theta = adjoint.along(dtheta, dY), alone.along(dtheta)
        found.append(
            [
                gY,
                tangent.output,
                *tangent.vjp(dG),
                tangent.pull_back(dG),
                of_theta.vjp(dG, wrt_input=False)[0],
            ]
        )
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
