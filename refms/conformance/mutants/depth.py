"""Mistakes in the prolongation of parameters to more layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.conformance.mutants.mutant import alter, of_family, substitute
from refms.errors import Array


def _extrapolate(found: Array, Theta: Array, layers: int) -> Array:
    deep = found.copy()
    deep[-1] = 2 * deep[-2] - deep[-3]
    return deep


def _interpolate(times: Array, Theta: Array) -> Array:
    """Return the polygon through (k, θ_k), constant outside, at some times."""
    found = [np.interp(times, np.arange(len(Theta)), column) for column in Theta.T]
    return np.stack(found, axis=1).astype(Theta.dtype)


def _at_midpoints(right: Any, Theta: Array, layers: int) -> Array:
    """Return the interpolant of values at (k+½)δt."""
    return _interpolate((np.arange(layers) + 0.5) * len(Theta) / layers - 0.5, Theta)


def _periodic(right: Any, Theta: Array, layers: int) -> Array:
    """Return the interpolant that goes back to the first layer at T."""
    return _interpolate(np.arange(layers) * len(Theta) / layers, np.concatenate([Theta, Theta[:1]]))


DEPTH = of_family(
    "depth",
    substitute(
        "layers copied in place of interpolated",
        depth_prolong=lambda right, Theta, layers: np.repeat(Theta, layers // len(Theta), axis=0),
    ),
    alter("new parameters halved, as if they were steps", depth_prolong=lambda found, *given: found / 2),
    alter("last new layer extrapolated", depth_prolong=_extrapolate),
    substitute("parameters taken to live at the midpoints of the steps", depth_prolong=_at_midpoints),
    substitute("parameters continued periodically in time", depth_prolong=_periodic),
    alter("new layers in reverse order", depth_prolong=lambda found, *given: found[::-1].copy()),
)
"""The family."""
