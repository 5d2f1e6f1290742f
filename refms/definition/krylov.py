"""Conjugate gradients of Hestenes and Stiefel, of a fixed length: no stopping test."""

from __future__ import annotations

from collections.abc import Callable

from refms.definition.arrays import Array, inner


def conjugate_gradients(product: Callable[[Array], Array], b: Array, steps: int) -> list[Array]:
    """Return the iterates x_1 … x_k for A x = b from x_0 = 0, given v -> A v.

    >>> import numpy as np
    >>> conjugate_gradients(lambda v: v * np.array([1, 2]), np.array([1.0, 2.0]), 2)[-1].round(12).tolist()
    [1.0, 1.0]
    """
    x, r, p, iterates = 0 * b, b, b, []
    for _ in range(steps):
        Ap = product(p)
        alpha = inner(r, r) / inner(p, Ap)
        x = x + alpha * p
        previous, r = r, r - alpha * Ap
        p = r + inner(r, r) / inner(previous, previous) * p
        iterates.append(x)
    return iterates
