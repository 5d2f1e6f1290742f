"""The transposed and the antisymmetric layer: matrices, eigenvalues, norms, and the way to other meshes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.errors import InputError
from refms.grid import Grid
from refms.network.activation import IDENTITY, TANH
from refms.network.integrators.runge_kutta import RungeKutta
from refms.network.integrators.tableau import RK4
from refms.network.layers.antisymmetric import AntisymmetricLayer
from refms.network.layers.convolution_layer import ConvolutionLayer
from refms.network.layers.opening import MatrixOpening
from refms.network.layers.transposed import TransposedLayer
from refms.network.propagation import ForwardEuler
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


def effective_matrix(layer, theta):
    S = layer.layout.unpack(layer.effective(theta))["stencil"]
    return layer.layer.convolution.matrix(S).toarray()


geometries = st.builds(
    convolution,
    d=st.integers(1, 3),
    boundary=st.sampled_from(("periodic", "zero")),
    orientation=st.sampled_from(("correlation", "convolution")),
)


@settings(deadline=None, max_examples=30)
@given(conv=geometries, seed=st.integers(0, 2**31), gamma=st.sampled_from((0.0, 0.25, 2.0)))
def test_the_matrices_are_what_the_names_say_to_the_last_bit(conv, seed, gamma):
    inner = ConvolutionLayer(conv, TANH)
    theta, S = drawn(inner, seed)
    K = conv.matrix(S).toarray()
    assert np.array_equal(effective_matrix(TransposedLayer(inner), theta), K.T)
    if min(conv.grid.shape) > 2:  # no two entries of a stencil meet in one cell, so that nothing is rounded
        A = effective_matrix(AntisymmetricLayer(inner), theta)
        assert np.array_equal(A, K - K.T)
        assert np.array_equal(A, -A.T)
    damped = effective_matrix(AntisymmetricLayer(inner, gamma), theta)
    assert np.abs(damped - (K - K.T - gamma * np.eye(K.shape[0]))).max() < 1e-14


def test_the_map_of_the_parameters_is_a_symmetric_matrix():
    for layer in (
        TransposedLayer(ConvolutionLayer(convolution(1), TANH)),
        AntisymmetricLayer(ConvolutionLayer(convolution(1), TANH), 0.5),
    ):
        A = np.stack([layer.along(e) for e in np.eye(layer.layout.size)], axis=1)
        assert np.array_equal(A, A.T)
        theta = np.arange(1.0, layer.layout.size + 1)
        offset = layer.effective(np.zeros(layer.layout.size))
        assert np.allclose(layer.effective(theta), A @ theta + offset, rtol=0, atol=1e-13)


@pytest.mark.parametrize("gamma", [0.0, 0.3])
def test_eigenvalues_of_the_matrix_and_of_the_jacobian_lie_on_a_vertical_line(gamma):
    conv = convolution()
    layer = AntisymmetricLayer(ConvolutionLayer(conv, TANH), gamma)
    theta, _ = drawn(layer)
    blocks = symbol(layer.layout.unpack(layer.effective(theta))["stencil"], conv.grid)
    assert np.abs((blocks + blocks.conj().swapaxes(-1, -2)) / 2 + gamma * np.eye(2)).max() < 1e-14
    found = np.linalg.eigvals(effective_matrix(layer, theta))
    assert np.abs(found.real + gamma).max() < 1e-12
    assert np.abs(found.imag).max() > 1
    if gamma == 0:
        y = np.random.default_rng(1).standard_normal(layer.rows_in)
        J = layer.linearize(theta, np.repeat(y[:, None], y.size, axis=1)).jvp(None, np.eye(y.size))
        assert np.abs(np.linalg.eigvals(J).real).max() < 1e-12
        assert np.abs(J + J.T).max() > 1e-2  # not antisymmetric itself, only similar to such a matrix


def test_norms_are_kept_by_the_flow_raised_by_forward_euler_and_lowered_by_damping():
    conv = convolution()
    inner = ConvolutionLayer(conv, IDENTITY)
    theta, _ = drawn(inner, 2)
    A = effective_matrix(AntisymmetricLayer(inner), theta)
    omega = np.linalg.norm(A, 2)
    y = np.random.default_rng(3).standard_normal((A.shape[0], 1))
    N = 200
    T = 0.1 * N / omega  # δt ω <= 0.1

    def ratio(build, gamma=0.0):
        steps = build(AntisymmetricLayer(inner, gamma))
        return np.linalg.norm(steps.apply(np.tile(theta, N), y)) / np.linalg.norm(y)

    exact = ratio(lambda layer: RungeKutta(layer, N, T, RK4))
    assert abs(exact - 1) < 1e-4
    euler = ratio(lambda layer: ForwardEuler(layer, N, T))
    assert 1.2 < euler <= (1 + 0.1**2) ** (N / 2)
    dt = T / N
    gamma = (1 - np.sqrt(1 - (dt * omega) ** 2)) / dt  # the least with dt (ω² + γ²) <= 2 γ
    assert ratio(lambda layer: ForwardEuler(layer, N, T), 1.0001 * gamma) < 1
    # the mode of the largest frequency is neither raised nor lowered by that γ
    v = np.linalg.eigh(1j * A)[1][:, -1]
    step = np.eye(A.shape[0]) + dt * (A - gamma * np.eye(A.shape[0]))
    assert np.linalg.norm(step @ v) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("pair", TRANSFER_PAIRS, ids=lambda pair: pair.name)
def test_restriction_keeps_antisymmetry_where_the_stencil_map_commutes_with_the_flip(pair):
    grid = Grid((8, 8))
    layer = AntisymmetricLayer(ConvolutionLayer(Convolution(grid, 2, 2), TANH))
    _, S = drawn(layer, 4)
    coarse = restrict_stencil(S, pair)
    then = layer.mixed(S)  # K - Kᵀ, restricted
    before = restrict_stencil(then, pair)
    size = coarse.shape[-1]
    on_coarse = AntisymmetricLayer(ConvolutionLayer(Convolution(Grid((4, 4)), 2, 2, (size, size)), TANH))
    R, P = (f(grid, channels=2) for f in (pair.restriction_matrix, pair.prolongation_matrix))
    K = layer.layer.convolution.matrix(then)
    explicit = (R @ K @ P).toarray()
    same = np.abs(on_coarse.mixed(coarse) - before).max() < 1e-13
    antisymmetric = np.abs(explicit + explicit.T).max() < 1e-13
    assert same == antisymmetric == (pair.name != "nearest")


def test_the_damping_is_not_restricted():
    # R (γ I) P is γ times the restricted unit stencil, which is another operator unless R P = I
    pair = transfer_pair("averaging-constant")
    unit = np.zeros((1, 1, 3, 3))
    unit[0, 0, 1, 1] = 0.7
    assert np.abs(restrict_stencil(unit, pair) - unit).max() < 1e-15
    assert np.abs(restrict_stencil(unit, transfer_pair("averaging-bilinear")) - unit).max() > 0.1


@pytest.mark.parametrize("kind", [TransposedLayer, AntisymmetricLayer])
def test_other_maps_and_changing_channels_are_refused(kind):
    with pytest.raises(InputError, match="as many channels in as out"):
        kind(ConvolutionLayer(Convolution(Grid((4, 4)), 1, 2), TANH))
    with pytest.raises(InputError, match="expected a ConvolutionLayer"):
        kind(MatrixOpening(np.eye(3)))


@pytest.mark.parametrize("damping", [-1.0, float("nan"), float("inf"), "0"])
def test_damping_must_be_a_number_of_at_least_zero(damping):
    with pytest.raises(InputError, match="expected a finite number >= 0"):
        AntisymmetricLayer(ConvolutionLayer(convolution(), TANH), damping)
