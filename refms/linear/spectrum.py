"""What is computed of one matrix: both ends of its spectrum, and its density by two methods."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from refms.errors import Array, require_whole
from refms.linear.estimate import Estimate
from refms.linear.extremes import Extremes, extreme_eigenvalues
from refms.linear.kernel_polynomials import ChebyshevMoments, chebyshev_moments
from refms.linear.product import Product
from refms.linear.quadrature import SpectralMeasure, spectral_measure

POINTS = 401
"""Points at which densities are written down."""

MARGIN = 0.01
"""By which share of its width the interval of the Chebyshev polynomials is wider than the spectrum."""


@dataclass(frozen=True)
class Effort:
    """How closely a spectrum is looked at."""

    count: int = 4  # eigenvalues at each end
    # steps, probes: Products a probe, and probes, for each of the two densities
    steps: int = 32
    probes: int = 4
    seed: int = 0  # of the probes


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The spectrum of a symmetric matrix."""

    extremes: Extremes  # both ends
    measure: SpectralMeasure  # what the probes of the Lanczos quadrature saw
    # What those of the kernel polynomials saw: the same probes, by another recurrence
    moments: ChebyshevMoments

    @property
    def at(self) -> Array:
        """Points across the spectrum, shape (POINTS,), float64."""
        low, high = self.moments.interval
        return np.linspace(low - 3 * self.width, high + 3 * self.width, POINTS)

    @property
    def width(self) -> float:
        """Standard deviation with which both densities are smoothed, in the units of the eigenvalues."""
        low, high = self.moments.interval
        return math.pi / (int(self.moments.values.shape[1]) + 1) * (high - low) / 2

    def densities(self) -> dict[str, Estimate]:
        """Return the share of eigenvalues per unit at :attr:`at`, by ``"lanczos"`` and by ``"kpm"``."""
        at = self.at
        return {"lanczos": self.measure.density(at, self.width), "kpm": self.moments.density(at)}

    def trace(self) -> Estimate:
        """Return the sum of all eigenvalues."""
        mean = self.measure.mean(lambda nodes: nodes)
        return Estimate(mean.value * self.measure.size, mean.error * self.measure.size)

    def negative(self) -> Estimate:
        """Return the share of eigenvalues below zero by more than rounding, from the Lanczos quadrature."""
        low, high = self.moments.interval
        rounding = 1e-10 * max(abs(low), abs(high))
        return self.measure.mean(lambda nodes: (nodes < -rounding).astype("float64"))


def spectrum_of(product: Product, like: Array, effort: Effort) -> Spectrum:
    """Return the spectrum, on the host, of a symmetric matrix on vectors like the given one.

    Parameters
    ----------
    product : callable
        v -> A v for a symmetric A, keeping shape and dtype.
    like : array
        Gives size, dtype and backend of v, shape (size,), float32 or float64.
    effort : Effort
        Eigenvalues at each end; steps, probes and seed of both densities.

    Returns
    -------
    Spectrum
        Both ends, the density by Lanczos quadrature and by kernel polynomials, trace and negative share.

    Raises
    ------
    InputError
        If a number is out of range, or a product is not finite.

    Examples
    --------
    >>> seen = spectrum_of(lambda v: np.linspace(0, 1, 100) * v, np.zeros(100), Effort(count=1, probes=1))
    >>> float(seen.extremes.largest[0].round(4)), float(seen.trace().value.round(4))
    (1.0, 50.0)
    """
    probing = {"steps": effort.steps, "probes": effort.probes, "seed": effort.seed}
    measure = spectral_measure(product, like, **probing)
    count = min(require_whole(effort.count, "count", 1), int(like.shape[0]))
    extremes = extreme_eigenvalues(product, like, count, seed=effort.seed)
    low, high = measure.interval()
    if len(extremes.smallest) and len(extremes.largest):
        low, high = min(low, float(extremes.smallest[0])), max(high, float(extremes.largest[0]))
    margin = MARGIN * (high - low)
    if not margin > 1e-12 * max(abs(low), abs(high)):  # one eigenvalue only
        margin = MARGIN * (max(abs(low), abs(high)) or 1e-12)
    moments = chebyshev_moments(product, like, (low - margin, high + margin), **probing)
    return Spectrum(extremes, measure, moments)
