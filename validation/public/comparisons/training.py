"""Steps of PyTorch's Adam and momentum against those of refms."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.comparison import Comparison, Inputs
from refms.optimize.stochastic import Adam, Momentum

RATE = 0.02


def draw_gradients(rng: np.random.Generator, n: int) -> Inputs:
    """Return a start of n numbers and the gradients of n updates, of very different sizes."""
    sizes = 10.0 ** rng.integers(-4, 3, n)
    return {"x": rng.standard_normal(n), "gradients": sizes * rng.standard_normal((n, n))}


def by_torch(name: str, **options: Any) -> Any:
    """Return x after the updates of ``torch.optim``."""

    def compute(x: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        import torch

        at = torch.nn.Parameter(torch.from_numpy(x.copy()))
        optimizer = getattr(torch.optim, name)([at], lr=RATE, **options)
        for g in gradients:
            at.grad = torch.from_numpy(g)
            optimizer.step()
        return at.detach().numpy()

    return compute


def by_rule(rule: Adam | Momentum) -> Any:
    """Return x after the updates of refms."""

    def compute(x: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        memory = rule.start(x)
        for count, g in enumerate(gradients, 1):
            step, memory = rule.update(memory, g, RATE, count)
            x = x + step
        return x

    return compute


def size(x: np.ndarray, gradients: np.ndarray) -> float:
    """Return ‖x‖_∞ + η t ‖g‖_∞ after t updates."""
    return float(abs(x).max() + RATE * len(gradients) * abs(gradients).max())


def size_of_adam(x: np.ndarray, gradients: np.ndarray) -> float:
    """Return ‖x‖_∞ + η t: updates of Adam are about η long."""
    return float(abs(x).max() + RATE * len(gradients))


COMPARISONS = (
    Comparison(
        "torch",
        "optim.Adam(lr)",
        "optimize.stochastic.Adam: ε outside the root, bias corrected",
        draw_gradients,
        by_torch("Adam"),
        by_rule(Adam()),
        size_of_adam,
        (1, 2, 3, 5, 8),
    ),
    Comparison(
        "torch",
        "optim.Adam(lr, weight_decay=0.1)",
        "optimize.stochastic.Adam",
        draw_gradients,
        by_torch("Adam", weight_decay=0.1),
        by_rule(Adam()),
        size_of_adam,
        (1, 2, 3, 5, 8),
        "The weight decay is added to the gradient before its moments are taken; in refms it belongs to the "
        "objective.",
    ),
    Comparison(
        "torch",
        "optim.SGD(lr, momentum=0.9)",
        "optimize.stochastic.Momentum",
        draw_gradients,
        by_torch("SGD", momentum=0.9),
        by_rule(Momentum()),
        size,
        (1, 2, 3, 5, 8),
    ),
    Comparison(
        "torch",
        "optim.SGD(lr, momentum=0.9, nesterov=True)",
        "optimize.stochastic.Momentum",
        draw_gradients,
        by_torch("SGD", momentum=0.9, nesterov=True),
        by_rule(Momentum()),
        size,
        (1, 2, 3, 5, 8),
        "Nesterov's step is g + μ v in place of Polyak's v.",
    ),
)
