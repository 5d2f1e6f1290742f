"""Propagations as dynamical systems: Jacobians of the right-hand side, amplification, growth, orders."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs, svds

from refms.errors import Array
from refms.maps.activation import activation
from refms.maps.architectures.residual import Residual
from refms.maps.layers.tied import antisymmetric_stencils, transposed_layer
from refms.maps.map import Map
from refms.maps.time.tableau import EULER, MIDPOINT, RK4
from refms.stencils.symbol import symbol

TABLEAUS = {one.name: one for one in (EULER, MIDPOINT, RK4)}
DENSE = 2048
"""Rows up to which a Jacobian is formed and all its eigenvalues are computed; beyond, the extreme ones."""

_SMALL = 1e-30  # imaginary steps; their squares underflow beside the values


def states(steps: Map, theta: Array, Y: Array) -> list[Array]:
    """Return the states along the net.

    They are y_0 … y_N of shape (rows, m), real or complex; of a propagation by couplings (y_k, z_{k+½}), at
    the end (y_N, z_N).
    """
    trace = steps.trace(theta, Y)
    N = steps.time.layers
    if f"y{N}" in trace:
        return [trace[f"y{k}"] for k in range(N + 1)]
    pairs = [(trace[f"coupling{2 * k - 1}/y"], trace[f"coupling{2 * k}/z"]) for k in range(1, N + 1)]
    return [Y, *(np.concatenate(pair) for pair in pairs)]


def perturbed(steps: Map, theta: Array, y: Array, directions: Array) -> list[Array]:
    """Return ∂y_k/∂y_0 applied to directions, for all k, by complex steps through the whole net.

    θ and y (rows,) are float64; directions, and each of the N + 1 results, have shape (rows, directions).
    """
    Y = y[:, None] + 1j * _SMALL * directions
    return [state.imag / _SMALL for state in states(steps, theta + 0j, Y)]


def largest_growth(steps: Map, theta: Array, y: Array) -> float:
    """Return ‖∂y_N/∂y_0‖₂ at one image: by how much a perturbation can grow, to three digits."""
    at, n = steps.at(theta, y[:, None]), steps.rows_in
    operator = LinearOperator(
        (n, n),
        matvec=lambda v: at.jvp(None, v.reshape(-1, 1))[:, 0],
        rmatvec=lambda g: at.vjp(g.reshape(-1, 1), wrt_theta=False)[1][:, 0],
        dtype="float64",
    )
    start = np.random.default_rng(0).standard_normal(n)
    return float(svds(operator, k=1, v0=start, tol=1e-3, return_singular_vectors=False)[0])


def right_hand_side(network: Residual, theta_k: Array, y: Array) -> Callable[[Array], Array]:
    """Return V ↦ J V with the Jacobian J of the right-hand side at parameters and one state.

    It is σ′ K V, or with verlet (D_1 K V_z, -D_2 Kᵀ V_y); V has shape (rows, columns), y shape (rows,).
    """

    def product(V: Array) -> Array:
        Y = np.repeat(y[:, None], V.shape[1], axis=1)
        layer = network.propagation.time.layer
        if network.integrator != "verlet":
            return layer.at(theta_k, Y).jvp(None, V)
        half = y.size // 2
        up = layer.at(theta_k, Y[half:]).jvp(None, V[half:])
        other = transposed_layer(network.convolution, activation(network.activation))
        down = other.at(theta_k, Y[:half]).jvp(None, V[:half])
        return np.concatenate([up, -down])

    return product


def eigenvalues(product: Callable[[Array], Array], rows: int) -> Array:
    """Return all eigenvalues of a Jacobian, or, of one with more than :data:`DENSE` rows, extreme ones.

    Those are the ones of largest modulus and of largest and smallest real part.
    """
    if rows <= DENSE:
        return np.linalg.eigvals(product(np.eye(rows)))
    operator = LinearOperator((rows, rows), matvec=lambda v: product(v.reshape(-1, 1))[:, 0], dtype="float64")
    start, found = np.random.default_rng(0).standard_normal(rows), []
    for which in ("LM", "LR", "SR"):
        try:
            found.append(eigs(operator, k=4, which=which, v0=start, tol=1e-6, return_eigenvectors=False))
        except ArpackNoConvergence as error:
            found.append(error.eigenvalues)
    return np.concatenate(found)


def symbol_eigenvalues(network: Residual, stencil: Array) -> Array:
    """Return all eigenvalues of a layer's right-hand side with σ′ = 1, exactly, from the symbol of K(s).

    Those of K, of K − Kᵀ − γI, or with verlet ±i times the singular values of K; the boundary is periodic.
    """
    if network.layer == "antisymmetric":
        stencil = antisymmetric_stencils(stencil, network.layer_damping)
    blocks = symbol(stencil, network.grid, orientation=network.orientation)
    if network.integrator == "verlet":
        singular = np.linalg.svd(blocks, compute_uv=False).reshape(-1)
        return 1j * np.concatenate([singular, -singular])
    return np.linalg.eigvals(blocks).reshape(-1)


def amplification(integrator: str, z: Array) -> Array:
    """Return by how much one step multiplies a mode with z = δt λ at most.

    |R(z)|; with verlet the larger root of μ² − (2 + z²) μ + 1 in modulus, 1 where |Im z| ≤ 2, Re z = 0.
    """
    if integrator != "verlet":
        return np.abs(TABLEAUS[integrator].amplification(np.asarray(z)))
    half = 1 + np.asarray(z, dtype=complex) ** 2 / 2
    root = np.sqrt(half * half - 1)
    return np.maximum(np.abs(half + root), np.abs(half - root))


def observed_orders(values: Sequence[Array]) -> list[float]:
    """Return the orders of convergence seen in values at N, 2N, 4N, …, from their successive differences.

    >>> observed_orders([np.array([1 + 4.0**-k]) for k in range(4)])
    [2.0, 2.0]
    """
    gaps = [float(np.linalg.norm(finer - coarser)) for coarser, finer in pairwise(values)]
    return [float(np.log2(one / other)) for one, other in pairwise(gaps)]
