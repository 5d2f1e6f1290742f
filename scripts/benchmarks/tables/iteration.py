"""Block-coordinate descent on all training images of MNIST: seconds and work of each kind of step."""

from typing import Any

import numpy as np

from benchmarks import memory
from benchmarks.tables import process
from refms.data.dataset import one_hot, subset
from refms.data.digits import load_digits
from refms.data.mnist import load_mnist
from refms.maps.architectures.residual import Residual
from refms.model import initial_model
from refms.objective.examples import Examples
from refms.objective.reading import Classes
from refms.objective.workers import Workers
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import train

WEIGHTS = RegularizationSection(
    W_smoothness=3e-7, W_tikhonov=1e-6, theta_smoothness=1e-4, theta_tikhonov=1e-4
)
"""Those of validation/learning_across_scales/accurate.toml."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: one and two threads; the quick one has 1,000 images."""
    examples = 1000 if quick else 50_000
    rows = [process(threads, dataset="mnist", examples=examples) for threads in ((2,) if quick else (2, 1))]
    for row in rows:
        row["arguments"]["threads"] = row["threads"]
    return rows


def measure(
    dataset: str, examples: int, threads: int, iterations: int = 2, dtype: str = "float32"
) -> dict[str, Any]:
    """Train a net of 2 layers and 8 channels on the first examples, a tenth of them in the Hessian.

    Work of a step is in forward passes of all images; ``peak`` in bytes of the process.
    """
    images = subset(load_mnist() if dataset == "mnist" else load_digits(), np.arange(examples))
    network = Residual(images.grid, channels=8, layers=2, final_time=2.0)
    start = initial_model(network, Classes(images.classes), dtype=dtype, stencil_scale=0.5)
    data = Examples(start.prepare(images), one_hot(images.labels, images.classes, dtype))
    options = OptimizationSection(iterations=iterations, hessian_fraction=0.1, dtype=dtype)
    memory.forget_peak()
    history = train(start, data, WEIGHTS, options, workers=Workers(threads=threads)).model.history
    before, steps = 0.0, []
    for row in history:
        steps.append(
            {
                "iteration": row.iteration,
                "block": row.block,
                "seconds": float(f"{row.seconds:.4g}"),
                "cg": row.cg_iterations,
                "evaluations": row.evaluations,
                "work": float(f"{(row.work_units - before) / examples:.4g}"),
            }
        )
        before = row.work_units
    return {"steps": steps, "peak": memory.peak()}
