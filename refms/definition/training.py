"""What stochastic training on several meshes is made of: Adam, the learning rate, and the work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refms.definition.arrays import Array, Number, as_double


def adam_step(
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    rate: Number,
    count: int,
    beta1: Number,
    beta2: Number,
    epsilon: Number,
) -> tuple[Array, Array, Array]:
    """Return θ, m and v after update ``count`` = 1, 2, … of Adam.

    m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², θ ← θ − η (m/(1 − β₁ᵗ))/(√(v/(1 − β₂ᵗ)) + ε).
    """
    theta, g, m, v = (as_double(one) for one in (theta, g, m, v))
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    root = np.sqrt(v / (1 - beta2**count)) + epsilon
    return theta - rate * (m / (1 - beta1**count)) / root, m, v


def cosine_rate(k: int, total: int, rate: Number, floor: Number, pi: Number = np.pi) -> Number:
    """Return η_k = η_min + ½ (η_0 − η_min)(1 + cos(πk/K)), k = 0 … K − 1; ``pi`` as a ball for balls.

    >>> float(cosine_rate(0, 4, 1.0, 0.5))
    1.0
    """
    return floor + (rate - floor) * (1 + np.cos(pi * k / total)) / 2


def gradient_work(batches: Sequence[int], finest: int, dimension: int) -> Number:
    """Return #WU = Σ_{l<L−1} N_l (c_l + c_{l+1}) + N_{L−1} c_{L−1}, c_l = 2^{−dl}, l from ``finest`` on.

    >>> gradient_work((16, 32, 64, 128), 0, 2)
    37.0
    """
    cells = 2.0**dimension
    costs = [cells ** -(finest + level) for level in range(len(batches))]
    coarse = [*costs[1:], 0]
    return sum(N * (own + other) for N, own, other in zip(batches, costs, coarse, strict=True))
