"""The transposed and the antisymmetric layer: matrices, eigenvalues, norms, and the way to other meshes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.grid import Grid
from refms.maps.activation import IDENTITY, TANH
from refms.maps.layers.convolution import convolution_layer
from refms.maps.layers.tied import (
    antisymmetric_layer,
    symmetric_layer,
    transposed_layer,
    transposed_stencils,
)
from refms.maps.time.euler import forward_euler
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import RK4
from refms.stencils.convolution import Convolution
from refms.stencils.galerkin import restrict_stencil
from refms.stencils.symbol import symbol
from refms.stencils.transfer import TRANSFER_PAIRS, transfer_pair

GRIDS = {1: Grid((6,)), 2: Grid((4, 6)), 3: Grid((4, 4, 2))}


def convolution(d=2, boundary="periodic", orientation="correlation"):
    return Convolution(GRIDS[d], 2, 2, (3,) * d, boundary, orientation)


def drawn(layer, seed=0, bias=False):
    theta = np.random.default_rng(seed).standard_normal(layer.layout.size)
    if not bias:
        theta[-2:] = 0
    return theta, layer.layout.unpack(theta)["stencil"]


def effective_matrix(kind, conv, theta, *damping):
    """The matrix of a layer without bias, which with the identity for σ is its Jacobian."""
    F = kind(conv, IDENTITY, *damping)
    return F.at(theta, np.zeros((F.rows_in, F.rows_in))).jvp(None, np.eye(F.rows_in))


geometries = st.builds(
    convolution,
    d=st.integers(1, 3),
    boundary=st.sampled_from(("periodic", "zero")),
    orientation=st.sampled_from(("correlation", "convolution")),
)


@settings(max_examples=30)
@given(conv=geometries, seed=st.integers(0, 2**31), gamma=st.sampled_from((0.0, 0.25, 2.0)))
def test_the_matrices_are_what_the_names_say(conv, seed, gamma):
    theta, S = drawn(convolution_layer(conv, TANH), seed)
    K = conv.matrix(S).toarray()
    close = 1e-14 * np.abs(K).max()
    assert np.abs(effective_matrix(transposed_layer, conv, theta) - K.T).max() <= close
    A = effective_matrix(antisymmetric_layer, conv, theta)
    assert np.abs(A - (K - K.T)).max() <= 4 * close
    damped = effective_matrix(antisymmetric_layer, conv, theta, gamma)
    assert np.abs(damped - (K - K.T - gamma * np.eye(K.shape[0]))).max() <= 4 * close + 1e-14


@settings(max_examples=20)
@given(conv=geometries, seed=st.integers(0, 2**31))
def test_the_symmetric_layer_is_minus_the_transpose_after_sigma_and_has_a_symmetric_jacobian(conv, seed):
    F, inner = symmetric_layer(conv, TANH), convolution_layer(conv, TANH)
    theta, S = drawn(F, seed, bias=True)
    K, y = conv.matrix(S).toarray(), np.random.default_rng(seed).standard_normal((F.rows_in, 1))
    np.testing.assert_allclose(F.apply(theta, y), -K.T @ inner.apply(theta, y), rtol=0, atol=1e-13)
    n = F.rows_in
    J = F.at(theta, np.repeat(y, n, axis=1)).jvp(None, np.eye(n))
    assert np.abs(J - J.T).max() <= 1e-13 * max(1, np.abs(J).max())
    assert np.linalg.eigvalsh((J + J.T) / 2).max() <= 1e-12 * max(1, np.abs(J).max())  # −Kᵀ D K ≤ 0


@pytest.mark.parametrize("gamma", [0.0, 0.3])
def test_eigenvalues_of_the_matrix_and_of_the_jacobian_lie_on_a_vertical_line(gamma):
    conv = convolution()
    layer = antisymmetric_layer(conv, TANH, gamma)
    theta, S = drawn(layer)
    centre = np.zeros_like(S)
    centre[[0, 1], [0, 1], 1, 1] = gamma
    blocks = symbol(S - transposed_stencils(S) - centre, conv.grid)
    assert np.abs((blocks + blocks.conj().swapaxes(-1, -2)) / 2 + gamma * np.eye(2)).max() < 1e-14
    found = np.linalg.eigvals(effective_matrix(antisymmetric_layer, conv, theta, gamma))
    assert np.abs(found.real + gamma).max() < 1e-12
    assert np.abs(found.imag).max() > 1
    if gamma == 0:
        y = np.random.default_rng(1).standard_normal(layer.rows_in)
        J = layer.at(theta, np.repeat(y[:, None], y.size, axis=1)).jvp(None, np.eye(y.size))
        assert np.abs(np.linalg.eigvals(J).real).max() < 1e-12
        assert np.abs(J + J.T).max() > 1e-2  # not antisymmetric itself, only similar to such a matrix


def test_norms_are_kept_by_the_flow_raised_by_forward_euler_and_lowered_by_damping():
    conv = convolution()
    theta, _ = drawn(convolution_layer(conv, IDENTITY), 2)
    A = effective_matrix(antisymmetric_layer, conv, theta)
    omega = np.linalg.norm(A, 2)
    y = np.random.default_rng(3).standard_normal((A.shape[0], 1))
    N = 200
    T = 0.1 * N / omega  # δt ω <= 0.1

    def ratio(build, gamma=0.0):
        steps = build(antisymmetric_layer(conv, IDENTITY, gamma))
        return np.linalg.norm(steps.apply(np.tile(theta, N), y)) / np.linalg.norm(y)

    exact = ratio(lambda layer: runge_kutta(layer, N, T, RK4))
    assert abs(exact - 1) < 1e-4
    euler = ratio(lambda layer: forward_euler(layer, N, T))
    assert 1.2 < euler <= (1 + 0.1**2) ** (N / 2)
    dt = T / N
    gamma = (1 - np.sqrt(1 - (dt * omega) ** 2)) / dt  # the least with dt (ω² + γ²) <= 2 γ
    assert ratio(lambda layer: forward_euler(layer, N, T), 1.0001 * gamma) < 1
    # the mode of the largest frequency is neither raised nor lowered by that γ
    v = np.linalg.eigh(1j * A)[1][:, -1]
    step = np.eye(A.shape[0]) + dt * (A - gamma * np.eye(A.shape[0]))
    assert np.linalg.norm(step @ v) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("pair", TRANSFER_PAIRS, ids=lambda pair: pair.name)
def test_restriction_keeps_antisymmetry_where_the_stencil_map_commutes_with_the_flip(pair):
    grid = Grid((8, 8))
    K_h = Convolution(grid, 2, 2)
    _, S = drawn(convolution_layer(K_h, TANH), 4)
    coarse = restrict_stencil(S, pair)
    then = S - transposed_stencils(S)  # K - Kᵀ, restricted
    before = restrict_stencil(then, pair)
    R, P = (f(grid, channels=2) for f in (pair.restriction_matrix, pair.prolongation_matrix))
    K = K_h.matrix(then)
    explicit = (R @ K @ P).toarray()
    same = np.abs(coarse - transposed_stencils(coarse) - before).max() < 1e-13
    antisymmetric = np.abs(explicit + explicit.T).max() < 1e-13
    assert same == antisymmetric == (pair.name != "nearest")


def test_the_damping_is_not_restricted():
    # R (γ I) P is γ times the restricted unit stencil, which is another operator unless R P = I
    pair = transfer_pair("averaging-constant")
    unit = np.zeros((1, 1, 3, 3))
    unit[0, 0, 1, 1] = 0.7
    assert np.abs(restrict_stencil(unit, pair) - unit).max() < 1e-15
    assert np.abs(restrict_stencil(unit, transfer_pair("averaging-bilinear")) - unit).max() > 0.1
