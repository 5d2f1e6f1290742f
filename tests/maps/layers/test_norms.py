"""What normalisation leaves unchanged, and where its Jacobian vanishes."""

from __future__ import annotations

import numpy as np
import pytest

from refms.errors import InputError
from refms.grid import Grid
from refms.maps.activation import activation
from refms.maps.layers.normalized import normalized, plainly_normalized
from refms.maps.layers.norms import normalization

NONE = np.zeros(0)


def field(seed=0, rows=24, examples=2):
    return np.random.default_rng(seed).standard_normal((rows, examples))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_groups_have_mean_zero_and_variance_one(groups):
    out = normalization(Grid((3, 2)), 4, groups, 1e-12).apply(NONE, 3 + 2 * field())
    numbers = out.reshape(groups, -1, 2)
    assert np.allclose(numbers.mean(axis=1), 0, atol=1e-14)
    assert np.allclose((numbers**2).mean(axis=1), 1, atol=1e-11)


def test_scale_and_shift_change_nothing_up_to_epsilon():
    layer = normalization(Grid((3, 2)), 4, 2, 1e-14)
    assert np.allclose(layer.apply(NONE, 5 * field() - 7), layer.apply(NONE, field()), atol=1e-12)


def test_the_jacobian_is_symmetric_and_has_its_two_small_directions():
    """J = Jᵀ, J 1 = 0, J x̂ = ρ³ ε x̂, all also with ε that is not small."""
    epsilon, x = 0.3, field(1, 6, 1)
    F = normalization(Grid((3,)), 2, 1, epsilon).at(NONE, x)
    J = np.stack([F.jvp(None, e[:, None])[:, 0] for e in np.eye(6)], axis=1)
    rho = 1 / np.sqrt(x.var() + epsilon)
    assert np.allclose(J, J.T, rtol=0, atol=1e-15)
    assert np.allclose(J @ np.ones(6), 0, atol=1e-14)
    assert np.allclose(J @ F.output, rho**3 * epsilon * F.output, rtol=0, atol=1e-15)


@pytest.mark.parametrize("bad", [{"groups": 3}, {"groups": 0}, {"epsilon": 0.0}, {"epsilon": float("nan")}])
def test_bad_arguments_are_refused(bad):
    with pytest.raises(InputError):
        normalization(Grid((2,)), 4, **bad)


def results(F, dtype, examples, factor=1.0):
    """Value, products and second derivatives of a map at a point that is drawn by its sizes alone."""
    rng = np.random.default_rng(0)
    theta, dtheta = rng.standard_normal((2, F.layout.size)).astype(dtype)
    Y, dY, G, dG = (1 + factor * rng.standard_normal((4, F.rows_in, examples))).astype(dtype)
    at = F.at(theta, Y)
    along, gY = at.second(G)
    tangent = along(dtheta, dY)
    return (
        *(F.apply(theta, Y), at.output, at.jvp(dtheta, dY), at.jvp(None, dY), at.jvp(dtheta)),
        *(*at.vjp(G), at.vjp(G, wrt_theta=False)[1], at.vjp(G, wrt_input=False)[0]),
        *(gY, tangent.output, *tangent.vjp(dG)),
    )


@pytest.mark.parametrize(
    ("shape", "channels", "groups", "examples"),
    [
        ((4, 4), 6, 3, 3),  # too few rows for the loops
        ((32, 4), 4, 2, 1),
        ((16, 16), 12, 3, 7),
        ((32, 32), 8, 4, 4),
        ((64, 64), 6, 2, 2),
        ((45, 41), 3, 1, 5),  # a line for each cell
        ((128, 256), 2, 1, 1),  # more lines than are added in single precision
    ],
)
@pytest.mark.parametrize("name", ["silu", "leaky_relu", "relu", "tanh", None])
@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_loops_are_the_chain_of_norm_weights_and_activation(
    shape, channels, groups, examples, name, weights, dtype
):
    arguments = (Grid(shape), channels, name and activation(name), groups, weights)
    fast, plain = normalized(*arguments), plainly_normalized(*arguments)
    assert fast.layout == plain.layout
    eps = np.finfo(dtype).eps
    for found, expected in zip(results(fast, dtype, examples), results(plain, dtype, examples), strict=True):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=100 * eps * abs(expected).max(initial=0))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_exponential_of_the_loops_is_right_to_round_off_and_does_not_overflow(dtype):
    """σ(β) of x̂ = 0 in channels with their own β, from -1000 to 1000, beside SiLU in double precision."""
    beta = np.concatenate([np.linspace(-1000, 1000, 101), np.linspace(-20, 20, 401), [0.0, 1e-30]])
    grid = Grid((8, 8))
    F = normalized(grid, beta.size, activation("silu"), 1, weights=True)
    theta = np.concatenate([np.zeros(beta.size), beta]).astype(dtype)
    found = F.at(theta, np.ones((F.rows_in, 1), dtype))
    z = theta[beta.size :].astype("float64")
    sigma = 1 / (1 + np.exp(-np.clip(z, -700, None)))
    eps = np.finfo(dtype).eps
    value = found.output.reshape(beta.size, -1)[:, 0]
    np.testing.assert_allclose(value, z * sigma, rtol=4 * eps, atol=1e-30)
    slopes = found.vjp(np.ones_like(found.output), wrt_input=False)[0][beta.size :] / grid.cells
    np.testing.assert_allclose(slopes, sigma * (1 + z * (1 - sigma)), rtol=8 * eps, atol=8 * eps)


def test_what_is_not_finite_stays_in_its_group_and_example():
    F = normalized(Grid((32, 32)), 8, activation("silu"), 4, weights=True)
    Y = np.random.default_rng(1).standard_normal((F.rows_in, 3))
    Y[5000, 1] = np.nan  # in the third group
    output = F.apply(np.ones(16), Y)
    hit = np.zeros((4, 2048, 3), bool)
    hit[2, :, 1] = True
    np.testing.assert_array_equal(np.isnan(output).reshape(hit.shape), hit)


@pytest.mark.parametrize("weights", [True, False])
def test_the_loops_overwrite_nothing_that_they_were_given(weights):
    F = normalized(Grid((64, 64)), 4, None, 2, weights)
    theta, Y, G = np.ones(F.layout.size), field(2, F.rows_in), field(3, F.rows_in)
    kept = Y.copy(), G.copy()
    at = F.at(theta, Y)
    output = at.output.copy()
    at.vjp(G)
    at.jvp(None, G)
    for now, before in ((Y, kept[0]), (G, kept[1]), (at.output, output)):
        np.testing.assert_array_equal(now, before)
