"""Spectral density by the kernel polynomial method: Chebyshev moments, damped by Jackson's kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from refms.errors import Array, InputError, require_whole
from refms.linear.estimate import Estimate, mean_of
from refms.linear.probing import random_signs
from refms.linear.product import Product
from refms.linear.vectors import dot, guarded


@dataclass(frozen=True, eq=False)
class ChebyshevMoments:
    """Moments μ_k = tr T_k(Ã) / n of a matrix whose spectrum was mapped to [-1, 1], a row for each probe.

    Notes
    -----
    On [-1, 1] the density is 1/(π√(1−x²)) (μ_0 + 2 Σ_{k≥1} g_k μ_k T_k(x)). Jackson's factors

        g_k = ((M−k+1) cos(πk/(M+1)) + sin(πk/(M+1)) cot(π/(M+1))) / (M+1)

    keep the truncated sum positive and its integral one; a single eigenvalue becomes a bell of width about
    π/M (Weiße, Wellein, Alvermann and Fehske 2006).
    """

    interval: tuple[float, float]  # the interval that was mapped; it holds all eigenvalues
    values: Array  # shape (probes, M), float64; μ_0 = 1

    @property
    def moments(self) -> Estimate:
        """The moments, two arrays of shape (M,)."""
        return mean_of(self.values)

    def density(self, at: Array) -> Estimate:
        """Return the share of eigenvalues per unit of λ at the points; zero outside the interval."""
        low, high = self.interval
        half, count = (high - low) / 2, self.values.shape[1]
        x = (at - (high + low) / 2) / half
        inside = np.abs(x) < 1
        angles = np.arccos(np.where(inside, x, 0.0))
        factors = jackson_factors(count) * np.where(np.arange(count) == 0, 1.0, 2.0)
        polynomials = np.cos(np.outer(angles, np.arange(count))) * factors
        sine = np.where(inside, np.sin(angles), 1.0)
        return mean_of(np.where(inside, (self.values @ polynomials.T) / (math.pi * sine * half), 0.0))


def jackson_factors(count: int) -> Array:
    """Return the factors g_0 = 1, …, g_{M-1} of :class:`ChebyshevMoments`."""
    k, q = np.arange(count), math.pi / (count + 1)
    return ((count - k + 1) * np.cos(k * q) + np.sin(k * q) / math.tan(q)) / (count + 1)


def chebyshev_moments(
    product: Product, like: Array, interval: tuple[float, float], *, steps: int, probes: int, seed: int
) -> ChebyshevMoments:
    """Return 2·steps + 1 moments of a symmetric matrix from ``steps`` products with each probe.

    The interval holds all eigenvalues, strictly.
    t_0 = v, t_1 = Ã v, t_{j+1} = 2 Ã t_j − t_{j-1}; two moments come from each vector, by
    T_{2j} = 2 T_j² − T_0 and T_{2j+1} = 2 T_{j+1} T_j − T_1.
    """
    steps, probes = require_whole(steps, "steps", 1), require_whole(probes, "probes", 1)
    product = guarded(product, "product")
    low, high = interval
    if not -math.inf < low < high < math.inf:
        raise InputError(
            f"the interval of a spectrum is [{low}, {high}]; expected two finite ends, low < high."
        )
    kind = like.dtype.type
    centre, half = kind((high + low) / 2), kind((high - low) / 2)

    def scale(v: Array) -> Array:
        return (product(v) - centre * v) / half

    rows = []
    for v in random_signs(like, probes, seed):
        before, now = v, scale(v)
        first = dot(v, now) / v.shape[0]
        row = [1.0, first, 2 * dot(now, now) / v.shape[0] - 1]
        for _ in range(steps - 1):
            before, now = now, 2 * scale(now) - before
            row += [2 * dot(now, before) / v.shape[0] - first, 2 * dot(now, now) / v.shape[0] - 1]
        rows.append(row)
    values = np.array(rows)
    if not np.abs(values).max() <= 1 + 1e3 * float(np.finfo(like.dtype).eps):
        raise InputError(
            f"there are eigenvalues outside [{low}, {high}], or products that are not finite: Chebyshev "
            "moments grow beyond 1. Widen the interval."
        )
    return ChebyshevMoments((low, high), values)
