"""What all propagations in time share: N layers θ_k at times t_k = k δt, T = N δt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array, InputError, require_whole_fields
from refms.maps.layout import Layout, join_layouts
from refms.maps.map import Map

MOST_LAYERS = 10**5
"""Layers whose names and places are still written down in a moment."""


@dataclass(frozen=True)
class TimeSteps:
    """N steps with identical layers F and a parameter vector θ_k for each.

    Parameters
    ----------
    layer : Map
        F, with as many rows out as in.
    layers : int
        Number of layers N, which is the number of steps.
    final_time : float
        T ≥ 0; the step is δt = T / N. With T = 0 the propagation is the identity.

    Raises
    ------
    InputError
        If N < 1, T is negative or not finite, or F changes the number of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.maps.layers.linear import matrix_map
    >>> TimeSteps(matrix_map(np.eye(2)), layers=4, final_time=1.0).time_step
    0.25
    """

    layer: Map
    layers: int
    final_time: float

    __repr__ = short_repr

    def __post_init__(self) -> None:
        require_whole_fields(self, layers=1)
        if self.layers > MOST_LAYERS:  # a damaged file may say any number
            raise InputError(f"layers is {self.layers}; expected at most {MOST_LAYERS}.")
        if not (isinstance(self.final_time, Real) and 0 <= self.final_time < math.inf):
            raise InputError(f"final_time is {self.final_time!r}; expected a finite number T >= 0.")
        if self.layer.rows_in != self.layer.rows_out:
            raise InputError(
                f"the layer maps {self.layer.rows_in} rows to {self.layer.rows_out}; a time step needs equal "
                "numbers (c_in = c_out)."
            )

    @property
    def time_step(self) -> float:
        """δt = T / N."""
        return float(self.final_time) / self.layers  # a NumPy number would raise the precision of float32

    @property
    def layout(self) -> Layout:
        """The layer's parts for each layer in turn, named ``layerk/part``."""
        return join_layouts((f"layer{k}", self.layer.layout) for k in range(self.layers))

    def by_layer(self, theta: Array) -> Array:
        """Return Θ, shape (N, layer.layout.size), a view: row k is θ_k at the time t_k = k δt."""
        return theta.reshape(self.layers, self.layer.layout.size)

    def at_times(self, matrix: Any, theta: Array) -> Array:
        """Return M Θ: the parameters θ(t) at other times, from the matrix of ``interpolation``."""
        M = backend_of(theta).csr_from_host(matrix.astype(str(theta.dtype)))
        return M @ self.by_layer(theta)

    def at_times_transposed(self, matrix: Any, gradients: Array) -> Array:
        """Return Mᵀ G as a vector (layout.size,), the gradient of θ from those of the parameters M Θ."""
        M = backend_of(gradients).csr_from_host(matrix.T.tocsr().astype(str(gradients.dtype)))
        return (M @ gradients).reshape(-1)
