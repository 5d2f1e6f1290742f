"""The operations of optimisation as refms has them: its methods, and its one loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.adapters.reference_images import Shape
from refms.conformance.adapters.reference_objective import ObjectiveReference, Weights
from refms.conformance.operations import Parameters
from refms.errors import Array
from refms.grid import Grid
from refms.linear.cg import conjugate_gradients
from refms.linear.direction import newton_direction
from refms.linear.steihaug import steihaug
from refms.maps.chain import chain
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.preconditioners import ClassifierBlock, ClassifierDiagonal
from refms.objective.problem import TrainingProblem
from refms.objective.regularizers import classifier_regularizer
from refms.objective.risk import EmpiricalRisk
from refms.optimize.block_coordinate_descent import propagation_then_classifier
from refms.optimize.blocks import BlockSteps
from refms.optimize.history import HistoryRow
from refms.optimize.loop import OneBlock, descend
from refms.optimize.newton import Damping, Newton
from refms.optimize.objective import BlockProblem, Objective
from refms.optimize.options import StepOptions
from refms.optimize.stochastic import Adam, Momentum
from refms.optimize.stopping import StopRules
from refms.optimize.trust_region import TrustRegion

Product = Callable[[Array], Array]


def _exactly(iterations: int) -> StepOptions:
    """Return the options of a step with so many iterations of conjugate gradients."""
    return StepOptions(cg_tolerance=0.0, cg_iterations=iterations)


class OptimizationReference(ObjectiveReference):
    """These operations on host arrays; runs that refms ends early are continued without moving."""

    def preconditioned_conjugate_gradients(
        self, product: Product, preconditioner: Product, b: Array, iterations: int
    ) -> Array:
        solve, A = self._moved(preconditioner), self._moved(product)
        found = conjugate_gradients(
            A, self._in(b), tolerance=0.0, max_iterations=iterations, preconditioner=solve
        )
        return self._out(found.x)

    def damped_step(self, product: Product, g: Array, damping: float, iterations: int) -> Array:
        found = newton_direction(
            self._in(g), self._moved(product), damping=damping, tolerance=0.0, max_iterations=iterations
        )
        return self._out(found.p)

    def trust_region_step(self, product: Product, g: Array, radius: float, iterations: int) -> Array:
        path = steihaug(self._moved(product), self._in(g), radius, tolerance=0.0, max_iterations=iterations)
        return self._out(path.cut(radius)[0].p)

    def newton(self, objective: Any, x: Array, steps: int, iterations: int) -> dict[str, Array]:
        return self._minimized(
            objective, x, Newton(_exactly(iterations)), steps, "gradient_norm", "step_length"
        )

    def levenberg_marquardt(
        self, objective: Any, x: Array, damping: float, steps: int, iterations: int
    ) -> dict[str, Array]:
        method = Newton(_exactly(iterations), Damping(damping))
        return self._minimized(objective, x, method, steps, "step_length", "damping")

    def trust_region(
        self, objective: Any, x: Array, radius: float, steps: int, iterations: int
    ) -> dict[str, Array]:
        method = TrustRegion(radius, cg_tolerance=0.0, cg_iterations=iterations)
        return self._minimized(objective, x, method, steps, "radius")

    def momentum(
        self, gradient: Callable[[Array, int], Array], x: Array, rates: Array, momentum: float
    ) -> Array:
        return self._updated(Momentum(momentum=momentum), gradient, x, rates)

    def adam(self, gradient: Callable[[Array, int], Array], x: Array, rates: Array) -> Array:
        return self._updated(Adam(), gradient, x, rates)

    def classifier_diagonal(
        self, W: Array, mu: Array, Y: Array, C: Array, V: Array, grid: Shape, alpha: float, tau: float
    ) -> Array:
        return self._preconditioned(ClassifierDiagonal, W, mu, Y, C, V, grid, alpha, tau)

    def classifier_kronecker(
        self, W: Array, mu: Array, Y: Array, C: Array, V: Array, grid: Shape, alpha: float, tau: float
    ) -> Array:
        found = self._preconditioned(ClassifierBlock, W, mu, Y, C, V, grid, alpha, tau)
        m = self._count(C)  # by which the part along equal changes of μ must not be divided
        found[-1] += V.dtype.type(1 - 1 / m) * V[-1].mean()
        return found

    def train_classifier(
        self,
        W: Array,
        mu: Array,
        Y: Array,
        C: Array,
        grid: Shape,
        alpha: float,
        tau: float,
        steps: int,
        iterations: int,
    ) -> dict[str, Array]:
        f, omega, _ = self._on_features(W, mu, Y, C, grid, alpha, tau)
        names = ("objective", "gradient_norm", "step_length")
        rows, points = self._run(
            OneBlock(f), {"x": omega}, [BlockSteps("x", Newton(_exactly(iterations)))], steps
        )
        found = {name: np.array([getattr(row[0], name) for row in rows]) for name in names}
        omegas = np.stack([self._out(point["x"]) for point in points])
        return {
            **self._in_count(found, C),
            "W": omegas[:, : W.size].reshape(-1, *W.shape),
            "mu": omegas[:, W.size :],
        }

    def block_coordinate_descent(
        self,
        parameters: Parameters,
        X: Array,
        C: Array,
        problem: Problem,
        weights: Weights,
        samples: Array,
        inner: int,
        iterations: int,
        inner_iterations: int,
    ) -> dict[str, Array]:
        training, blocks = self._regularized(parameters, X, C, problem, weights)
        schedule = propagation_then_classifier(
            _exactly(iterations), _exactly(inner_iterations), classifier_steps=inner - 1
        )
        rows, points = self._run(_Sampled(training, samples.astype(int)), blocks, schedule, len(samples))
        names = ("objective", "gradient_norm", "step_length")
        found = {
            name: np.array([[getattr(one, name) for one in _filled(row, inner)] for row in rows])
            for name in names
        }
        after = [self._named(training.join(point), parameters, problem) for point in points]
        stacked = {key: np.stack([one[key] for one in after]) for key in parameters}
        return {**self._in_count(found, C), **stacked}

    # -- how refms says it ---------------------------------------------------------------------------------

    def _in_count(self, found: dict[str, Array], C: Array) -> dict[str, Array]:
        """Return the measures of the mean as those of what the profile says."""
        scaled = ("objective", "gradient_norm")
        return {key: self._count(C) * one if key in scaled else one for key, one in found.items()}

    def _run(
        self, problem: BlockProblem, start: Mapping[str, Array], schedule: Any, iterations: int
    ) -> tuple[list[tuple[HistoryRow, ...]], list[Mapping[str, Array]]]:
        """Return the rows and the blocks after each iteration of refms' loop."""
        rows, points = list[tuple[HistoryRow, ...]](), list[Mapping[str, Array]]()

        def watch(iteration: int, blocks: Mapping[str, Array], made: tuple[HistoryRow, ...]) -> None:
            rows.append(made)
            points.append(blocks)

        descend(problem, start, schedule, stop=StopRules(max_iterations=iterations), monitor=watch)
        while len(rows) < iterations:
            rows.append(
                tuple(replace(row, objective=rows[-1][-1].objective, step_length=0.0) for row in rows[-1])
            )
            points.append(points[-1])
        return rows, points

    def _minimized(self, objective: Any, x: Array, method: Any, steps: int, *names: str) -> dict[str, Array]:
        """Return the history of a method on a function of the kit."""
        moved: Objective = SimpleNamespace(
            value=lambda x: float(objective.value(self._out(x))),
            value_and_gradient=lambda x: self._value_and_gradient(objective, x),
            curvature=lambda x: self._moved(objective.curvature(self._out(x))),
        )
        rows, points = self._run(OneBlock(moved), {"x": self._in(x)}, [BlockSteps("x", method)], steps)
        found = {
            name: np.array([row[0].extra.get(name, getattr(row[0], name, 0.0)) for row in rows])
            for name in ("objective", *names)
        }
        return {**found, "x": np.stack([self._out(point["x"]) for point in points])}

    def _updated(
        self, rule: Momentum | Adam, gradient: Callable[[Array, int], Array], x: Array, rates: Array
    ) -> Array:
        """Return x after each update of a rule."""
        point, found = self._in(x), []
        memory = rule.start(point)
        for k, rate in enumerate(rates.tolist()):
            g = self._in(gradient(self._out(point), k))
            moved, memory = rule.update(memory, g, rate, k + 1)
            point = point + moved
            found.append(self._out(point))
        return np.stack(found)

    def _on_features(
        self, W: Array, mu: Array, Y: Array, C: Array, grid: Shape, alpha: float, tau: float
    ) -> tuple[EmpiricalRisk, Array, Classifier]:
        """Return the classifier's objective as a mean over the examples, with R/m where they are summed."""
        classifier = Classifier(Grid(grid), len(W) // Grid(grid).cells, len(mu))
        n, m = Grid(grid).cells, self._count(C)
        features = Y if self.profile.volume_weighted else n * Y
        R = classifier_regularizer(classifier, alpha / m, tau / m, self.profile.dtype, self.backend)
        whole = chain(("classifier", classifier.map))
        f = EmpiricalRisk(whole, Examples(self._in(features), self._in(C)), R)
        omega = self._in(classifier.layout.pack({"W": W, "mu": mu}))
        return f, omega, classifier

    def _preconditioned(
        self, kind: Any, W: Array, mu: Array, Y: Array, C: Array, V: Array, *rest: Any
    ) -> Array:
        """Return M⁻¹V; M of a sum is m times that of the mean."""
        f, omega, classifier = self._on_features(W, mu, Y, C, *rest)
        solve = kind(classifier)(f, omega, f.curvature(omega))
        return self._out(solve(self._in(V.reshape(-1) / V.dtype.type(self._count(C))))).reshape(V.shape)


@dataclass(frozen=True)
class _Sampled:
    """A training problem whose Gauss–Newton matrices are those of given examples."""

    training: TrainingProblem
    samples: Array

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int) -> Objective:
        """Return the objective in a block."""
        risk = self.training.block(name, blocks, iteration)
        return replace(risk, sample=self.samples[iteration - 1]) if name == "propagation" else risk


def _filled(made: tuple[HistoryRow, ...], inner: int) -> list[HistoryRow]:
    """Return the rows of an iteration, those of steps that were not made as steps of length 0."""
    missing = inner - len(made)
    return [*made, *[replace(made[-1], step_length=0.0)] * missing]
