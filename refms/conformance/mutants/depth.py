"""Mistakes in the prolongation of parameters to more layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.conformance.mutants.mutant import Shelf
from refms.errors import Array

shelf = Shelf("depth")


def _extrapolated(found: Array, Theta: Array, layers: int) -> Array:
    deep = found.copy()
    deep[-1] = 2 * deep[-2] - deep[-3]
    return deep


def _at_midpoints(right: Any, Theta: Array, layers: int) -> Array:
    """Return the interpolant of values at (k+½)δt, constant outside."""
    N = len(Theta)
    times = (np.arange(layers) + 0.5) * N / layers - 0.5
    found = [np.interp(times, np.arange(N), column) for column in Theta.T]
    return np.stack(found, axis=1).astype(Theta.dtype)


def _periodic(right: Any, Theta: Array, layers: int) -> Array:
    """Return the interpolant that goes back to the first layer at T."""
    longer = np.concatenate([Theta, Theta[:1]])
    times = np.arange(layers) * len(Theta) / layers
    found = [np.interp(times, np.arange(len(longer)), column) for column in longer.T]
    return np.stack(found, axis=1).astype(Theta.dtype)


DEPTH = (
    shelf.replaced(
        "layers copied in place of interpolated",
        depth_prolong=lambda right, Theta, layers: np.repeat(Theta, layers // len(Theta), axis=0),
    ),
    shelf.altered(
        "new parameters halved, as if they were steps", depth_prolong=lambda found, *given: found / 2
    ),
    shelf.altered("last new layer extrapolated", depth_prolong=_extrapolated),
    shelf.replaced("parameters taken to live at the midpoints of the steps", depth_prolong=_at_midpoints),
    shelf.replaced("parameters continued periodically in time", depth_prolong=_periodic),
    shelf.altered("new layers in reverse order", depth_prolong=lambda found, *given: found[::-1].copy()),
)
"""The family."""
