"""How much the gradients of two meshes differ: V_l, β_l, the efficiency η, and the batches that are best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array, InputError, require_whole
from refms.multiscale.estimation import Batches
from refms.multiscale.image_problem import ImageProblem
from refms.multiscale.work import level_cost

FEWEST = 2
"""Examples below which there is no variance."""


@dataclass(frozen=True, eq=False)
class GradientVariance:
    """Traces of the covariances of the gradients of single examples on several meshes, one draw for all.

    Parameters
    ----------
    covariance : numpy.ndarray
        Shape (L, L), float64: tr Cov(g_l, g_k), level 0 first; or (B, L, L), of each of B layers.
    dimension : int
        d of the meshes.
    finest : int
        The level of the first row.

    Notes
    -----
    v = tr Var g_0, V_l = tr Var(g_l − g_{l+1}), V_{L−1} = tr Var g_{L−1}; C_l = c_l + c_{l+1},
    C_{L−1} = c_{L−1}; β_l = tr Cov(g_l, g_{l+1})/tr Var g_{l+1} makes the variance of a term least,
    π_l² (1 − ρ_l²) tr Var g_l. Where layers are told apart, each has its own β_l, and V_l is their sum.

    Examples
    --------
    >>> same = GradientVariance(np.ones((4, 4)), 2)  # all meshes agree exactly
    >>> round(same.efficiency(Batches((16, 32, 64, 128))), 2)  # 128/37, the largest with these batches
    3.46
    """

    covariance: Array
    dimension: int
    finest: int = 0

    __repr__ = short_repr

    @property
    def levels(self) -> int:
        """Number of levels L."""
        return int(self.covariance.shape[-1])

    @property
    def whole(self) -> GradientVariance:
        """The same of all parameters together."""
        return replace(self, covariance=self._layers.sum(axis=0))

    @property
    def _layers(self) -> Array:
        """Shape (B, L, L)."""
        return self.covariance.reshape(-1, self.levels, self.levels)

    @property
    def single(self) -> float:
        """V = tr Var g_0."""
        return float(self._layers[:, 0, 0].sum())

    def costs(self, levels: int) -> list[float]:
        """Return C_l of each term with so many levels, in units of the finest of all."""
        c = [level_cost(self.finest + level, self.dimension) for level in range(levels)]
        return [*(a + b for a, b in pairwise(c)), c[-1]]

    def betas(self, levels: int) -> tuple[float | tuple[float, ...], ...]:
        """Return the regressed coefficients β_l; 0 where the coarse gradient does not vary.

        Where layers are told apart, each β_l is a tuple with the number of each.
        """
        S, found = self._layers, []
        for i in range(levels - 1):
            shared, own = S[:, i, i + 1], S[:, i + 1, i + 1]
            found.append(np.divide(shared, own, out=np.zeros_like(own), where=own > 0))
        if self.covariance.ndim == 2:
            return tuple(float(beta[0]) for beta in found)
        return tuple(tuple(beta.tolist()) for beta in found)

    def correlations(self) -> list[float]:
        """Return ρ_l = tr Cov(g_l, g_{l+1}) / √(tr Var g_l · tr Var g_{l+1}); 0 where one does not vary."""
        S = self.whole.covariance
        roots = [math.sqrt(S[i, i] * S[i + 1, i + 1]) for i in range(self.levels - 1)]
        return [float(S[i, i + 1] / root) if root > 0 else 0.0 for i, root in enumerate(roots)]

    def terms(self, levels: int, betas: Sequence[float | tuple[float, ...]] = ()) -> list[float]:
        """Return tr Var π_l (g_l − β_l g_{l+1}) of each term, the last no difference; β = 1 by default."""
        S, found = self._layers, []
        pi = np.ones(len(S))
        for level, given in enumerate(betas or (1.0,) * (levels - 1)):
            beta, coarse = np.asarray(given), S[:, level + 1, level + 1]
            if beta.ndim and len(beta) != len(S):
                raise InputError(
                    f"{len(beta)} coefficients of a difference and variances of {len(S)} layer(s)."
                )
            difference = S[:, level, level] - 2 * beta * S[:, level, level + 1] + beta**2 * coarse
            found.append(float(np.sum(pi**2 * np.maximum(difference, 0.0))))
            pi = pi * beta
        return [*found, float(np.sum(pi**2 * np.maximum(S[:, levels - 1, levels - 1], 0.0)))]

    def efficiency(self, batches: Batches) -> float:
        """Return η = v / (W · Var ĝ): above 1 the estimate beats single scale at equal work.

        In units of the finest level of these rows: single scale with N examples costs N.
        """
        terms = self.terms(len(batches.sizes), batches.coefficients)
        variance = sum(V / N for V, N in zip(terms, batches.sizes, strict=True))
        if batches.shared:
            variance = self.single / batches.sizes[0]
        work = batches.work(self.finest, self.dimension) / level_cost(self.finest, self.dimension)
        return self.single / (work * variance) if variance > 0 else math.inf

    def best_efficiency(self, levels: int, *, regressed: bool = False) -> float:
        """Return η* = v / (Σ √(V_l C_l))², with the best batches and perhaps the regressed coefficients."""
        terms = self.terms(levels, self.betas(levels) if regressed else ())
        root = sum(math.sqrt(V * C) for V, C in zip(terms, self.costs(levels), strict=True))
        return self.single * level_cost(self.finest, self.dimension) / root**2 if root > 0 else math.inf

    def paying_levels(self, *, regressed: bool = False) -> int:
        """Return the number of levels with the largest η*: 1 where no coarser mesh pays."""
        found = [self.best_efficiency(levels, regressed=regressed) for levels in range(1, self.levels + 1)]
        return 1 + max(range(len(found)), key=lambda i: (found[i], -i))

    def best_batches(
        self, work: float, levels: int | None = None, *, regressed: bool = False, even: bool = False
    ) -> Batches:
        """Return N_l ∝ √(V_l/C_l) for about this work, at least one example a level (Giles).

        Parameters
        ----------
        work : float
            #WU of one estimate.
        levels : int or None
            Number of levels; None for those that pay.
        regressed : bool
            Whether the coefficients are β_l instead of 1.
        even : bool
            Whether batches are even, as subsampling ``"both"`` needs them.
        """
        levels = self.paying_levels(regressed=regressed) if levels is None else levels
        betas = self.betas(levels) if regressed else ()
        terms, costs = self.terms(levels, betas), self.costs(levels)
        total = sum(math.sqrt(V * C) for V, C in zip(terms, costs, strict=True))
        sizes = []
        for V, C in zip(terms, costs, strict=True):
            share = work * math.sqrt(V / C) / total if total > 0 else 1.0
            N = max(1, math.ceil(share - 1e-9))
            sizes.append(N + N % 2 if even else N)
        return Batches(tuple(sizes), betas)


def measure_variance(
    problem: ImageProblem,
    theta: Array,
    count: int,
    *,
    stage: int = 0,
    iteration: int = 0,
    layers: bool = False,
) -> tuple[GradientVariance, Array]:
    """Return the covariances of the gradients of so many examples on all levels from ``stage`` on.

    Parameters
    ----------
    problem : ImageProblem
        Network, data and meshes; its work is counted.
    theta : array
        The point, shape (layout.size,).
    count : int
        Examples M ≥ 32 for a figure that means something; 2 at least.
    stage : int
        The finest level.
    iteration : int
        Names the draw.
    layers : bool
        Whether the B layers of the layout are told apart.

    Returns
    -------
    variance : GradientVariance
        Of these examples.
    products : numpy.ndarray
        Shape (L, M, L, M), or half of M with pairs, float64: the inner products of all gradients, from which
        :func:`bootstrap_variance` draws; with layers (B, L, M, L, M).

    Raises
    ------
    InputError
        If there are fewer than two examples.

    Notes
    -----
    The samples must never enter an estimate whose batches or coefficients come from them, or it is biased.

    Examples
    --------
    >>> from refms import Grid
    >>> from refms.data import Denoise
    >>> from refms.maps import ResidualImage
    >>> net = ResidualImage(Grid((8, 8)), 1, 4, 1)
    >>> problem = ImageProblem(net, np.zeros((64, 9)), Denoise(), levels=2)
    >>> variance, products = measure_variance(problem, net.map.layout.pack(net.initial(0, "float64")), 4)
    >>> variance.covariance.shape, products.shape
    ((2, 2), (2, 4, 2, 4))
    """
    levels, gradients = _single_gradients(problem, theta, count, stage, iteration)
    if layers:
        parts = problem.architecture.arrays.layout.layers
        gram = np.stack([_products(gradients[:, part], levels) for part in parts])
    else:
        gram = _products(gradients, levels)
    return GradientVariance(covariance_traces(gram), problem.grid.dimension, stage), gram


PILOT = 10**6
"""The term of a pilot's draw, which no term of an estimate has."""


