"""The inverse of the regulariser in time as a preconditioner for the propagation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array
from refms.maps.layout import Layout
from refms.maps.time.steps import TimeSteps

if TYPE_CHECKING:
    from refms.linear.product import Product
    from refms.objective.risk import EmpiricalRisk


@dataclass(frozen=True)
class TimeSmoothness:
    """M = Q + diag(mean curvature of each kind of parameter) for the propagation block.

    Parameters
    ----------
    layout : Layout
        Of θ: what stands before the layers (a learned opening), then layer after layer.
    steps : TimeSteps
        Gives N, δt and the parameters of a layer.
    smoothness, tikhonov : float
        α_θ and τ_θ of :func:`~refms.objective.regularizers.time_regularizer`.
    seed : int
        Of the signs.

    Notes
    -----
    The Gauss–Newton matrix is JᵀHJ + Q with Q = (τ_θ δt I + α_θ/δt DᵀD) ⊗ I on the layers and τ_θ I before
    them. Of JᵀHJ only the mean of its diagonal is taken, one number for each kind of parameter (opening,
    stencils, biases): vᵀ JᵀHJ v over their number, for random signs v on that kind and zeros elsewhere, which
    is unbiased and never negative. The DCT-II in time diagonalises DᵀD, with eigenvalues 2 − 2 cos(πk/N). A
    penalty on stencils that do not cross to another mesh is left out of M, which stays positive definite.
    """

    layout: Layout
    steps: TimeSteps
    smoothness: float
    tikhonov: float
    seed: int = 0

    __repr__ = short_repr

    def __call__(self, risk: EmpiricalRisk, x: Array, curvature: Product) -> Product | None:
        """Return r -> M⁻¹ r at x, or None where a mean curvature is not positive."""
        backend = backend_of(x)
        xp, N, dt = backend.xp, self.steps.layers, self.steps.time_step
        leading, layer = self.layout.size - self.steps.layout.size, self.steps.layer.layout
        signs = backend.from_host(np.random.default_rng(self.seed).choice([-1, 1], x.shape).astype(x.dtype))

        def mean_curvature(kind: Array) -> Array:
            v = xp.where(kind, signs, 0)
            return (v * (curvature(v) - risk.regularizer.gradient(v))).sum() / kind.sum()

        index = xp.arange(x.shape[0])
        place = (index - leading) % layer.size
        shifts, start = xp.empty(layer.size, x.dtype), 0
        for _, shape in layer.parts:
            stop = start + math.prod(shape)
            shifts[start:stop] = mean_curvature((index >= leading) & (place >= start) & (place < stop))
            start = stop
        before = mean_curvature(index < leading) if leading else xp.ones((), x.dtype)
        if not (bool(before > 0) and bool((shifts > 0).all())):
            return None
        modes = scipy.fft.dct(np.eye(N), axis=0, norm="ortho")
        eigenvalues = self.tikhonov * dt + (self.smoothness / dt if dt > 0 else 0.0) * (
            2 - 2 * np.cos(np.pi * np.arange(N) / N)
        )
        C, added = (backend.from_host(array.astype(x.dtype)) for array in (modes, eigenvalues[:, None]))
        factor, first = 1 / (shifts + added), 1 / (before + self.tikhonov)

        def product(r: Array) -> Array:
            layers = C.T @ (factor * (C @ r[leading:].reshape(N, layer.size)))
            return xp.concatenate([(r[:leading] * first).astype(r.dtype, copy=False), layers.reshape(-1)])

        return product
