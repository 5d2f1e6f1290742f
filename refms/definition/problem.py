"""Problem (6): mean cross entropy plus both regularisers, in θ and ω = (W, μ), differentiated by hand.

θ holds the opening, where it is learned, and then of each layer the stencils and the biases; ω holds W and μ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from refms.definition import classifier, regularizers
from refms.definition.arrays import Array, Number
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
        y = states(p, self.X, self.final_time)
        return Point(self, theta, omega, y, slopes(p, y))


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
        return classifier.logits(*self.problem.weights(self.omega), self.states[-1])

    def loss(self) -> Number:
        """Return the mean cross entropy."""
        return cross_entropy(self.logits, self.problem.C)

    def value(self) -> Number:
        """Return the objective."""
        return self.loss() + self.problem.regularizer(self.theta, self.omega)

    def gradient(self) -> tuple[Array, Array]:
        """Return the derivatives of the objective in θ and ω."""
        G = cross_entropy_gradient(self.logits, self.problem.C)
        R_theta, R_omega = self.problem.regularizer_gradient(self.theta, self.omega)
        return self._theta_cotangent(G) + R_theta, self._omega_cotangent(G) + R_omega

    def omega_gradient(self) -> Array:
        """Return the derivative in ω alone."""
        G = cross_entropy_gradient(self.logits, self.problem.C)
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

    def _curve(self, dZ: Array) -> Array:
        return cross_entropy_hessian(self.logits, self.problem.C, dZ)

    def _theta_tangent(self, d_theta: Array) -> Array:
        """Return the derivative of the logits along dθ: h^d Wᵀ dy_N."""
        problem, dp = self.problem, self.problem.parameters(d_theta)
        dy0 = convolve(dp["opening"], problem.X) if problem.learned else 0 * self.states[0]
        p = problem.parameters(self.theta)
        dy = tangent(p, self.states, self.slopes, dp, dy0, problem.final_time)
        W, mu = problem.weights(self.omega)
        return classifier.logits(W, 0 * mu, dy)

    def _omega_tangent(self, d_omega: Array) -> Array:
        """Return the derivative of the logits along dω: h^d dWᵀ y_N + dμ."""
        return classifier.logits(*self.problem.weights(d_omega), self.states[-1])

    def _theta_cotangent(self, G: Array) -> Array:
        """Return the gradient of ⟨G, Z⟩ in θ."""
        problem = self.problem
        gY = classifier.cotangent(problem.weights(self.omega)[0], self.states[-1], G)[2]
        p = problem.parameters(self.theta)
        g, g0 = cotangent(p, self.states, self.slopes, gY, problem.final_time)
        rows = np.concatenate([g["stencils"].reshape(problem.layers, -1), g["biases"]], axis=1)
        if not problem.learned:
            return join(rows)
        return join(stencil_gradient(g0, problem.X, problem.opening.shape[2:]), rows)

    def _omega_cotangent(self, G: Array) -> Array:
        """Return the gradient of ⟨G, Z⟩ in ω."""
        gW, gmu, _ = classifier.cotangent(self.problem.weights(self.omega)[0], self.states[-1], G)
        return join(gW, gmu)


def join(*arrays: Array) -> Array:
    """Return the entries of several arrays as one vector, each in C order."""
    return np.concatenate([array.reshape(-1) for array in arrays])
