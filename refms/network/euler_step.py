"""One step of forward Euler, y + δt F(θ, y), linearised; a layer may offer the whole step at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from refms.errors import Array
from refms.network.mapping import Linearization, Mapping
from refms.network.second_order import EulerStepAdjoint, linearized_adjoint, step_adjoint


@runtime_checkable
class Stepping(Protocol):
    """A layer that computes its Euler step faster or with less memory than layer and step apart."""

    @property
    def stored_by_step(self) -> int:
        """Numbers kept per example by a linearised step, its state included."""

    def apply_step(self, theta: Array, Y: Array, dt: float) -> Array:
        """Return Y + δt F(θ, Y)."""

    def linearize_step(self, theta: Array, Y: Array, dt: float) -> Linearization:
        """Return (θ, Y) ↦ Y + δt F(θ, Y) linearised."""


@dataclass(frozen=True, eq=False)
class EulerStepLinearization:
    """A step made of any layer's linearisation.

    Notes
    -----
    dY + δt (F_θ dθ + F_Y dY) forwards, (δt F_θᵀ G, G + δt F_Yᵀ G) backwards; eq. (3) of [LAS].
    """

    layer: Linearization
    output: Array
    dt: float

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return dY + δt (F_θ dθ + F_Y dY)."""
        update = self.dt * self.layer.jvp(dtheta, dY)
        return update if dY is None else dY + update

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return δt F_θᵀ G and G + δt F_Yᵀ G."""
        gtheta, gY = self.layer.vjp(G, wrt_input=wrt_input)
        return self.dt * gtheta, (None if gY is None else G + self.dt * gY)

    def pull_back(self, G: Array) -> Array:
        """Return G + δt F_Yᵀ G."""
        return G + self.dt * self.layer.pull_back(G)

    def linearize_adjoint(self, G: Array, *, wrt_input: bool = True) -> tuple[EulerStepAdjoint, Array | None]:
        """Return the step's adjoint linearised at G, and G + δt F_Yᵀ G."""
        return step_adjoint(linearized_adjoint(self.layer, self.dt * G, wrt_input=wrt_input), G, self.dt)


def stored_by_step(layer: Mapping) -> int:
    """Return the numbers that a linearised step keeps for one example."""
    return layer.stored_by_step if isinstance(layer, Stepping) else layer.stored + layer.rows_out


def step(layer: Mapping, theta: Array, Y: Array, dt: float) -> Array:
    """Return Y + δt F(θ, Y).

    Parameters
    ----------
    layer : Mapping
        F.
    theta : array
        Shape (layer.layout.size,).
    Y : array
        Shape (layer.rows_in, m).
    dt : float
        δt.

    Returns
    -------
    array
        Shape of Y.
    """
    return layer.apply_step(theta, Y, dt) if isinstance(layer, Stepping) else Y + dt * layer.apply(theta, Y)


def linearized_step(layer: Mapping, theta: Array, Y: Array, dt: float) -> Any:
    """Return the step linearised; parameters as for :func:`step`."""
    if isinstance(layer, Stepping):
        return layer.linearize_step(theta, Y, dt)
    inner = layer.linearize(theta, Y)
    return EulerStepLinearization(inner, Y + dt * inner.output, dt)
