"""Multiscale estimates of the gradient (MGE, Algorithm 1 of [MST]) as a weighted sum of losses on meshes.

    ĝ = Σ_{l<L−1} π_l mean_{N_l}(g_l − β_l g_{l+1}) + π_{L−1} mean_{N_{L−1}} g_{L−1}

with π_0 = 1, π_{l+1} = π_l β_l is an unbiased estimate of E g_0 for any β independent of the samples, any Q_l
and any N_l: the two meshes of a difference share one draw, different terms never do. β = 1 is the paper.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from refms.display import short_repr
from refms.errors import InputError, require_whole
from refms.multiscale.image_problem import ImageProblem
from refms.multiscale.work import gradient_work
from refms.objective.risk import EmpiricalRisk, values_and_gradients
from refms.optimize.weighted import WeightedSum, one_after_the_other


@dataclass(frozen=True)
class Batches:
    """How many examples each level has, from the finest of an estimate on, and its coefficients.

    Parameters
    ----------
    sizes : tuple of int
        N_l; a single one is the single-scale estimate.
    coefficients : tuple of float or tuple of float
        β_l of each difference, one fewer than sizes; empty for β = 1. A tuple has a number for each of the
        layout's ``layers``: the telescope holds entry by entry, so that this is unbiased, too.
    shared : bool
        Whether all terms have one draw: the degenerate estimate, which is mean_N g_0 identically, at the work
        of all meshes.

    Raises
    ------
    InputError
        If there is no level, a batch is empty, there are not as many coefficients as differences, or a
        shared batch has several sizes.

    Examples
    --------
    >>> plan = Batches((16, 32, 64, 128))
    >>> plan.work(), plan.terms()[0]
    (37.0, (0, 16, 1.0, 1.0))
    """

    sizes: tuple[int, ...]
    coefficients: tuple[float | tuple[float, ...], ...] = ()
    shared: bool = False

    __repr__ = short_repr

    def __post_init__(self) -> None:
        sizes = tuple(require_whole(N, "batch", 1) for N in self.sizes)
        if not sizes or len(self.coefficients) not in (0, len(sizes) - 1):
            raise InputError(
                f"{len(sizes)} batches and {len(self.coefficients)} coefficients; expected one batch or "
                "more, and a coefficient for each difference of two levels, or none."
            )
        if self.shared and len(set(sizes)) > 1:
            raise InputError(f"one batch for all terms, but sizes {list(sizes)}; expected equal ones.")
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "coefficients", tuple(self.coefficients))

    def work(self, finest: int = 0, dimension: int = 2) -> float:
        """Return #WU of one estimate whose finest level is ``finest``."""
        return gradient_work(self.sizes, finest, dimension)

    def terms(self) -> list[tuple[int, int, Any, Any]]:
        """Return place, N, π and β of each term; β of the last, which is no difference, is None.

        Those of several layers are arrays.
        """
        given = self.coefficients or (1.0,) * (len(self.sizes) - 1)
        betas: list[Any] = [np.array(beta) if isinstance(beta, tuple) else beta for beta in given]
        products: Iterator[Any] = accumulate(betas, operator.mul, initial=1.0)
        return list(zip(range(len(self.sizes)), self.sizes, products, (*betas, None), strict=True))


def estimate_objective(
    problem: ImageProblem, batches: Batches, *, stage: int = 0, iteration: int = 0
) -> WeightedSum:
    """Return one multiscale estimate of the loss on level ``stage`` as a function of θ.

    Parameters
    ----------
    problem : ImageProblem
        Network, data and meshes.
    batches : Batches
        N_l of the levels from ``stage`` on.
    stage : int
        The finest level of the estimate.
    iteration : int
        Names the draw.

    Returns
    -------
    WeightedSum
        An objective: its gradient is ĝ, its value the same sum of losses. The draws are made here, once. Its
        terms run side by side on the threads of the problem's workers; their number changes no bit.

    Raises
    ------
    InputError
        If there are more levels than the problem has, or a batch is larger than the data.

    Examples
    --------
    >>> import numpy as np
    >>> from refms import Grid
    >>> from refms.data.corruption import Denoise
    >>> from refms.maps.architectures.residual_image import ResidualImage
    >>> net = ResidualImage(Grid((8, 8)), 1, 4, 1)
    >>> problem = ImageProblem(net, np.zeros((64, 9)), Denoise(), levels=2)
    >>> f = estimate_objective(problem, Batches((2, 4)))
    >>> [weight for weight, _ in f.terms]
    [1.0, -1.0, 1.0]
    >>> _ = f.value_and_gradient(net.map.layout.pack(net.initial(0, "float64")))
    >>> f.work_units == 3 * Batches((2, 4)).work()
    True
    """
    _require_levels(problem, len(batches.sizes), stage)
    terms = []
    for place, count, pi, beta in batches.terms():
        level = stage + place
        term = 0 if batches.shared else place
        draw = problem.draw(count, stage=stage, iteration=iteration, term=term)
        terms.append((_weight(problem, pi), problem.risk(level, draw, stage)))
        if beta is not None:
            terms.append((_weight(problem, -pi * beta), problem.risk(level + 1, draw, stage)))
    together = all(isinstance(f, EmpiricalRisk) for _, f in terms)  # a problem of one's own may have others
    return WeightedSum(tuple(terms), values_and_gradients if together else one_after_the_other)


def _weight(problem: ImageProblem, number: Any) -> Any:
    """Return a weight, or the one of each layer as an array of the shape of θ."""
    if np.ndim(number) == 0:
        return float(number)
    layers = problem.architecture.arrays.layout.layers
    if len(number) != len(layers):
        raise InputError(
            f"{len(number)} coefficients of a difference; expected one, or one for each of the {len(layers)} "
            "layers."
        )
    spread = np.repeat(number, [layer.stop - layer.start for layer in layers])
    return problem.backend.from_host(spread.astype(problem.dtype))


def _require_levels(problem: ImageProblem, levels: int, stage: int) -> None:
    if not 0 < stage + levels <= problem.levels:
        raise InputError(
            f"an estimate with {levels} level(s) from level {stage} on; the problem has {problem.levels}."
        )


def doubled_batches(first: int, levels: int) -> Sequence[int]:
    """Return N, 2N, 4N, …: the batches of [MST].

    >>> doubled_batches(16, 4)
    (16, 32, 64, 128)
    """
    return tuple(first * 2**level for level in range(levels))
