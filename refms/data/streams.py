"""Random numbers with one generator for each purpose, so that a draw depends on nothing but its name."""

from __future__ import annotations

import numpy as np

from refms.errors import require_choice, require_whole

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
