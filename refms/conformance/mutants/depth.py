"""Mistakes in the prolongation of parameters to more layers."""

from __future__ import annotations

import numpy as np

from refms.conformance.mutants.mutant import Asked, Table
from refms.errors import Array


def _extrapolate(t: Asked) -> Array:
    deep = t().copy()
    if len(deep) > 2:
        deep[-1] = 2 * deep[-2] - deep[-3]
    return deep


def _interpolate(times: Array, Theta: Array) -> Array:
    """Return the polygon through (k, θ_k), constant outside, at some times."""
    found = [np.interp(times, np.arange(len(Theta)), column) for column in Theta.T]
    return np.stack(found, axis=1).astype(Theta.dtype)


MISTAKES: Table = {
    "depth_prolong": {
        "layers copied in place of interpolated": lambda t: t.Theta[
            np.arange(t.layers) * len(t.Theta) // t.layers
        ],
        "only whole multiples of the layers interpolated": lambda t: _interpolate(
            np.arange(t.layers) / max(1, t.layers // len(t.Theta)), t.Theta
        ),
        "new parameters halved, as if they were steps": lambda t: t() / 2,
        "last new layer extrapolated": _extrapolate,
        "parameters taken to live at the midpoints of the steps": lambda t: _interpolate(
            (np.arange(t.layers) + 0.5) * len(t.Theta) / t.layers - 0.5, t.Theta
        ),
        "parameters continued periodically in time": lambda t: _interpolate(
            np.arange(t.layers) * len(t.Theta) / t.layers, np.concatenate([t.Theta, t.Theta[:1]])
        ),
        "new layers in reverse order": lambda t: t()[::-1].copy(),
    },
}
