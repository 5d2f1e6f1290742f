"""Problem (6) on a tiny net, logits with labels, and the dense matrix of a product."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from refms.backend import NUMPY, Backend
from refms.errors import Array
from refms.grid import Grid
from refms.maps.architectures.residual import Residual
from refms.model import initial_model
from refms.objective.examples import Examples
from refms.objective.problem import TrainingProblem
from refms.objective.reading import Classes
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of


def problem_and_blocks(
    seed: int = 0,
    dtype: str = "float64",
    backend: Backend = NUMPY,
    count: int = 12,
    fraction: float = 1.0,
    weights: RegularizationSection | None = None,
    options: OptimizationSection | None = None,
) -> tuple[TrainingProblem, dict[str, Array]]:
    """Return the problem for two channels, two layers, three classes on 2×2 cells, and a random start."""
    rng = np.random.default_rng(seed)
    network = Residual(Grid((2, 2)), channels=2, layers=2, final_time=1.0, stencil_shape=(1, 1))
    model = initial_model(network, Classes(3), seed, dtype, stencil_scale=0.8)
    model = model.with_arrays(
        W=rng.standard_normal(model.arrays["W"].shape).astype(dtype),
        mu=rng.standard_normal(model.arrays["mu"].shape).astype(dtype),
    ).on(backend)
    X = rng.standard_normal((4, count)).astype(dtype)
    C = np.eye(3, dtype=dtype)[:, rng.integers(0, 3, count)]
    examples = Examples(backend.from_host(X), backend.from_host(C))
    weights = weights or RegularizationSection(W_tikhonov=0.1, theta_tikhonov=0.1)
    options = options or OptimizationSection(hessian_fraction=fraction, dtype=dtype)
    return problem_of(model, examples, weights, options), model.blocks


def logits_and_labels(
    seed: int, classes: int = 4, m: int = 3, scale: float = 2.0, dtype: str = "float64"
) -> tuple[Array, Array]:
    """Return normal logits Z and one-hot labels C, both (classes, m)."""
    rng = np.random.default_rng(seed)
    Z = (scale * rng.standard_normal((classes, m))).astype(dtype)
    C = np.eye(classes, dtype=dtype)[rng.integers(0, classes, m)].T.copy()
    return Z, C


def dense(product: Callable[[Array], Array], size: int) -> Array:
    """Return the matrix of v ↦ A v."""
    return np.stack([product(e) for e in np.eye(size)], axis=1)
