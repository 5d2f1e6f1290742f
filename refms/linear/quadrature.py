"""Spectral density and traces of functions of a matrix by stochastic Lanczos quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from refms.errors import Array, require_positive, require_whole
from refms.linear.estimate import Estimate, mean_of
from refms.linear.lanczos import GaussRule, Tridiagonal, lanczos
from refms.linear.probing import random_signs
from refms.linear.product import Product


@dataclass(frozen=True, eq=False)
class SpectralMeasure:
    """What random probes saw of a spectrum: a Gauss rule each.

    Notes
    -----
    For signs v, E[vᵀ f(A) v] = tr f(A), and vᵀ f(A) v / n is the integral of f by the probe's measure, which
    the Gauss rule gives exactly for polynomials up to degree 2k − 1 (Ubaru, Chen and Saad 2017).
    """

    processes: tuple[Tridiagonal, ...]  # one Lanczos process for each probe
    size: int  # number of rows n of the matrix

    @property
    def rules(self) -> tuple[GaussRule, ...]:
        """The Gauss rule of each probe."""
        return tuple(process.gauss_rule() for process in self.processes)

    def interval(self) -> tuple[float, float]:
        """Return the smallest interval around those of all processes."""
        ends = [process.interval() for process in self.processes]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def mean(self, function: Callable[[Array], Array]) -> Estimate:
        """Return the estimate of tr f(A) / n, the mean of f over the eigenvalues; f maps entry by entry."""
        return mean_of(np.array([rule.weights @ function(rule.nodes) for rule in self.rules]))

    def density(self, at: Array, width: float) -> Estimate:
        """Return the share of eigenvalues per unit of λ at the points, smoothed by a Gaussian.

        The width is its standard deviation in units of λ; the integral over the line is 1.
        """
        require_positive(width, "the width of a smoothed density")
        samples = []
        for rule in self.rules:
            bells = np.exp(-0.5 * ((at[:, None] - rule.nodes) / width) ** 2)
            samples.append(bells @ rule.weights / (width * math.sqrt(2 * math.pi)))
        return mean_of(np.array(samples))


def spectral_measure(product: Product, like: Array, *, steps: int, probes: int, seed: int) -> SpectralMeasure:
    """Run ``steps`` Lanczos steps of a symmetric matrix from each of ``probes`` vectors of random signs.

    >>> A = np.diag([1.0, 2.0, 3.0])
    >>> seen = spectral_measure(lambda v: A @ v, np.zeros(3), steps=3, probes=2, seed=0)
    >>> float(seen.mean(lambda x: x**2).value.round(12)), float(seen.mean(lambda x: x**2).error.round(12))
    (4.666666666667, 0.0)
    """
    probes = require_whole(probes, "probes", 1)
    processes = tuple(lanczos(product, v, steps) for v in random_signs(like, probes, seed))
    return SpectralMeasure(processes, int(like.shape[0]))
