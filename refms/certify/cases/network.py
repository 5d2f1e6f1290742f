"""Networks: forward pass, logits, problem (6), its derivatives, one iteration of block-coordinate descent."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from refms.certify.balls import Balls
from refms.certify.cases.case import Arrays, Case, Found, Given, Said
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles, one_hot
from refms.definition.arrays import Number, columns, images
from refms.definition.descent import iterate
from refms.definition.norms import euclidean, growth, max_norm, row_sum_norm
from refms.definition.problem import Point, Problem, join
from refms.grid import Grid
from refms.maps.architectures.architecture import free_map
from refms.maps.architectures.residual import Residual
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.losses import SoftmaxCrossEntropy
from refms.objective.problem import Block, TrainingProblem
from refms.objective.regularizers import classifier_regularizer, time_regularizer
from refms.optimize.block_coordinate_descent import propagation_then_classifier
from refms.optimize.loop import descend
from refms.optimize.options import StepOptions
from refms.optimize.stopping import StopRules

_CG_STEPS = (4, 3)
_NEWTON_STEPS = 5
_REST = (0.02, 0.03, 0.015)
"""τ_θ, α_W and τ_W."""


@dataclass(frozen=True)
class Network:
    """Extents and constants (T, α_θ, τ_θ, α_W, τ_W) of a network with its examples.

    ``stencil`` and ``opening`` are odd extents; θ begins with the opening if it is ``learned``.
    """

    grid: tuple[int, ...]
    image_channels: int
    channels: int
    stencil: tuple[int, ...]
    opening: tuple[int, ...]
    learned: bool
    layers: int
    classes: int
    examples: int
    constants: tuple[float, float, float, float, float]

    def inputs(self, seed: int) -> Arrays:
        """Return images X as columns, labels C, ``opening``, θ, ω, directions in both, and ``constants``."""
        cells, c = math.prod(self.grid), self.channels
        L = (c, self.image_channels, *self.opening)
        theta = self.layers * (c * c * math.prod(self.stencil) + c) + self.learned * math.prod(L)
        omega = c * cells * self.classes + self.classes
        sizes = {"theta": theta, "omega": omega, "d_theta": theta, "d_omega": omega}
        images = {"X": (self.image_channels * cells, self.examples), "opening": L}
        drawn = doubles(seed, images | {name: (size,) for name, size in sizes.items()})
        labels = one_hot(seed + 1, self.classes, self.examples)
        scaled = {"X": 2 * drawn["X"], "theta": drawn["theta"] / 2}
        return {**drawn, **scaled, "C": labels, "constants": np.array(self.constants)}

    def problem(self, x: Given) -> Problem:
        """Return problem (6) as the definition sees it, of the inputs as balls."""
        extents = self.learned, self.stencil, self.layers
        return Problem(images(x["X"], self.grid), x["C"], x["opening"], *extents, *x["constants"].tolist())


def _formulas(net: Network, x: Given) -> Said:
    problem = net.problem(x)
    point = problem.at(x["theta"], x["omega"])
    layers = problem.parameters(x["theta"])["stencils"]
    g = growth(layers, problem.final_time)
    state, logits = _scales(point, g)
    value, loss, (g_theta, g_omega) = point.value(), point.loss(), point.gradient()
    of_theta, of_omega = point.propagation_product(x["d_theta"]), point.classifier_product(x["d_omega"])
    joint = join(*point.joint_product(x["d_theta"], x["d_omega"]))
    after = iterate(problem, x["theta"], x["omega"], _NEWTON_STEPS, _CG_STEPS)
    f, alpha = np.array(after.objectives), np.array(after.step_lengths, dtype=object)
    size = f"N max(‖Lx‖_∞, 1) {_GROWTH}"

    def grown(vector: Balls, letters: str) -> Quantity:
        return Quantity(vector, g * euclidean(vector), f"‖{letters}‖₂ {_GROWTH}")

    return {
        "features": Quantity(columns(point.states[-1]), state, size),
        "logits": Quantity(point.logits, logits, f"h^d ‖W‖₁ {size}"),
        "loss": Quantity(loss, loss + logits, _BESIDE_LOGITS),
        "objective": Quantity(value, value + logits, _BESIDE_LOGITS),
        "gradient_theta": grown(g_theta, "g"),
        "gradient_omega": grown(g_omega, "g"),
        "gauss_newton_theta": grown(of_theta, "G v"),
        "hessian_omega": grown(of_omega, "H v"),
        "gauss_newton_joint": grown(joint, "G v"),
        "descent/theta": grown(after.theta, "θ"),
        "descent/omega": grown(after.omega, "ω"),
        "descent/objectives": Quantity(f, max_norm(f) + logits, _BESIDE_LOGITS),
        "descent/step_lengths": Quantity(alpha, 1, "1"),
    }


_GROWTH, _BESIDE_LOGITS = "Π(1 + δt ‖S_k‖₁)", "|f| + the scale of the logits"


def _scales(point: Point, g: Number) -> tuple[Number, Number]:
    """Return the sizes N max(‖Lx‖_∞, 1) Π(1 + δt ‖S_k‖₁) of features and h^d ‖W‖₁ times that of logits."""
    y0, W = point.states[0], point.problem.weights(point.omega)[0]
    state = point.problem.layers * max(max_norm(y0), 0 * y0.flat[0] + 1) * g
    return state, row_sum_norm(W.T) * state / math.prod(y0.shape[2:])


def _refms(net: Network, x: Arrays) -> Found:
    problem = _problem(net, x)
    theta, omega, v = x["theta"], x["omega"], np.concatenate([x["d_theta"], x["d_omega"]])
    blocks = {"propagation": theta, "classifier": omega}
    propagation, classifier, both = (problem.block(name, blocks) for name in (*blocks, "joint"))
    features = problem.features("classifier", blocks)
    value, g_theta = propagation.value_and_gradient(theta)
    Z = problem.blocks["classifier"].map.apply(omega, features)
    schedule = propagation_then_classifier(
        *(StepOptions(cg_tolerance=0.0, cg_iterations=steps) for steps in _CG_STEPS),
        propagation_steps=1,
        classifier_steps=_NEWTON_STEPS,
    )
    run = descend(problem, blocks, schedule, stop=StopRules(max_iterations=1))
    steps = run.history.rows
    return {
        "features": features,
        "logits": Z,
        "loss": SoftmaxCrossEntropy().evaluate(Z, x["C"]).value,
        "objective": value,
        "gradient_theta": g_theta,
        "gradient_omega": classifier.value_and_gradient(omega)[1],
        "gauss_newton_theta": propagation.curvature(theta)(x["d_theta"]),
        "hessian_omega": classifier.curvature(omega)(x["d_omega"]),
        "gauss_newton_joint": both.curvature(np.concatenate([theta, omega]))(v),
        "descent/theta": run.blocks["propagation"],
        "descent/omega": run.blocks["classifier"],
        "descent/objectives": np.array([steps[0].objective_before, *(row.objective for row in steps)]),
        "descent/step_lengths": np.array([row.step_length for row in steps]),
    }


def _problem(net: Network, x: Arrays) -> TrainingProblem:
    T, alpha_theta, tau_theta, alpha_W, tau_W = map(float, x["constants"])
    dtype = str(x["X"].dtype)
    residual = Residual(
        Grid(net.grid),
        channels=net.channels,
        image_channels=net.image_channels,
        layers=net.layers,
        final_time=T,
        stencil_shape=net.stencil,
        opening="learned" if net.learned else "fixed",
        opening_shape=net.opening,
    )
    head = Classifier(residual.grid, net.channels, net.classes)
    network = free_map(residual, {"opening": x["opening"]})
    steps = residual.propagation.time
    assert steps is not None  # a propagation has its steps
    leading = network.layout.size - steps.layout.size
    in_time = time_regularizer(steps, alpha_theta, tau_theta, leading=leading, dtype=dtype)
    in_space = classifier_regularizer(head, alpha_W, tau_W, dtype=dtype)
    return TrainingProblem(
        {
            "propagation": Block(network, in_time),
            "classifier": Block(head.map, in_space, subsampled=False),
        },
        Examples(x["X"], x["C"]),
    )


def _case(name: str, seed: int, net: Network) -> Case:
    setting = {key: value for key, value in dataclasses.asdict(net).items() if key != "constants"}
    setting |= {"learned": int(net.learned), "cg_steps": _CG_STEPS, "newton_steps": _NEWTON_STEPS}
    answers = (lambda x: _formulas(net, x)), (lambda x: _refms(net, x))
    return Case(f"network/{name}", net.inputs(seed), *answers, setting)


CASES = (
    # grid, channels of images and features, stencil, opening, learned, layers, classes, examples, constants
    _case("1d", 86, Network((5,), 1, 2, (3,), (3,), False, 4, 3, 7, (1.5, 0.001, *_REST))),
    _case("2d", 73, Network((6, 4), 1, 2, (5, 3), (3, 5), True, 3, 7, 5, (1.0, 0.01, *_REST))),
    _case("3d", 103, Network((2, 4, 3), 4, 2, (3, 1, 3), (1, 3, 5), True, 2, 3, 5, (0.75, 0.01, *_REST))),
)
"""A fixed opening in one dimension, where Armijo's rule halves the first step; a learned one in two, where
δt = 1/3 and h^d = 1/24 are no doubles, and in three, for colour images of four channels."""
