"""The adapter of refms itself: how an implementation is plugged in, and what the others are compared with."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.adapters.reference_data import DataReference
from refms.conformance.adapters.reference_images import Shape
from refms.conformance.adapters.reference_optimization import OptimizationReference
from refms.conformance.operations import Parameters
from refms.errors import Array
from refms.grid import Grid
from refms.linear.cg import conjugate_gradients
from refms.maps.activation import TANH, activation
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer
from refms.maps.map import Map
from refms.maps.time.steps import TimeSteps
from refms.model import Model
from refms.multiscale.depth import prolong_in_time, to_depth
from refms.multiscale.resolution import transfer
from refms.objective.batches import hessian_sample
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.losses import SoftmaxCrossEntropy
from refms.objective.losses.softmax import SoftmaxCrossEntropyEvaluation
from refms.objective.problem import Block, TrainingProblem
from refms.objective.reading import Classes
from refms.objective.regularizers import Quadratic, classifier_regularizer, time_regularizer
from refms.objective.risk import EmpiricalRisk
from refms.optimize.blocks import BlockSteps
from refms.optimize.line_search import armijo
from refms.optimize.loop import descend
from refms.optimize.newton import Newton
from refms.optimize.options import StepOptions
from refms.optimize.step import descent_step
from refms.optimize.stopping import StopRules
from refms.stencils.convolution import Convolution
from refms.stencils.galerkin import prolong_stencil, restrict_stencil
from refms.stencils.transfer import transfer_pair


class ReferenceAdapter(DataReference, OptimizationReference):
    """All operations of refms on host arrays; those of [LAS] are here."""

    # -- convolution ---------------------------------------------------------------------------------------

    def convolution(self, S: Array, Y: Array, grid: Shape, boundary: str) -> Array:
        return self._out(self._convolution(S, grid, boundary).apply(self._in(S), self._in(Y)))

    def convolution_adjoint(self, S: Array, Z: Array, grid: Shape, boundary: str) -> Array:
        return self._out(self._convolution(S, grid, boundary).adjoint(self._in(S), self._in(Z)))

    def stencil_gradient(self, Z: Array, Y: Array, grid: Shape, stencil: Shape, boundary: str) -> Array:
        cells = Grid(grid).cells
        geometry = Convolution(
            Grid(grid), len(Y) // cells, len(Z) // cells, stencil, boundary, self.profile.orientation
        )
        return self._out(geometry.stencil_gradient(self._in(Z), self._in(Y)))

    def convolution_matrix(self, S: Array, grid: Shape, boundary: str) -> Any:
        K = self._convolution(S, grid, boundary).matrix(self._in(S))
        return K if self.backend.name == "numpy" else K.get()

    # -- transfer ------------------------------------------------------------------------------------------

    def restrict(self, Y: Array, grid: Shape, pair: str) -> Array:
        channels = len(Y) // Grid(grid).cells
        R = transfer_pair(pair).restriction_matrix(Grid(grid), channels, str(Y.dtype), self.backend)
        return self._out(R @ self._in(Y))

    def prolong(self, Y: Array, grid: Shape, pair: str) -> Array:
        channels = len(Y) // Grid(grid).coarsen().cells
        P = transfer_pair(pair).prolongation_matrix(Grid(grid), channels, str(Y.dtype), self.backend)
        return self._out(P @ self._in(Y))

    def stencil_down(self, S: Array, pair: str) -> Array:
        orientation = self.profile.orientation
        return self._out(restrict_stencil(self._in(S), transfer_pair(pair), orientation=orientation))

    def stencil_up(self, S: Array, pair: str) -> Array:
        orientation = self.profile.orientation
        return self._out(prolong_stencil(self._in(S), transfer_pair(pair), orientation=orientation))

    # -- network -------------------------------------------------------------------------------------------

    def activation(self, Z: Array, name: str) -> Array:
        return self._out(activation(name).value(self._in(Z)))

    def activation_derivative(self, Z: Array, name: str) -> Array:
        return self._out(activation(name).derivative(self._in(Z)))

    def forward(self, parameters: Parameters, X: Array, problem: Problem) -> Array:
        network = self._network(parameters, problem)
        theta = self._in(network.arrays.pack(parameters))
        return self._out(network.map.apply(theta, self._in(X)))

    def logits(self, W: Array, mu: Array, Y: Array, grid: Shape) -> Array:
        classifier = Classifier(Grid(grid), len(W) // Grid(grid).cells, len(mu))
        omega = classifier.layout.pack({"W": W, "mu": mu})
        return self._out(classifier.map.apply(self._in(omega), self._in(Y)))

    def jacobian_product(
        self, parameters: Parameters, direction: Parameters, X: Array, problem: Problem
    ) -> Array:
        full, x = self._full(parameters, problem)
        return self._out(full.at(x, self._in(X)).jvp(self._vector(direction, problem)))

    def jacobian_transpose(self, parameters: Parameters, U: Array, X: Array, problem: Problem) -> Parameters:
        full, x = self._full(parameters, problem)
        g, _ = full.at(x, self._in(X)).vjp(self._in(U), wrt_input=False)
        return self._named(g, parameters, problem)

    def refine_network(self, parameters: Parameters, grid: Shape, pair: str, weights: str) -> Parameters:
        return self._moved_to(tuple(2 * n for n in grid), parameters, grid, pair, weights)

    def coarsen_network(self, parameters: Parameters, grid: Shape, pair: str, weights: str) -> Parameters:
        return self._moved_to(Grid(grid).coarsen().shape, parameters, grid, pair, weights)

    def forward_at_depth(self, parameters: Parameters, X: Array, problem: Problem, layers: int) -> Array:
        deeper = to_depth(self._model(parameters, problem), layers)
        architecture = deeper.architecture
        return self._out(architecture.map.apply(architecture.arrays.pack(deeper.arrays), self._in(X)))

    def coarse_input(self, Y: Array, grid: Shape, pair: str, sigma: float) -> Array:
        return self.restrict(self.blur(Y, grid, sigma), grid, pair)

    def depth_prolong(self, Theta: Array, layers: int) -> Array:
        return self._out(prolong_in_time(self._in(Theta), layers))

    # -- objective -----------------------------------------------------------------------------------------

    def cross_entropy(self, Z: Array, C: Array) -> float:
        return float(self._loss(Z, C).value.real)

    def cross_entropy_gradient(self, Z: Array, C: Array) -> Array:
        return self._out(self._loss(Z, C).gradient)

    def cross_entropy_hessian(self, Z: Array, C: Array, V: Array) -> Array:
        return self._out(self._loss(Z, C).hessian_product(self._in(V)))

    def loss(self, parameters: Parameters, X: Array, C: Array, problem: Problem) -> float:
        risk, x = self._risk(parameters, X, C, problem)
        return float(risk.value(x))

    def gradient(self, parameters: Parameters, X: Array, C: Array, problem: Problem) -> Parameters:
        risk, x = self._risk(parameters, X, C, problem)
        return self._named(risk.value_and_gradient(x)[1], parameters, problem)

    def gauss_newton(
        self, parameters: Parameters, direction: Parameters, X: Array, C: Array, problem: Problem
    ) -> Parameters:
        risk, x = self._risk(parameters, X, C, problem)
        return self._named(risk.curvature(x)(self._vector(direction, problem)), parameters, problem)

    def subsampled_gauss_newton(
        self,
        parameters: Parameters,
        direction: Parameters,
        X: Array,
        C: Array,
        problem: Problem,
        size: int,
        seed: int,
    ) -> Parameters:
        training, blocks = self._training(parameters, X, C, problem, size / C.shape[1])
        # Training keeps the seed and counts iterations: these are what varies here too.
        joint = training.block("joint", blocks, iteration=seed)
        product = joint.curvature(self._vector(parameters, problem))
        return self._named(product(self._vector(direction, problem)), parameters, problem)

    def subsample(self, m: int, size: int, seed: int) -> Array:
        return hessian_sample(m, size / m, seed=0, iteration=seed)

    def weight_smoothness(self, W: Array, grid: Shape) -> float:
        form, w = self._on_weights(W, grid)
        return float(form.value(w).real)

    def weight_smoothness_gradient(self, W: Array, grid: Shape) -> Array:
        form, w = self._on_weights(W, grid)
        return self._out(form.gradient(w))[: W.size].reshape(W.shape)

    def time_smoothness(self, Theta: Array, final_time: float) -> float:
        form, theta = self._in_time(Theta, final_time)
        return float(form.value(theta).real)

    def time_smoothness_gradient(self, Theta: Array, final_time: float) -> Array:
        form, theta = self._in_time(Theta, final_time)
        return self._out(form.gradient(theta)).reshape(Theta.shape)

    # -- optimisation --------------------------------------------------------------------------------------

    def conjugate_gradients(self, product: Callable[[Array], Array], b: Array, iterations: int) -> Array:
        moved = self._moved(product)
        return self._out(conjugate_gradients(moved, self._in(b), tolerance=0.0, max_iterations=iterations).x)

    def line_search(
        self, value: Callable[[Array], float], x: Array, f: float, slope: float, p: Array, decrease: float
    ) -> float:
        moved, point, direction = (lambda y: value(self._out(y))), self._in(x), self._in(p)
        options = StepOptions(sufficient_decrease=decrease, max_backtracks=30)
        return armijo(moved, point, f, slope, direction, options).step_length

    def newton_step(self, objective: Any, x: Array, iterations: int) -> Array:
        options = StepOptions(cg_tolerance=0.0, cg_iterations=iterations, max_backtracks=30)
        moved = SimpleNamespace(
            value=lambda x: float(objective.value(self._out(x))),
            value_and_gradient=lambda x: self._value_and_gradient(objective, x),
            curvature=lambda x: self._moved(objective.curvature(self._out(x))),
        )
        return self._out(descent_step(moved, self._in(x), options).x)

    def block_step(
        self, parameters: Parameters, X: Array, C: Array, problem: Problem, block: str
    ) -> Parameters:
        training, blocks = self._training(parameters, X, C, problem)
        schedule = [BlockSteps(block, Newton(StepOptions(cg_iterations=100)))]
        after = descend(training, blocks, schedule, stop=StopRules(max_iterations=1)).blocks
        return self._named(training.join(after), parameters, problem)

    # -- how refms says it ---------------------------------------------------------------------------------

    def _loss(self, Z: Array, C: Array) -> SoftmaxCrossEntropyEvaluation:
        return SoftmaxCrossEntropy().evaluate(self._in(Z), self._in(C))

    def _model(self, parameters: Parameters, problem: Problem) -> Model:
        arrays = {key: self._in(array) for key, array in parameters.items()}
        return Model(self._network(parameters, problem), arrays, Classes(len(parameters["mu"])))

    def _moved_to(
        self, there: Shape, parameters: Parameters, grid: Shape, pair: str, weights: str
    ) -> Parameters:
        """Return the parameters on another mesh; what the network does in between does not matter."""
        model = self._model(parameters, Problem(grid, 1.0))
        moved = transfer(model, there, pair, weights=weights)
        return {key: self._out(array) for key, array in moved.arrays.items()}

    def _full(self, parameters: Parameters, problem: Problem) -> tuple[Map, Array]:
        """Return the map from all parameters and images to logits, and the vector of all parameters."""
        network, classifier = self._network(parameters, problem), self._classifier(parameters, problem)
        full = chain(("network", network.map), ("classifier", classifier.map))
        return full, self._vector(parameters, problem)

    def _risk(
        self, parameters: Parameters, X: Array, C: Array, problem: Problem
    ) -> tuple[EmpiricalRisk, Array]:
        full, x = self._full(parameters, problem)
        return EmpiricalRisk(full, Examples(self._in(X), self._in(C)), self._zero(x.size)), x

    def _training(
        self, parameters: Parameters, X: Array, C: Array, problem: Problem, hessian_fraction: float = 1.0
    ) -> tuple[TrainingProblem, dict[str, Array]]:
        """Return problem (6) without regularisers, and its blocks."""
        network, classifier = self._network(parameters, problem), self._classifier(parameters, problem)
        theta = self._in(network.arrays.pack(parameters))
        omega = self._in(classifier.layout.pack({key: parameters[key] for key in ("W", "mu")}))
        blocks = {
            "propagation": Block(network.map, self._zero(theta.size)),
            "classifier": Block(classifier.map, self._zero(omega.size), subsampled=False),
        }
        examples = Examples(self._in(X), self._in(C))
        training = TrainingProblem(blocks, examples, hessian_fraction=hessian_fraction)
        return training, {"propagation": theta, "classifier": omega}

    def _on_weights(self, W: Array, grid: Shape) -> tuple[Quadratic, Array]:
        """Return the regulariser of W, and W followed by μ = 0 as a vector."""
        cells, classes = Grid(grid).cells, W.shape[1]
        form = classifier_regularizer(
            Classifier(Grid(grid), len(W) // cells, classes), 1.0, 0.0, str(W.dtype), self.backend
        )
        return form, self._in(np.concatenate([W.reshape(-1), np.zeros(classes, W.dtype)]))

    def _in_time(self, Theta: Array, final_time: float) -> tuple[Quadratic, Array]:
        """Return the regulariser of layers with p parameters each, and the parameters as a vector."""
        # A layer with p parameters: one stencil entry and p - 1 biases.
        geometry = Convolution(Grid((Theta.shape[1] - 1,)), stencil_shape=(1,))
        steps = TimeSteps(convolution_layer(geometry, TANH, bias_per_cell=True), len(Theta), final_time)
        form = time_regularizer(steps, 1.0, 0.0, 0, str(Theta.dtype), self.backend)
        return form, self._in(Theta.reshape(-1))
