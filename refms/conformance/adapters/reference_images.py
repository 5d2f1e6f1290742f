"""The operations of [MST] as refms has them: images on several meshes, and training on them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend
from refms.conformance.adapters.adapter import Adapter
from refms.conformance.adapters.profile import Profile, reference_profile
from refms.errors import Array
from refms.grid import Grid
from refms.maps.architectures.architecture import Move
from refms.maps.chain import chain
from refms.maps.layers.channels import channel_scale
from refms.maps.layers.convolution import convolution_map
from refms.maps.layers.mesh_free import mesh_free_map
from refms.maps.layers.norms import normalization
from refms.maps.layout import Layout
from refms.multiscale.estimation import Batches, estimate_objective
from refms.multiscale.full_multiscale import Schedule, Stage, TrainingPlan, TrainingState
from refms.multiscale.subsampling import Subsampling, draw_windows
from refms.multiscale.work import gradient_work
from refms.objective.examples import Examples
from refms.objective.losses.mean_squares import MeanSquares
from refms.objective.losses.ssim import SimilarityEvaluation, StructuralSimilarity
from refms.objective.regularizers import Quadratic, tikhonov_regularizer
from refms.objective.risk import EmpiricalRisk
from refms.optimize.stochastic import Adam
from refms.optimize.weighted import WeightedSum
from refms.stencils.convolution import Convolution
from refms.stencils.resize import resize_matrix
from refms.stencils.smoothing import smooth

Shape = tuple[int, ...]
"""Cells along each axis, or numbers of examples or iterations."""


class ImageReference(Adapter):
    """These operations on host arrays, as the base class promises them; computed on the backend."""

    def __init__(
        self, backend: Backend = NUMPY, dtype: str = "float64", profile: Profile | None = None
    ) -> None:
        super().__init__(profile or reference_profile(f"refms on {backend.name}", dtype))
        self.backend = backend

    def resize(self, Y: Array, grid: Shape, to: Shape, kernel: str, antialias: bool, border: str) -> Array:
        A = resize_matrix(
            Grid(grid),
            Grid(to),
            kernel,
            antialias=antialias,
            boundary=border,
            channels=len(Y) // Grid(grid).cells,
            dtype=str(Y.dtype),
            backend=self.backend,
        )
        return self._out(A @ self._in(Y))

    def blur(self, Y: Array, grid: Shape, sigma: float) -> Array:
        return self._out(smooth(self._in(Y), Grid(grid), sigma))

    def normalize(
        self, Y: Array, grid: Shape, groups: int, epsilon: float, gamma: Array, beta: Array
    ) -> Array:
        scale = channel_scale(Grid(grid), len(gamma))
        layer = chain(("unit", normalization(Grid(grid), len(gamma), groups, epsilon)), ("scale", scale))
        weights = scale.layout.pack({"gamma": gamma, "beta": beta})
        return self._out(layer.apply(self._in(weights), self._in(Y)))

    def normalize_product(self, Y: Array, V: Array, grid: Shape, groups: int, epsilon: float) -> Array:
        layer = normalization(Grid(grid), len(Y) // Grid(grid).cells, groups, epsilon)
        return self._out(layer.at(self._in(Y[:0, 0]), self._in(Y)).jvp(None, self._in(V)))

    def work_units(self, batches: Shape, finest: int, dimension: int) -> float:
        return gradient_work(batches, finest, dimension)

    def learning_rate(self, k: int, total: int, rate: float, floor: float) -> float:
        return Schedule(rate, floor)(k, total)

    def adam_step(self, theta: Array, g: Array, m: Array, v: Array, rate: float, count: int) -> Array:
        moved, memory = Adam().update((self._in(m), self._in(v)), self._in(g), rate, count)
        return np.stack([theta + self._out(moved), *map(self._out, memory)])

    def ssim(self, X: Array, Y: Array, grid: Shape) -> Array:
        return self._out(self._similarity(X, Y, grid).similarity)

    def ssim_gradient(self, X: Array, Y: Array, grid: Shape) -> Array:
        return self._out(-self._similarity(X, Y, grid).gradient)

    def ssim_hessian(self, X: Array, Y: Array, V: Array, grid: Shape) -> Array:
        return self._out(-self._similarity(X, Y, grid).hessian_product(self._in(V)))

    def ssim_gauss_newton(self, X: Array, Y: Array, V: Array, grid: Shape) -> Array:
        return self._out(self._similarity(X, Y, grid).positive_product(self._in(V)))

    def mesh_free(self, xi: Array, Y: Array, grid: Shape) -> Array:
        layer = mesh_free_map(Grid(grid), len(xi))
        return self._out(layer.apply(self._in(xi.reshape(-1)), self._in(Y)))

    def mesh_free_gradient(self, xi: Array, Y: Array, Z: Array, grid: Shape) -> Array:
        at = mesh_free_map(Grid(grid), len(xi)).at(self._in(xi.reshape(-1)), self._in(Y))
        return self._out(at.vjp(self._in(Z), wrt_input=False)[0]).reshape(xi.shape)

    def coarsen_images(self, Y: Array, grid: Shape, pair: str, level: int) -> Array:
        windows = np.zeros((Y.shape[1], len(grid)), int)
        return Subsampling(pair=pair).take(Y, Grid(grid), level, windows).astype(Y.dtype)

    def crop_images(self, Y: Array, grid: Shape, windows: Array, level: int) -> Array:
        return Subsampling("crop").take(Y, Grid(grid), level, windows.astype(int))

    def draw_windows(self, grid: Shape, levels: int, examples: int, seed: int) -> Array:
        return draw_windows(np.random.default_rng(seed), Grid(grid), levels, examples)

    def gradient_difference(
        self, S: Array, Y: Array, Z: Array, times: Array, grid: Shape, pair: str, level: int
    ) -> Array:
        problem, whole = self._layer_problem(S, Y, Z, times, grid, pair), slice(None)
        difference = ((1.0, problem.risk(level, whole, 0)), (-1.0, problem.risk(level + 1, whole, 0)))
        gradient = WeightedSum(difference).value_and_gradient(self._in(S.reshape(-1)))[1]
        return self._out(gradient).reshape(S.shape)

    def mge(
        self,
        S: Array,
        Y: Array,
        Z: Array,
        times: Array,
        grid: Shape,
        pair: str,
        batches: Shape,
        coefficients: tuple[float, ...],
    ) -> Array:
        problem = self._layer_problem(S, Y, Z, times, grid, pair, batches)
        f = estimate_objective(problem, Batches(batches, coefficients))
        return self._out(f.value_and_gradient(self._in(S.reshape(-1)))[1]).reshape(S.shape)

    def full_multiscale(
        self, S: Array, gradients: Array, iterations: Shape, pair: str, rule: str, rate: float, floor: float
    ) -> Array:
        levels, starts = len(iterations), np.cumsum((0, *iterations))
        shaped = SimpleNamespace(layout=Layout((("S", S.shape),)), parts=lambda name: (name,))
        layer = SimpleNamespace(
            grid=SimpleNamespace(dimension=S.ndim - 2), arrays=shaped, moves={"S": Move(stencil=True)}
        )

        def risk(level: int, draw: int, stage: int) -> Any:
            gradient = self._in(gradients[draw].reshape(-1))
            return SimpleNamespace(value_and_gradient=lambda theta: (0.0, gradient))

        problem: Any = SimpleNamespace(
            levels=levels,
            kernel_rule=rule,
            kernel_pair=pair,
            architecture=layer,
            work=SimpleNamespace(units=0.0),
            draw=lambda count, stage, iteration, term: int(starts[levels - 1 - stage]) + iteration,
            risk=risk,
        )
        stages = [Stage(levels - 1 - j, count, Batches((1,))) for j, count in enumerate(iterations)]
        plan = TrainingPlan(tuple(stages), schedule=Schedule(rate, floor))
        *_, (state, _, _) = plan.run(problem, TrainingState(self._in(S.reshape(-1))))
        return self._out(state.theta).reshape(S.shape)

    # -- how refms says it ---------------------------------------------------------------------------------

    def _in(self, array: Array) -> Array:
        """Return a host array on the backend."""
        return self.backend.from_host(array)

    def _out(self, array: Array) -> Array:
        """Return an array of the backend on the host."""
        return self.backend.to_host(array)

    def _similarity(self, X: Array, Y: Array, grid: Shape) -> SimilarityEvaluation:
        """Return Σ_j (1 − SSIM) of the examples, whose derivatives are those of each."""
        return StructuralSimilarity(Grid(grid), 0.0, 1.0).evaluate(self._in(X), self._in(Y), 1)

    def _layer_problem(
        self, S: Array, Y: Array, Z: Array, times: Array, grid: Shape, pair: str, batches: Shape = ()
    ) -> Any:
        """Return a linear layer with its draws as the estimators take them; term l has its own examples."""
        rule, fine, starts = Subsampling(pair=pair), Grid(grid), np.cumsum((0, *batches))

        def draw(count: int, *, term: int, **place: int) -> slice:
            return slice(starts[term], starts[term] + count)

        def risk(level: int, examples: slice, stage: int) -> EmpiricalRisk:
            y, z, t = Y[:, examples], Z[:, examples], times[examples]
            windows = np.zeros((len(t), len(grid)), int)
            X, target = (rule.take(one, fine, level, windows) for one in (t * y + (1 - t) * z, y))
            given = (self._in(one.astype(S.dtype)) for one in (X, target))
            layer = convolution_map(self._convolution(S, fine.coarsen(level).shape, "periodic"))
            return EmpiricalRisk(layer, Examples(*given), self._zero(S.size), loss=MeanSquares())

        return SimpleNamespace(levels=9, draw=draw, risk=risk)

    def _convolution(self, S: Array, grid: Shape, boundary: str) -> Convolution:
        return Convolution(
            Grid(grid), S.shape[1], S.shape[0], tuple(S.shape[2:]), boundary, self.profile.orientation
        )

    def _zero(self, size: int) -> Quadratic:
        """Return the regulariser that is zero."""
        return tikhonov_regularizer(size, 0.0, self.profile.dtype, self.backend)
