"""The diagonal of a matrix that is known by its products, estimated from a few of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, require_whole
from refms.linear.product import Product
from refms.linear.vectors import guarded


def probed_diagonal(product: Product, like: Array, probes: int, seed: int) -> Array:
    """Return Hutchinson's estimate of the diagonal of a matrix: the mean of v ∘ (A v) over random signs v.

    Parameters
    ----------
    product : callable
        v -> A v, keeping shape and dtype.
    like : array
        Gives size, dtype and backend of v, shape (size,).
    probes, seed : int
        Number of vectors, which is the number of products, and their seed.

    Returns
    -------
    array
        Shape (size,), dtype of ``like``; unbiased, exact after one probe for a diagonal matrix.

    Raises
    ------
    InputError
        If there is no probe, or a product changes its argument, shape or dtype.

    Examples
    --------
    >>> A = np.array([[2.0, 1.0], [1.0, 3.0]])
    >>> probed_diagonal(lambda v: A @ v, np.zeros(2), 1, 0).tolist() in ([3.0, 4.0], [1.0, 2.0])
    True
    """
    probes = require_whole(probes, "probes", 1)
    product, total = guarded(product, "product"), backend_of(like).xp.zeros_like(like)
    for v in random_signs(like, probes, seed):
        total += v * product(v)
    return total / probes


def random_signs(like: Array, probes: int, seed: int) -> Iterator[Array]:
    """Yield vectors of independent random signs, whose products vᵀA v have the mean tr A."""
    backend, rng = backend_of(like), np.random.default_rng(require_whole(seed, "seed"))
    for _ in range(probes):
        yield backend.from_host(rng.choice([-1.0, 1.0], like.shape[0]).astype(like.dtype))