def _single_gradients(
    problem: ImageProblem, theta: Array, count: int, stage: int, iteration: int
) -> tuple[int, Array]:
    """Return the number of levels, and g_l of each level and example as rows, one draw for all levels.

    Where half of a batch is coarsened and half cropped, examples come in pairs, one of each: the mean p of
    their gradients has half the variance of an example, and √2 p stands for one.
    """
    if require_whole(count, "count") < FEWEST:
        raise InputError(f"a pilot of {count} example(s); expected 32 or more, at least {FEWEST}.")
    levels = problem.levels - stage
    draw = problem.draw(count, stage=stage, iteration=iteration, term=PILOT)
    half = problem.subsampling.coarsened(count)
    paired = 0 < half < count
    scale, units = (math.sqrt(2.0), half) if paired else (1.0, count)
    parts = [draw.part(np.array([j, half + j]) if paired else slice(j, j + 1)) for j in range(units)]
    rows = [
        problem.risk(stage + level, part, stage).value_and_gradient(theta)[1]
        for level in range(levels)
        for part in parts
    ]
    return levels, scale * backend_of(theta).xp.stack(rows)


def _products(gradients: Array, levels: int) -> Array:
    """Return the inner products of all rows, (L, M, L, M), float64 on the host."""
    rows = gradients.astype("float64")
    gram = backend_of(rows).to_host(rows @ rows.T)
    return gram.reshape(levels, -1, levels, len(rows) // levels)


def covariance_traces(products: Array, chosen: Array | None = None) -> Array:
    """Return tr Cov(g_l, g_k) = (Σ_i ⟨g_l^i, g_k^i⟩ − 1/M Σ_ij ⟨g_l^i, g_k^j⟩)/(M − 1) of some examples."""
    if chosen is not None:
        products = products.take(chosen, axis=-3).take(chosen, axis=-1)
    M = products.shape[-1]
    diagonal = np.einsum("...limi->...lm", products)
    return np.asarray((diagonal - products.sum(axis=(-3, -1)) / M) / (M - 1))


def bootstrap_variance(
    variance: GradientVariance, products: Array, repeats: int = 200, seed: int = 0
) -> list[GradientVariance]:
    """Return the variances of examples drawn again with replacement: the spread of any figure of theirs."""
    rng, M = np.random.default_rng(seed), products.shape[-1]
    draws = [rng.integers(0, M, M) for _ in range(repeats)]
    return [
        GradientVariance(covariance_traces(products, chosen), variance.dimension, variance.finest)
        for chosen in draws
    ]
