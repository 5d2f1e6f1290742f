"""The operations on further objectives as refms has them, under every convention of the profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.adapters.reference_images import ImageReference
from refms.conformance.operations import Parameters
from refms.errors import Array
from refms.grid import Grid
from refms.maps.architectures.residual import Residual
from refms.maps.chain import chain
from refms.maps.map import Map
from refms.maps.parameterless import parameterless
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.losses import LeastSquares, LogisticRegression, Loss, LossEvaluation, SmoothHinge
from refms.objective.problem import Block, TrainingProblem
from refms.objective.regularizers import classifier_regularizer, time_regularizer
from refms.objective.risk import EmpiricalRisk

Weights = tuple[float, float, float, float]


class ObjectiveReference(ImageReference):
    """These operations on host arrays; a sum over m examples is m times the mean, with R/m in place of R."""

    def least_squares(self, Z: Array, C: Array) -> float:
        return self._value(LeastSquares(), Z, C)

    def least_squares_gradient(self, Z: Array, C: Array) -> Array:
        return self._out(self._evaluated(LeastSquares(), Z, C).gradient)

    def least_squares_hessian(self, Z: Array, C: Array, V: Array) -> Array:
        return self._out(self._evaluated(LeastSquares(), Z, C).hessian_product(self._in(V)))

    def logistic(self, Z: Array, C: Array) -> float:
        return self._value(LogisticRegression(), Z, C)

    def logistic_gradient(self, Z: Array, C: Array) -> Array:
        return self._out(self._evaluated(LogisticRegression(), Z, C).gradient)

    def logistic_hessian(self, Z: Array, C: Array, V: Array) -> Array:
        return self._out(self._evaluated(LogisticRegression(), Z, C).hessian_product(self._in(V)))

    def smooth_hinge(self, Z: Array, C: Array, width: float) -> float:
        return self._value(SmoothHinge(width), Z, C)

    def smooth_hinge_gradient(self, Z: Array, C: Array, width: float) -> Array:
        return self._out(self._evaluated(SmoothHinge(width), Z, C).gradient)

    def smooth_hinge_hessian(self, Z: Array, C: Array, V: Array, width: float) -> Array:
        return self._out(self._evaluated(SmoothHinge(width), Z, C).hessian_product(self._in(V)))

    def hessian(
        self, parameters: Parameters, direction: Parameters, X: Array, C: Array, problem: Problem
    ) -> Parameters:
        f, x, count = self._objective(parameters, X, C, problem, (0.0,) * 4)
        found = replace(f, second_order=True).curvature(x)(self._vector(direction, problem))
        return self._named(count * found, parameters, problem)

    def regularized_loss(
        self, parameters: Parameters, X: Array, C: Array, problem: Problem, weights: Weights
    ) -> float:
        f, x, count = self._objective(parameters, X, C, problem, weights)
        return float(count * f.value(x))

    def regularized_gradient(
        self, parameters: Parameters, X: Array, C: Array, problem: Problem, weights: Weights
    ) -> Parameters:
        f, x, count = self._objective(parameters, X, C, problem, weights)
        return self._named(count * f.value_and_gradient(x)[1], parameters, problem)

    def regularized_gauss_newton(
        self,
        parameters: Parameters,
        direction: Parameters,
        X: Array,
        C: Array,
        problem: Problem,
        weights: Weights,
    ) -> Parameters:
        f, x, count = self._objective(parameters, X, C, problem, weights)
        return self._named(count * f.curvature(x)(self._vector(direction, problem)), parameters, problem)

    # -- how refms says it ---------------------------------------------------------------------------------

    def _moved(self, product: Callable[[Array], Array]) -> Callable[[Array], Array]:
        """Return a host function as one on the backend's arrays."""
        return lambda v: self._in(product(self._out(v)))

    def _value_and_gradient(self, objective: Any, x: Array) -> tuple[float, Array]:
        f, g = objective.value_and_gradient(self._out(x))
        return float(f), self._in(g)

    def _count(self, C: Array) -> int:
        """Return by what the mean over examples is multiplied to be what the profile says."""
        return int(C.shape[1]) if self.profile.reduction == "sum" else 1

    def _evaluated(self, loss: Loss, Z: Array, C: Array) -> LossEvaluation:
        return loss.evaluate(self._in(Z), self._in(C), C.shape[1] // self._count(C))

    def _value(self, loss: Loss, Z: Array, C: Array) -> float:
        return float(self._evaluated(loss, Z, C).value.real)

    def _network(self, parameters: Parameters, problem: Problem) -> Residual:
        opening, stencils = parameters["opening"], parameters["stencils"]
        return Residual(
            Grid(problem.grid),
            channels=len(opening),
            image_channels=opening.shape[1],
            layers=len(stencils),
            final_time=problem.final_time,
            stencil_shape=tuple(stencils.shape[3:]),
            opening="learned",
            opening_shape=tuple(opening.shape[2:]),
            activation=problem.activation,
            boundary=problem.boundary,
            orientation=self.profile.orientation,
        )

    def _classifier(self, parameters: Parameters, problem: Problem) -> Classifier:
        return Classifier(Grid(problem.grid), len(parameters["opening"]), len(parameters["mu"]))

    def _vector(self, parameters: Parameters, problem: Problem) -> Array:
        """Return named arrays as the one vector that the full map takes."""
        theta = self._network(parameters, problem).arrays.pack(parameters)
        return self._in(np.concatenate([theta, parameters["W"].reshape(-1), parameters["mu"]]))

    def _named(self, vector: Array, like: Parameters, problem: Problem) -> Parameters:
        """Return such a vector as named arrays on the host."""
        arrays = self._network(like, problem).arrays
        theta, W, mu = np.split(self._out(vector), np.cumsum([arrays.layout.size, like["W"].size]))
        return {**arrays.unpack(theta), "W": W.reshape(like["W"].shape), "mu": mu}

    def _regularized(
        self, parameters: Parameters, X: Array, C: Array, problem: Problem, weights: Weights
    ) -> tuple[TrainingProblem, dict[str, Array]]:
        """Return problem (6) as a mean over the examples, with R/m where they are summed, and its blocks."""
        network, classifier = self._network(parameters, problem), self._classifier(parameters, problem)
        assert network.propagation.time is not None  # for mypy: it has layers
        in_time, tau, in_space, tau_W = (weight / self._count(C) for weight in weights)
        numbers = self.profile.dtype, self.backend
        leading = parameters["opening"].size
        R_theta = time_regularizer(network.propagation.time, in_time, tau, leading, *numbers)
        R_omega = classifier_regularizer(classifier, in_space, tau_W, *numbers)
        features = network.map
        if not self.profile.volume_weighted:
            features = chain(("network", features), ("1/h^d", _times(problem, features.rows_out)))
        blocks = {
            "propagation": Block(features, R_theta),
            "classifier": Block(classifier.map, R_omega, subsampled=False),
        }
        theta = network.arrays.pack(parameters)
        omega = classifier.layout.pack({key: parameters[key] for key in ("W", "mu")})
        training = TrainingProblem(blocks, Examples(self._in(X), self._in(C)))
        return training, {"propagation": self._in(theta), "classifier": self._in(omega)}

    def _objective(
        self, parameters: Parameters, X: Array, C: Array, problem: Problem, weights: Weights
    ) -> tuple[EmpiricalRisk, Array, int]:
        """Return it in all parameters, their vector, and by what it is multiplied."""
        training, blocks = self._regularized(parameters, X, C, problem, weights)
        return training.block("joint", blocks), training.join(blocks), self._count(C)


def _times(problem: Problem, rows: int) -> Map:
    """Return the map of features to n = 1/h^d times them."""
    n = Grid(problem.grid).cells

    def times(Y: Array) -> Array:
        return n * Y

    return parameterless(rows, rows, times, lambda Y: (n * Y, times, times, None))
