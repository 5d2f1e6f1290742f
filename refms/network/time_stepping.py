"""What all propagations in time share: N layers θ_k at times t_k = k δt, T = N δt."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Real

from refms.errors import Array, InputError, require_whole
from refms.network.mapping import Linearization, Mapping
from refms.network.parameters import EMPTY, Layout


@dataclass(frozen=True)
class TimeStepping(ABC):
    """N steps with identical layers F and a parameter vector θ_k for each.

    Parameters
    ----------
    layer : Mapping
        F, with as many rows out as in.
    layers : int
        Number of layers N, which is the number of steps.
    final_time : float
        T ≥ 0; the step is δt = T / N. With T = 0 the propagation is the identity.

    Raises
    ------
    InputError
        If N < 1, T is negative or not finite, or F changes the number of rows.
    """

    layer: Mapping
    layers: int
    final_time: float

    def __post_init__(self) -> None:
        require_whole(self.layers, "layers", 1)
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
        return self.final_time / self.layers

    @property
    def layout(self) -> Layout:
        """The layer's parts for each layer in turn, named ``layerk/part``."""
        return sum((self.layer.layout.prefixed(f"layer{k}") for k in range(self.layers)), EMPTY)

    @property
    def rows_in(self) -> int:
        """Rows of y_0."""
        return self.layer.rows_in

    @property
    def rows_out(self) -> int:
        """Rows of y_N."""
        return self.layer.rows_out

    @property
    @abstractmethod
    def multiply_adds(self) -> int:
        """Multiply-adds of all steps for one example."""

    @property
    @abstractmethod
    def stored(self) -> int:
        """Numbers that a linearisation keeps per example."""

    def by_layer(self, theta: Array) -> Array:
        """Return the parameters as a matrix with one row per layer, as a view.

        Parameters
        ----------
        theta : array
            Shape (layout.size,).

        Returns
        -------
        array
            Shape (N, layer.layout.size); row k is θ_k at time t_k = k δt.

        Raises
        ------
        InputError
            If the vector has another length.
        """
        size = self.layer.layout.size
        if tuple(theta.shape) != (self.layers * size,):
            raise InputError(
                f"theta has shape {tuple(theta.shape)}; expected ({self.layers * size},) = "
                f"{self.layers} layers of {size} parameters."
            )
        return theta.reshape(self.layers, size)

    @abstractmethod
    def apply(self, theta: Array, Y: Array) -> Array:
        """Return y_N, shape (rows_out, m), of θ (layout.size,) and y_0 (rows_in, m) in one precision."""

    @abstractmethod
    def linearize(self, theta: Array, Y: Array) -> Linearization:
        """Return the propagation linearised at (θ, y_0); parameters as for :meth:`apply`."""

    @abstractmethod
    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return the states ``y0`` … ``yN`` and what happens in each layer, ``output`` last."""
