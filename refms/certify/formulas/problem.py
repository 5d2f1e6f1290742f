"""Problem (6): value, gradients and Gauss–Newton products of network and classifier on a few examples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from refms.certify.formulas import classifier, regularizers, softmax
from refms.certify.formulas.convolution import convolve, stencil_gradient
from refms.certify.formulas.propagation import Layer, Trajectory, cotangent, propagate, tangent
from refms.certify.formulas.tensor import Number, Tensor, joined


@dataclass(frozen=True)
class Problem:
    """The data and the constants of problem (6).

    Parameters
    ----------
    X : numpy.ndarray
        Images, shape (image channels, *grid, m).
    C : numpy.ndarray
        Labels, shape (ℓ, m).
    opening : numpy.ndarray
        Stencil of L, shape (c, image channels, *opening stencil).
    learned : bool
        Whether that stencil is the first part of θ; then only its shape counts here.
    stencil : tuple of int
        Odd extents of the layers' stencils.
    layers : int
        N.
    final_time : number
        T.
    theta_smoothness, theta_tikhonov, W_smoothness, W_tikhonov : number
        α_θ, τ_θ, α_W and τ_W.
    """

    X: Tensor
    C: Tensor
    opening: Tensor
    learned: bool
    stencil: tuple[int, ...]
    layers: int
    final_time: Number
    theta_smoothness: Number
    theta_tikhonov: Number
    W_smoothness: Number
    W_tikhonov: Number

    @property
    def time_step(self) -> Number:
        """δt = T / N."""
        return self.final_time / self.layers

    @property
    def leading(self) -> int:
        """Number of entries of θ that stand before the layers."""
        return int(self.opening.size) if self.learned else 0

    def parts(self, theta: Tensor) -> tuple[Tensor, list[Layer]]:
        """Return the opening and the layers of θ: of each layer the stencils, then the biases.

        Parameters
        ----------
        theta : numpy.ndarray
            Shape (size,).

        Returns
        -------
        opening : numpy.ndarray
            Its stencil.
        layers : list of Layer
            N layers.
        """
        c = self.opening.shape[0]
        rows = theta[self.leading :].reshape(self.layers, -1)
        size = c * c * math.prod(self.stencil)
        layers = [Layer(row[:size].reshape(c, c, *self.stencil), row[size:]) for row in rows]
        return (theta[: self.leading].reshape(self.opening.shape) if self.learned else self.opening), layers

    def weights(self, omega: Tensor) -> classifier.Weights:
        """Return W and μ of a vector.

        Parameters
        ----------
        omega : numpy.ndarray
            Shape (c·n·ℓ + ℓ,).

        Returns
        -------
        Weights
            W with shape (c, *grid, ℓ).
        """
        classes = self.C.shape[0]
        shape = (self.opening.shape[0], *self.X.shape[1:-1], classes)
        return classifier.Weights(omega[:-classes].reshape(shape), omega[-classes:])

    def at(self, theta: Tensor, omega: Tensor) -> Point:
        """Return the problem at a point, after one forward pass.

        Parameters
        ----------
        theta, omega : numpy.ndarray
            Parameters of propagation and classifier.

        Returns
        -------
        Point
            Gives everything else.
        """
        opening, layers = self.parts(theta)
        trajectory = propagate(layers, self.time_step, convolve(opening, self.X))
        weights = self.weights(omega)
        Z = classifier.logits(weights, trajectory.states[-1])
        return Point(self, theta, omega, trajectory, weights, Z)

    def theta_value(self, theta: Tensor) -> Number:
        """Return the regulariser of θ.

        Parameters
        ----------
        theta : numpy.ndarray
            Shape (size,).

        Returns
        -------
        number
            The value.
        """
        return regularizers.in_time(*self._time(theta))

    def theta_gradient(self, theta: Tensor) -> Tensor:
        """Return the gradient of the regulariser of θ, which is linear in θ.

        Parameters
        ----------
        theta : numpy.ndarray
            Shape (size,).

        Returns
        -------
        numpy.ndarray
            Shape (size,).
        """
        return joined(*regularizers.in_time_gradient(*self._time(theta)))

    def omega_value(self, omega: Tensor) -> Number:
        """Return the regulariser of (W, μ), in which μ is free.

        Parameters
        ----------
        omega : numpy.ndarray
            Shape (size,).

        Returns
        -------
        number
            The value.
        """
        return regularizers.in_space(self.weights(omega).W, self.W_smoothness, self.W_tikhonov)

    def omega_gradient(self, omega: Tensor) -> Tensor:
        """Return the gradient of the regulariser of (W, μ), which is linear in it.

        Parameters
        ----------
        omega : numpy.ndarray
            Shape (size,).

        Returns
        -------
        numpy.ndarray
            Shape (size,).
        """
        at = self.weights(omega)
        return joined(regularizers.in_space_gradient(at.W, self.W_smoothness, self.W_tikhonov), 0 * at.mu)

    def _time(self, theta: Tensor) -> tuple[Tensor, Tensor, Number, Number, Number]:
        rows = theta[self.leading :].reshape(self.layers, -1)
        return theta[: self.leading], rows, self.time_step, self.theta_smoothness, self.theta_tikhonov


@dataclass(frozen=True)
class Point:
    """Problem (6) at (θ, ω), linearised.

    Parameters
    ----------
    problem : Problem
        Data and constants.
    theta, omega : numpy.ndarray
        Where.
    trajectory : Trajectory
        The forward pass.
    weights : Weights
        ω as W and μ.
    Z : numpy.ndarray
        Logits, shape (ℓ, m).
    """

    problem: Problem
    theta: Tensor
    omega: Tensor
    trajectory: Trajectory
    weights: classifier.Weights
    Z: Tensor

    def loss(self) -> Number:
        """Return the mean cross entropy of the logits."""
        return softmax.cross_entropy(self.Z, self.problem.C)

    def value(self) -> Number:
        """Return the objective: mean loss and both regularisers."""
        return self.loss() + self.problem.theta_value(self.theta) + self.problem.omega_value(self.omega)

    def gradient(self) -> tuple[Tensor, Tensor]:
        """Return the derivatives of the objective in θ and in ω."""
        g_theta, g_omega = self._pulled_back(softmax.gradient(self.Z, self.problem.C))
        return (
            g_theta + self.problem.theta_gradient(self.theta),
            g_omega + self.problem.omega_gradient(self.omega),
        )

    def with_omega(self, omega: Tensor) -> Point:
        """Return the problem at another ω; y_N does not depend on it.

        Parameters
        ----------
        omega : numpy.ndarray
            Parameters of the classifier.

        Returns
        -------
        Point
            With the trajectory of this one.
        """
        weights = self.problem.weights(omega)
        Z = classifier.logits(weights, self.trajectory.states[-1])
        return Point(self.problem, self.theta, omega, self.trajectory, weights, Z)

    def joint_product(self, d_theta: Tensor, d_omega: Tensor) -> tuple[Tensor, Tensor]:
        """Return (Jᵀ H J + Q) d, with H the Hessian of the loss and Q that of the regularisers.

        Parameters
        ----------
        d_theta, d_omega : numpy.ndarray
            The direction.

        Returns
        -------
        tuple of numpy.ndarray
            The Gauss–Newton product's parts in θ and in ω.
        """
        problem = self.problem
        d_opening, directions = problem.parts(d_theta)
        dy0 = convolve(d_opening, problem.X) if problem.learned else 0 * self.trajectory.states[0]
        dy = tangent(self.trajectory, directions, dy0)
        dZ = classifier.tangent(self.weights, self.trajectory.states[-1], problem.weights(d_omega), dy)
        g_theta, g_omega = self._pulled_back(softmax.hessian_product(self.Z, problem.C, dZ))
        return g_theta + problem.theta_gradient(d_theta), g_omega + problem.omega_gradient(d_omega)

    def propagation_product(self, d_theta: Tensor) -> Tensor:
        """Return the Gauss–Newton product of the propagation alone.

        Parameters
        ----------
        d_theta : numpy.ndarray
            The direction.

        Returns
        -------
        numpy.ndarray
            Shape of θ.
        """
        return self.joint_product(d_theta, 0 * self.omega)[0]

    def classifier_product(self, d_omega: Tensor) -> Tensor:
        """Return the product with the Hessian in ω, which is that of Gauss and Newton: the logits are linear.

        Parameters
        ----------
        d_omega : numpy.ndarray
            The direction.

        Returns
        -------
        numpy.ndarray
            Shape of ω.
        """
        y = self.trajectory.states[-1]
        dZ = classifier.logits(self.problem.weights(d_omega), y)
        G = softmax.hessian_product(self.Z, self.problem.C, dZ)
        back = classifier.cotangent(self.weights, y, G)[0]
        return joined(back.W, back.mu) + self.problem.omega_gradient(d_omega)

    def omega_gradient(self) -> Tensor:
        """Return the derivative of the objective in ω alone."""
        G = softmax.gradient(self.Z, self.problem.C)
        back = classifier.cotangent(self.weights, self.trajectory.states[-1], G)[0]
        return joined(back.W, back.mu) + self.problem.omega_gradient(self.omega)

    def _pulled_back(self, G: Tensor) -> tuple[Tensor, Tensor]:
        problem = self.problem
        g_weights, gY = classifier.cotangent(self.weights, self.trajectory.states[-1], G)
        layers, g0 = cotangent(self.trajectory, gY)
        parts = [tensor for layer in layers for tensor in (layer.S, layer.b)]
        if problem.learned:
            parts.insert(0, stencil_gradient(g0, problem.X, problem.opening.shape[2:]))
        return joined(*parts), joined(g_weights.W, g_weights.mu)
