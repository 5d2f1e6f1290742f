"""Problem (6): cross entropy plus both regularisers, in θ and ω = (W, μ), differentiated by hand.

θ holds the opening, where it is learned, and then of each layer the stencils and the biases; ω holds W and μ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from refms.definition import classifier, regularizers
from refms.definition.arrays import Array, Number
from refms.definition.complex_step import STEP
from refms.definition.convolution import convolve, stencil_gradient
from refms.definition.network import cotangent, slopes, states, tangent
from refms.definition.softmax import cross_entropy, cross_entropy_gradient, cross_entropy_hessian


@dataclass(frozen=True)
class Problem:
    """Data and constants: images X (m, c_image, *grid), labels C (ℓ, m), the stencil of L, T, α and τ.

    If the opening is ``learned``, the entries of θ take its place; ``stencil`` are the layers' extents.
    """

    X: Array
    C: Array
    opening: Array
    learned: bool
    stencil: tuple[int, ...]
    layers: int
    final_time: Number
    theta_smoothness: Number
    theta_tikhonov: Number
    W_smoothness: Number
    W_tikhonov: Number
    activation: str = "tanh"
    boundary: str = "periodic"
    orientation: str = "correlation"
    volume_weighted: bool = True
    reduction: str = "mean"

    @property
    def shifts(self) -> dict[str, str]:
        """Return how stencils move images."""
        return {"boundary": self.boundary, "orientation": self.orientation}

    def split_theta(self, theta: Array) -> tuple[Array, Array]:
        """Return what stands before the layers, and a row for each layer."""
        leading = self.opening.size if self.learned else 0
        return theta[:leading], theta[leading:].reshape(self.layers, -1)

    def parameters(self, theta: Array) -> dict[str, Array]:
        """Return the opening, the stencils (N, c, c, *stencil) and the biases (N, c) of θ."""
        (leading, rows), c = self.split_theta(theta), len(self.opening)
        size = c * c * math.prod(self.stencil)
        return {
            "opening": leading.reshape(self.opening.shape) if self.learned else self.opening,
            "stencils": rows[:, :size].reshape(-1, c, c, *self.stencil),
            "biases": rows[:, size:],
        }

    def weights(self, omega: Array) -> tuple[Array, Array]:
        """Return W (c·n, ℓ) and μ (ℓ,) of ω."""
        classes = len(self.C)
        return omega[:-classes].reshape(-1, classes), omega[-classes:]

    def regularizer(self, theta: Array, omega: Array) -> Number:
        """Return R(θ) + R(W); a learned opening has the term τ/2 ‖L‖², and μ is free."""
        leading, rows = self.split_theta(theta)
        in_time = regularizers.in_time(rows, self.final_time, self.theta_smoothness, self.theta_tikhonov)
        in_space = regularizers.in_space(
            self.weights(omega)[0], self.X.shape[2:], self.W_smoothness, self.W_tikhonov
        )
        return in_time + self.theta_tikhonov * (leading * leading).sum() / 2 + in_space

    def regularizer_gradient(self, theta: Array, omega: Array) -> tuple[Array, Array]:
        """Return its derivatives in θ and ω, which are linear in them."""
        (leading, rows), (W, mu) = self.split_theta(theta), self.weights(omega)
        g = regularizers.in_time_gradient(rows, self.final_time, self.theta_smoothness, self.theta_tikhonov)
        gW = regularizers.in_space_gradient(W, self.X.shape[2:], self.W_smoothness, self.W_tikhonov)
        return join(self.theta_tikhonov * leading, g), join(gW, 0 * mu)

    def at(self, theta: Array, omega: Array) -> Point:
        """Return the problem at a point, after one forward pass."""
        p = self.parameters(theta)
        y = states(p, self.X, self.final_time, self.activation, **self.shifts)
        return Point(self, theta, omega, y, slopes(p, y, self.activation, **self.shifts))


@dataclass(frozen=True)
class Point:
    """Problem (6) at (θ, ω): the states y_0 … y_N and the σ′ of the layers are known."""

    problem: Problem
    theta: Array
    omega: Array
    states: list[Array]
    slopes: list[Array]

    def with_omega(self, omega: Array) -> Point:
        """Return the problem at another ω; y_N does not depend on it."""
        return Point(self.problem, self.theta, omega, self.states, self.slopes)

    @property
    def logits(self) -> Array:
        """Z = h^d Wᵀ y_N + μ."""
        problem = self.problem
        return classifier.logits(*problem.weights(self.omega), self.states[-1], problem.volume_weighted)

    def loss(self) -> Number:
        """Return the cross entropy."""
        return cross_entropy(self.logits, self.problem.C, self.problem.reduction)

    def value(self) -> Number:
        """Return the objective."""
        return self.loss() + self.problem.regularizer(self.theta, self.omega)

    def gradient(self) -> tuple[Array, Array]:
        """Return the derivatives of the objective in θ and ω."""
        G = cross_entropy_gradient(self.logits, self.problem.C, self.problem.reduction)
        R_theta, R_omega = self.problem.regularizer_gradient(self.theta, self.omega)
        return self._theta_cotangent(G) + R_theta, self._omega_cotangent(G) + R_omega

    def omega_gradient(self) -> Array:
        """Return the derivative in ω alone."""
        G = cross_entropy_gradient(self.logits, self.problem.C, self.problem.reduction)
        return self._omega_cotangent(G) + self.problem.regularizer_gradient(self.theta, self.omega)[1]

    def joint_product(self, d_theta: Array, d_omega: Array) -> tuple[Array, Array]:
        """Return the Gauss–Newton product (JᵀHJ + Q) d, H the Hessian of the loss, Q of the regularisers."""
        H = self._curve(self._theta_tangent(d_theta) + self._omega_tangent(d_omega))
        Q_theta, Q_omega = self.problem.regularizer_gradient(d_theta, d_omega)
        return self._theta_cotangent(H) + Q_theta, self._omega_cotangent(H) + Q_omega

    def propagation_product(self, d_theta: Array) -> Array:
        """Return the Gauss–Newton product in θ, ω at rest."""
        H = self._curve(self._theta_tangent(d_theta))
        return self._theta_cotangent(H) + self.problem.regularizer_gradient(d_theta, self.omega)[0]

    def classifier_product(self, d_omega: Array) -> Array:
        """Return the product with the Hessian in ω, that of Gauss and Newton: the logits are linear in ω."""
        H = self._curve(self._omega_tangent(d_omega))
        return self._omega_cotangent(H) + self.problem.regularizer_gradient(self.theta, d_omega)[1]

    def hessian_product(self, d_theta: Array, d_omega: Array) -> tuple[Array, Array]:
        """Return ∇²f d, the derivative of the gradient along d by complex step."""
        there = self.problem.at(self.theta + 1j * STEP * d_theta, self.omega + 1j * STEP * d_omega)
        g_theta, g_omega = there.gradient()
        return g_theta.imag / STEP, g_omega.imag / STEP

    def _curve(self, dZ: Array) -> Array:
        return cross_entropy_hessian(self.logits, self.problem.C, dZ, self.problem.reduction)

    def _theta_tangent(self, d_theta: Array) -> Array:
        """Return the derivative of the logits along dθ: h^d Wᵀ dy_N."""
        problem, dp = self.problem, self.problem.parameters(d_theta)
        dy0 = convolve(dp["opening"], problem.X, **problem.shifts) if problem.learned else 0 * self.states[0]
        p = problem.parameters(self.theta)
        dy = tangent(p, self.states, self.slopes, dp, dy0, problem.final_time, **problem.shifts)
        W, mu = problem.weights(self.omega)
        return classifier.logits(W, 0 * mu, dy, problem.volume_weighted)

    def _omega_tangent(self, d_omega: Array) -> Array:
        """Return the derivative of the logits along dω: h^d dWᵀ y_N + dμ."""
        problem = self.problem
        return classifier.logits(*problem.weights(d_omega), self.states[-1], problem.volume_weighted)

    def _theta_cotangent(self, G: Array) -> Array:
        """Return the gradient of ⟨G, Z⟩ in θ."""
        problem = self.problem
        gY = self._classifier_cotangent(G)[2]
        p = problem.parameters(self.theta)
        g, g0 = cotangent(p, self.states, self.slopes, gY, problem.final_time, **problem.shifts)
        rows = np.concatenate([g["stencils"].reshape(problem.layers, -1), g["biases"]], axis=1)
        if not problem.learned:
            return join(rows)
        return join(stencil_gradient(g0, problem.X, problem.opening.shape[2:], **problem.shifts), rows)

    def _omega_cotangent(self, G: Array) -> Array:
        """Return the gradient of ⟨G, Z⟩ in ω."""
        gW, gmu, _ = self._classifier_cotangent(G)
        return join(gW, gmu)

    def _classifier_cotangent(self, G: Array) -> tuple[Array, Array, Array]:
        """Return the gradients of ⟨G, Z⟩ in W, μ and y_N."""
        W, _ = self.problem.weights(self.omega)
        return classifier.cotangent(W, self.states[-1], G, self.problem.volume_weighted)


def join(*arrays: Array) -> Array:
    """Return the entries of several arrays as one vector, each in C order."""
    return np.concatenate([array.reshape(-1) for array in arrays])
