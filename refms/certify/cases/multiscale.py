"""Training on several meshes: the estimate of the gradient, a step of Adam, a change of stage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from refms.certify.balls import exact_pi
from refms.certify.cases.case import Arrays, Case, Found, Given, Said, Setting
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.data.corruption import Corruption, Denoise
from refms.definition.arrays import images
from refms.definition.galerkin import stencil_map
from refms.definition.image_network import level_gradient
from refms.definition.linear_system import exact, inverse
from refms.definition.multiscale import full_multiscale, mge, telescope
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.training import adam_step
from refms.definition.transfer import PAIRS
from refms.errors import Array
from refms.grid import Grid
from refms.maps.activation import activation
from refms.maps.architectures.image_blocks import ImageNetwork
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_map
from refms.maps.layers.entrywise import entrywise
from refms.maps.layers.norms import normalization
from refms.maps.map import Map
from refms.multiscale.estimation import Batches, estimate_objective
from refms.multiscale.full_multiscale import Schedule, Stage, TrainingPlan, TrainingState
from refms.multiscale.image_problem import Draw, ImageProblem
from refms.multiscale.subsampling import Subsampling
from refms.optimize.stochastic import Adam
from refms.stencils.convolution import Convolution

_ADAM = (2.0**-5, 0.875, 1 - 2.0**-7, 2.0**-20)
"""η, β₁, β₂ and ε: float32 holds them, too."""


@dataclass(frozen=True)
class _Network(ImageNetwork):
    """N(x) = K(S_2) σ(x̂(K(S_1) x)) with layer norm and SiLU."""

    grid: Grid
    image_channels: int
    width: int
    epsilon: float

    @cached_property
    def map(self) -> Map:
        into, out = (
            convolution_map(Convolution(self.grid, *channels, (3,) * self.grid.dimension))
            for channels in ((self.image_channels, self.width), (self.width, self.image_channels))
        )
        unit = normalization(self.grid, self.width, 1, self.epsilon)
        sigma = entrywise(self.width * self.grid.cells, activation("silu"))
        return chain(("in", into), ("", unit), ("", sigma), ("out", out))


@dataclass(frozen=True)
class _Layer(ImageNetwork):
    """K(S) as a network."""

    grid: Grid
    image_channels: int
    shape: tuple[int, ...]

    @cached_property
    def map(self) -> Map:
        c_out, c_in, *stencil = self.shape
        return convolution_map(Convolution(self.grid, c_in, c_out, tuple(stencil)))


def _mge(
    name: str,
    seed: int,
    pair: str,
    grid: tuple[int, ...],
    S: tuple[int, ...],
    batches: tuple[int, ...],
    coefficients: tuple[float, ...],
) -> Case:
    field = (S[0] * math.prod(grid), sum(batches))
    drawn = doubles(seed, {"S": S, "Y": field, "Z": field, "t": field[1:]})
    inputs = {**drawn, "t": abs(drawn["t"]), "beta": np.array(coefficients)}

    def formulas(x: Given) -> Said:
        Y, Z = (images(x[one], grid) for one in "YZ")
        g = mge(x["S"], Y, Z, x["t"], PAIRS[pair].r, batches, x["beta"].tolist())
        return {"gradient": Quantity(g, row_sum_norm(x["S"]) + 1, "‖S‖₁ + 1")}

    def refms(x: Arrays) -> Found:
        layer, rule, dtype = _Layer(Grid(grid), S[0], S), Subsampling(pair=pair), str(x["S"].dtype)
        given = x["Y"].astype("float64")
        problem = ImageProblem(layer, given, Denoise(), levels=len(batches), subsampling=rule, dtype=dtype)
        g = _estimate(problem, x, batches, x["S"].reshape(-1))
        return {"gradient": g.reshape(S)}

    setting: dict[str, Setting] = {"pair": pair, "grid": grid, "batches": batches}
    return Case(f"mge/{name}", inputs, formulas, refms, setting)


def _estimate(problem: ImageProblem, x: Arrays, batches: tuple[int, ...], theta: Array) -> Array:
    """Return ĝ at θ of the given images, noise and times, each term on its own examples."""
    y, z, t = (x[one].astype("float64") for one in "YZt")
    starts = np.cumsum([0, *batches])
    windows = np.zeros((len(batches), len(t), problem.grid.dimension), int)
    whole = Draw(Corruption(t * y, (1 - t) * z, y, t), windows, np.zeros((0, len(t))))

    def draw(count: int, *, term: int, **place: int) -> Draw:
        return whole.part(slice(starts[term], starts[term] + count))

    given: Any = SimpleNamespace(levels=problem.levels, draw=draw, risk=problem.risk)
    f = estimate_objective(given, Batches(batches, tuple(x["beta"].tolist())))
    return f.value_and_gradient(theta)[1]


def _mge_of_network(
    name: str, seed: int, rule: str, grid: tuple[int, ...], width: int, batches: tuple[int, ...]
) -> Case:
    """Return the case of two convolutions with layer norm and SiLU between them, on images of one channel."""
    pair, channels, stencil = "averaging-constant", 1, (3,) * len(grid)
    field = (channels * math.prod(grid), sum(batches))
    shapes = {"S_in": (width, channels, *stencil), "S_out": (channels, width, *stencil)}
    drawn = doubles(seed, {**shapes, "Y": field, "Z": field, "t": field[1:]})
    inputs = {**drawn, "t": abs(drawn["t"]), "beta": np.array([0.75] * (len(batches) - 1))}
    inputs["epsilon"] = np.array([2.0**-2])

    def formulas(x: Given) -> Said:
        S, epsilon = (x["S_in"], x["S_out"]), x["epsilon"][0]
        Y, Z = (images(x[one], grid) for one in "YZ")
        moved = (PAIRS[pair].r, PAIRS[pair].p) if rule == "galerkin" else None

        def of(part: int) -> Any:
            def gradient(own: slice, level: int) -> Any:
                draw = Y[own], Z[own], x["t"][own]
                return level_gradient(S, *draw, PAIRS[pair].r, level, epsilon, moved)[part]

            return telescope(gradient, batches, x["beta"].tolist())

        into, out = map(row_sum_norm, S)
        scale, recipe = (1 + out) * (1 + into), "(1 + ‖S_out‖₁) (1 + ‖S_in‖₁)"
        return {"in": Quantity(of(0), scale, recipe), "out": Quantity(of(1), scale, recipe)}

    def refms(x: Arrays) -> Found:
        network = _Network(Grid(grid), channels, width, float(x["epsilon"][0]))
        problem = ImageProblem(
            network,
            x["Y"].astype("float64"),
            Denoise(),
            levels=len(batches),
            subsampling=Subsampling(pair=pair),
            kernel_rule=rule,
            kernel_pair=pair,
            dtype=str(x["S_in"].dtype),
        )
        layout = network.map.layout
        theta = layout.pack({"in/stencil": x["S_in"], "out/stencil": x["S_out"]})
        found = layout.unpack(_estimate(problem, x, batches, theta))
        return {"in": found["in/stencil"], "out": found["out/stencil"]}

    setting: dict[str, Setting] = {"rule": rule, "grid": grid, "batches": batches}
    return Case(f"mge_network/{name}", inputs, formulas, refms, setting)


def _adam(name: str, seed: int, count: int) -> Case:
    drawn = doubles(seed, dict.fromkeys(("theta", "g", "m", "v"), (7,)))
    before = {"m": drawn["m"], "v": abs(drawn["v"])} if count > 1 else {"m": np.zeros(7), "v": np.zeros(7)}
    inputs = {**drawn, **before, "constants": np.array(_ADAM)}

    def formulas(x: Given) -> Said:
        before, g, m, v, rest = (x[one] for one in ("theta", "g", "m", "v", "constants"))
        rate, *adam = rest.tolist()
        theta, m_after, v_after = adam_step(before, g, m, v, rate, count, *adam)
        step, _, _ = adam_step(0 * before, abs(g), abs(m), v, rate, count, *adam)
        return {
            "theta": Quantity(theta, max_norm(before) + max_norm(step), "‖θ‖_∞ + the step of |m|, |g|"),
            "m": Quantity(m_after, max_norm(m) + max_norm(g), "‖m‖_∞ + ‖g‖_∞"),
            "v": Quantity(v_after, max_norm(v_after), "‖v‖_∞"),
        }

    def refms(x: Arrays) -> Found:
        rate, beta1, beta2, epsilon = map(float, x["constants"])
        rule = Adam(beta1=beta1, beta2=beta2, epsilon=epsilon)
        step, (m, v) = rule.update((x["m"], x["v"]), x["g"], rate, count)
        return {"theta": x["theta"] + step, "m": m, "v": v}

    return Case(f"adam/{name}", inputs, formulas, refms, {"count": count})


def _stages(
    name: str, seed: int, rule: str, pair: str, S: tuple[int, ...], iterations: tuple[int, ...]
) -> Case:
    drawn = doubles(seed, {"S": S, "gradients": (sum(iterations), *S)})
    inputs = {**drawn, "constants": np.array((*_ADAM, 2.0**-9))}
    levels, starts = len(iterations), np.cumsum([0, *iterations])

    def formulas(x: Given) -> Said:
        rate, *adam, floor = x["constants"].tolist()
        of = PAIRS[pair].r, PAIRS[pair].p
        moved = of if rule == "galerkin" else None
        found = full_multiscale(x["S"], x["gradients"], iterations, moved, rate, floor, adam, pi=exact_pi())
        condition = max_norm(x["S"]) + rate * sum(iterations)
        for size in S[2:] if moved else ():
            factor = row_sum_norm(inverse(exact(stencil_map(*of, size)))) ** (levels - 1)
            condition = condition * factor.numerator / factor.denominator
        return {"stencils": Quantity(found, condition, "‖(A⊗…⊗A)⁻¹‖_∞ (‖S‖_∞ + η K)")}

    def refms(x: Arrays) -> Found:
        rate, beta1, beta2, epsilon, floor = map(float, x["constants"])

        def risk(level: int, draw: int, stage: int) -> Any:
            gradient = x["gradients"][draw].reshape(-1)
            return SimpleNamespace(value_and_gradient=lambda theta: (0.0, gradient))

        given: Any = SimpleNamespace(
            levels=levels,
            kernel_rule=rule,
            kernel_pair=pair,
            architecture=_Layer(Grid((8,) * len(S[2:])), S[0], S),
            work=SimpleNamespace(units=0.0),
            draw=lambda count, stage, iteration, term: int(starts[levels - 1 - stage]) + iteration,
            risk=risk,
        )
        stages = [Stage(levels - 1 - j, count, Batches((1,))) for j, count in enumerate(iterations)]
        plan = TrainingPlan(
            tuple(stages), Adam(beta1=beta1, beta2=beta2, epsilon=epsilon), Schedule(rate, floor)
        )
        *_, (state, _, _) = plan.run(given, TrainingState(x["S"].reshape(-1)))
        return {"stencils": state.theta.reshape(S)}

    setting: dict[str, Setting] = {"rule": rule, "pair": pair, "iterations": iterations}
    return Case(f"full_multiscale/{name}", inputs, formulas, refms, setting)


CASES = (
    _mge("averaging", 123, "averaging-constant", (8, 4), (2, 2, 3, 3), (1, 2, 3), (0.75, 0.5)),
    _mge("full_weighting", 124, "full-weighting-linear", (12,), (1, 1, 3), (2, 1), (1.0,)),
    _mge_of_network("keep", 148, "keep", (4, 4), 2, (1, 2)),
    _mge_of_network("galerkin", 149, "galerkin", (8,), 2, (1, 1, 2)),
    _adam("first", 125, count=1),
    _adam("third", 126, count=3),
    _stages("galerkin", 127, "galerkin", "averaging-constant", (2, 1, 3, 3), (1, 2)),
    _stages("keep", 128, "keep", "averaging-constant", (2, 1, 3, 3), (1, 1, 1)),
    _stages("galerkin_1d", 129, "galerkin", "averaging-constant", (1, 2, 3), (1, 1)),
)
"""Moments and learning rates go on where stencils change; times t and noise belong to the finest mesh."""
