"""What an estimate of the gradient costs, in network evaluations of one image on the finest mesh."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from refms.errors import InputError, require_whole

UNITS = 3.0
"""Evaluations in which value and gradient of one example count, where #WU of [MST] count one."""


def level_cost(level: int, dimension: int = 2) -> float:
    """Return c_l = 2^{−dl}: the cells of a level as a share of the finest.

    >>> level_cost(1), level_cost(2, dimension=1)
    (0.25, 0.25)
    """
    return float(2 ** (-dimension * require_whole(level, "level")))


def gradient_work(batches: Sequence[int], finest: int = 0, dimension: int = 2) -> float:
    """Return the paper's work units #WU of one multiscale estimate of the gradient.

    Parameters
    ----------
    batches : sequence of int
        N_l of each level from the finest of this estimate on; a single one is single scale.
    finest : int
        The finest level of this estimate, that of the stage.
    dimension : int
        d.

    Returns
    -------
    float
        W = Σ_{l<L−1} N_l (c_l + c_{l+1}) + N_{L−1} c_{L−1}: evaluations of the loss. Times
        :data:`UNITS` for those of value and gradient as refms counts work.

    Raises
    ------
    InputError
        If there is no batch or one is empty.

    Examples
    --------
    >>> gradient_work((16, 32, 64, 128)), gradient_work((240,))
    (37.0, 240.0)
    """
    if not batches or min(batches) < 1:
        raise InputError(f"the batches are {tuple(batches)}; expected one example or more on each level.")
    costs = [level_cost(finest + i, dimension) for i in range(len(batches))]
    pairs = [own + coarse for own, coarse in pairwise(costs)]
    return float(sum(N * C for N, C in zip(batches, [*pairs, costs[-1]], strict=True)))


def loss_evaluations(batches: Sequence[int]) -> int:
    """Return how often an estimate evaluates the network, whatever the mesh: Σ N_l + Σ_{l<L−1} N_l (Table 1).

    >>> loss_evaluations((16, 496))
    528
    """
    return sum(batches) + sum(batches[:-1])


def full_multiscale_work(
    batches: Sequence[int], iterations: Sequence[int], dimension: int = 2
) -> list[float]:
    """Return #WU of each stage of Full-Multiscale, coarsest first (Algorithm 2 of [MST]).

    Parameters
    ----------
    batches : sequence of int
        N_l of each level, finest first; stage j has the levels from j on.
    iterations : sequence of int
        Of each stage, coarsest first.
    dimension : int
        d.

    Returns
    -------
    list of float
        Iterations times the work of one.

    Raises
    ------
    InputError
        If there are not as many stages as levels.

    Examples
    --------
    >>> full_multiscale_work((16, 32, 64, 128), (2000, 1000, 500, 250))
    [4000.0, 7000.0, 8500.0, 9250.0]
    """
    if len(iterations) != len(batches):
        raise InputError(f"{len(iterations)} stages for {len(batches)} levels; expected as many.")
    stages = reversed(range(len(batches)))
    return [
        count * gradient_work(batches[j:], j, dimension) for j, count in zip(stages, iterations, strict=True)
    ]
