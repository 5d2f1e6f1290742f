"""Iterations and time of conjugate gradients with each preconditioner, on both blocks."""

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.tables import process
from benchmarks.timing import Limits, interleaved
from refms.data.dataset import Dataset, one_hot, subset
from refms.data.digits import load_digits
from refms.data.mnist import load_mnist
from refms.linear.cg import CGResult, conjugate_gradients
from refms.maps.architectures.residual import Residual
from refms.model import Model, initial_model
from refms.names import CLASSIFIER_PRECONDITIONERS, PROPAGATION_PRECONDITIONERS
from refms.objective.examples import Examples
from refms.objective.reading import Classes
from refms.objective.risk import EmpiricalRisk
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of, train

TARGETS = (1e-1, 1e-2, 1e-3)
"""Relative residuals ‖b − Ax‖/‖b‖: gradient norms of the quadratic model."""

MOST = 200
"""CG iterations at most."""

FEW = 20
"""CG iterations of a training, after which the fall of the quadratic model is compared."""

WEIGHTS = RegularizationSection(
    W_smoothness=3e-7, W_tikhonov=1e-6, theta_smoothness=1e-4, theta_tikhonov=1e-4
)
"""Those of validation/learning_across_scales/accurate.toml."""

CHOICES = {"propagation": PROPAGATION_PRECONDITIONERS, "classifier": CLASSIFIER_PRECONDITIONERS}


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: both blocks, early and later in a training."""
    return [
        process(
            block=block,
            iterations=iterations,
            dataset="mnist",
            examples=500 if quick else 1000,
            layers=layers,
            seconds=0.0,
        )
        for block in CHOICES
        for layers in ((4,) if block == "classifier" else (4, 16))
        for iterations in ((1,) if quick else (1, 5))
    ]


def measure(
    block: str,
    iterations: int,
    dataset: str,
    examples: int,
    layers: int,
    seconds: float = 0.0,
    least: int = 1,
    dtype: str = "float64",
) -> dict[str, Any]:
    """Solve the system of one Newton step, after some BCD iterations, with each preconditioner.

    Of each: CG iterations to each target (None: not within ``MOST``), the times of a whole solve to the
    middle target, the preconditioner's construction included, and ``fall``, that of the quadratic model after
    ``FEW`` iterations as a share of the best solve's.
    """
    images = load_mnist() if dataset == "mnist" else load_digits()
    model, data = trained(subset(images, np.arange(examples)), layers, iterations, dtype)
    risks = {name: block_of(model, data, block, name, dtype) for name in CHOICES[block]}
    x = model.blocks[block]
    b = -risks["none"].value_and_gradient(x)[1]

    def solve(risk: EmpiricalRisk, tolerance: float, most: int) -> CGResult:
        curvature = risk.curvature(x)
        M = risk.preconditioner(x, curvature)
        return conjugate_gradients(curvature, b, tolerance=tolerance, max_iterations=most, preconditioner=M)

    long = {name: solve(risk, TARGETS[-1], MOST) for name, risk in risks.items()}
    size = long["none"].residual_norms[0]
    best = min(run.model_values[-1] for run in long.values())
    ways = {name: (lambda risk=risk: solve(risk, TARGETS[1], MOST)) for name, risk in risks.items()}
    times = interleaved(ways, Limits(seconds, least, 9), lambda name, result: 0.0)
    return {
        name: {
            **times[name],
            "iterations": [reached(run, target * size) for target in TARGETS],
            "fall": run.model_values[min(FEW, run.iterations)] / best,
        }
        for name, run in long.items()
    }


def reached(run: CGResult, target: float) -> int | None:
    """Return the first iteration whose residual is not above a target."""
    return next((k for k, norm in enumerate(run.residual_norms) if norm <= target), None)


def trained(images: Dataset, layers: int, iterations: int, dtype: str) -> tuple[Model, Examples]:
    """Return a model on the next coarser mesh after some iterations, with its examples."""
    network = Residual(images.grid.coarsen(), channels=8, layers=layers, final_time=4.0)
    start = initial_model(network, Classes(images.classes), dtype=dtype, stencil_scale=1.0)
    data = Examples(start.prepare(images), one_hot(images.labels, images.classes, dtype))
    options = OptimizationSection(iterations=iterations, hessian_fraction=0.2, dtype=dtype)
    return train(start, data, WEIGHTS, options).model, data


def block_of(model: Model, data: Examples, block: str, name: str, dtype: str) -> EmpiricalRisk:
    """Return a block with one preconditioner; a fifth of the examples is in the propagation's curvature."""
    options = OptimizationSection(hessian_fraction=0.2, dtype=dtype)
    options = replace(options, **{f"{block}_preconditioner": name})
    return problem_of(model, data, WEIGHTS, options).block(block, model.blocks)
