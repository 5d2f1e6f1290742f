"""Random numbers with one generator for each purpose, so that a draw depends on nothing but its name."""

from __future__ import annotations

import numpy as np

from refms.errors import Array, InputError, require_choice, require_whole

PURPOSES = ("examples", "time", "noise", "mask", "window", "dropout", "validation")
"""What random numbers are drawn for; their places in this list are part of every seed."""


def random_stream(
    seed: int, purpose: str, stage: int = 0, iteration: int = 0, term: int = 0
) -> np.random.Generator:
    """Return the generator of one purpose in one term of one iteration of one stage.

    Parameters
    ----------
    seed : int
        Of the whole training.
    purpose : str
        One of ``PURPOSES``.
    stage, iteration, term : int
        Which draw; the two meshes of a difference are one term and share it, different terms never do.

    Returns
    -------
    numpy.random.Generator
        ``default_rng([seed, purpose, stage, iteration, term])``: it does not depend on threads, processes,
        memory, levels or backend, and masks that are switched on do not change the noise.

    Raises
    ------
    InputError
        If the purpose is unknown, or a number negative.

    Examples
    --------
    >>> int(random_stream(0, "noise").integers(10)) == int(random_stream(0, "noise").integers(10))
    True
    """
    numbers = [
        require_whole(seed, "seed"),
        PURPOSES.index(require_choice(purpose, PURPOSES, "purpose")),
        require_whole(stage, "stage"),
        require_whole(iteration, "iteration"),
        require_whole(term, "term"),
    ]
    return np.random.default_rng(numbers)


ORDERS = ("independent", "epochs")
"""How the examples of a batch are chosen: anew each time, or from a permutation per epoch."""


def draw_examples(
    total: int,
    count: int,
    seed: int,
    *,
    order: str = ORDERS[0],
    stage: int = 0,
    iteration: int = 0,
    term: int = 0,
) -> Array:
    """Return which of so many examples one batch holds, none twice.

    Parameters
    ----------
    total : int
        Examples M that there are.
    count : int
        N ≤ M of the batch.
    seed, stage, iteration, term : int
        Name the draw, see :func:`random_stream`.
    order : str
        ``"independent"``: each iteration draws anew. ``"epochs"``: iteration k takes the examples from
        (k mod ⌊M/N⌋) N on of the permutation of epoch ⌊k/⌊M/N⌋⌋; what is left of it is dropped. Each example
        is as likely as any other, so that estimates are unbiased either way.

    Returns
    -------
    numpy.ndarray
        Shape (N,), integers from 0 to M − 1.

    Raises
    ------
    InputError
        If there are fewer examples than the batch holds, or the order is unknown.

    Examples
    --------
    >>> batches = [draw_examples(6, 2, 0, order="epochs", iteration=k) for k in range(3)]
    >>> sorted(np.concatenate(batches).tolist())
    [0, 1, 2, 3, 4, 5]
    """
    if not 1 <= require_whole(count, "count") <= total:
        raise InputError(f"a batch of {count} examples of {total} images; expected 1 to {total}.")
    if require_choice(order, ORDERS, "order") == "independent":
        rng = random_stream(seed, "examples", stage, iteration, term)
        return rng.choice(total, size=count, replace=False)
    epoch, place = divmod(iteration, total // count)
    permutation = random_stream(seed, "examples", stage, epoch, term).permutation(total)
    return permutation[place * count : (place + 1) * count]
