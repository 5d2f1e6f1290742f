"""The leapfrog method for networks of second order in time, y″ = F(θ(t), y)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from refms.errors import Array
from refms.network.integrators.shear import Shear, State
from refms.network.integrators.shears import ShearPropagation


@dataclass(frozen=True)
class Leapfrog(ShearPropagation):
    """N leapfrog steps for y″ = F(θ(t), y), y(0) = y_0, y′(0) = 0.

    Parameters
    ----------
    layer, layers, final_time
        As for :class:`~refms.network.time_stepping.TimeStepping`.
    reversible : bool
        True: derivatives need no stored states, see ``ShearPropagation``.

    Notes
    -----
    Of second order, explicit, symmetric in time; with the velocity v at half steps,

        v_{½} = δt/2 F(θ_0, y_0),   v_{k+½} = v_{k−½} + δt F(θ_k, y_k),   y_{k+1} = y_k + δt v_{k+½},

    which is y_{k+1} = 2 y_k − y_{k−1} + δt² F(θ_k, y_k), with fewer roundings. Only the parameters at the
    times t_0 … t_{N−1} of the layers are asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.network.layers.opening import MatrixOpening
    >>> steps = Leapfrog(MatrixOpening(-np.eye(1)), layers=100, final_time=np.pi)  # y'' = -y
    >>> round(steps.apply(np.zeros(0), np.ones((1, 1))).item(), 3)
    -1.0
    """

    @cached_property
    def shears(self) -> tuple[Shear, ...]:
        """2N shears: v and y in turn, the first of v with half a step."""
        dt = self.time_step
        found = []
        for k in range(self.layers):
            found += [Shear(1, self.layer, dt if k else dt / 2, k), Shear(0, None, dt, k)]
        return tuple(found)

    def split(self, Y: Array) -> State:
        """Return (y_0, 0)."""
        return Y, None

    def joined(self, state: State) -> Array:
        """Return y."""
        return state[0]
