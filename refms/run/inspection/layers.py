"""Norms of each layer's stencils and of its convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.model import Model
from refms.stencils.symbol import frobenius_norm, infinity_norm, one_norm, spectral_norm


def layer_norms(model: Model) -> list[dict[str, Any]]:
    """Return what is known of every layer without an image."""
    network: Any = model.architecture
    stencils, biases = (model.arrays[name] for name in ("stencils", "biases"))
    backend, rows = backend_of(stencils), []
    for k in range(network.layers):
        S, b = stencils[k], backend.to_host(biases[k])
        periodic = network.boundary == "periodic"
        rows.append(
            {
                "layer": k,
                "time": k * network.propagation.time.time_step,
                "stencil_norm": float(np.linalg.norm(backend.to_host(S).astype("float64"))),
                "bias_norm": float(np.linalg.norm(b.astype("float64"))),
                "largest_singular_value": spectral_norm(S, network.grid) if periodic else None,
                "frobenius_norm": frobenius_norm(S, network.grid, boundary=network.boundary),
                "one_norm": one_norm(S, network.grid, boundary=network.boundary),
                "infinity_norm": infinity_norm(S, network.grid, boundary=network.boundary),
            }
        )
    return rows
