"""Reversible propagation: one half of the state is moved by a function of the other, and in turn.

A shear u ← u + α F(θ, w) is undone by u ← u − α F(θ, w): the states of a net of shears need not be stored.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from refms.backend import backend_of
from refms.errors import Array, require_same_precision, require_shape
from refms.network.integrators.shear import Shear, State, sheared
from refms.network.integrators.shears_linearization import ReversibleLinearization, StoredLinearization
from refms.network.integrators.stage_parameters import stage_matrix
from refms.network.mapping import Linearization
from refms.network.time_stepping import TimeStepping


@dataclass(frozen=True)
class ShearPropagation(TimeStepping):
    """A propagation that is a sequence of shears; integrators say which.

    Parameters
    ----------
    layer, layers, final_time
        As for :class:`~refms.network.time_stepping.TimeStepping`.
    reversible : bool
        False: a linearisation keeps what it needs of every shear. True: it keeps the last state only, and
        derivatives reconstruct the states backwards; every product costs one pass more.

    Notes
    -----
    With J_w = α F_w and J_θ = α F_θ at (θ_s, w): du' = du + J_θ dθ_s + J_w dw forwards; backwards

        gradient of θ_s: J_θᵀ G_u,   G_w ← G_w + J_wᵀ G_u,   G_u as it is.

    A shear does not change w, so that in the backward sweep it is at hand, and u is had back by subtracting
    what was added. Each subtraction is off by a rounding of u, which later ones carry on as the propagation
    backwards in time carries a perturbation: the states come back up to about (number of shears) · eps ·
    ‖state‖ where perturbations do not grow. The parameters of the shears are M Θ with M of ``stage_matrix``.
    """

    reversible: bool = field(default=False, kw_only=True)

    @property
    @abstractmethod
    def shears(self) -> tuple[Shear, ...]:
        """The shears in order."""

    @abstractmethod
    def split(self, Y: Array) -> State:
        """Return the state E y_0 at the beginning, as views; E has orthonormal columns."""

    @abstractmethod
    def joined(self, state: State) -> Array:
        """Return Eᵀ state: what the map gives at the end, and the cotangent of y_0."""

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all shears for one example."""
        return sum(shear.map.multiply_adds for shear in self.shears if shear.map is not None)

    @property
    def stored(self) -> int:
        """Numbers kept per example: the last state, or each map's own with its input, and the output."""
        rows = self.layer.rows_out
        if self.reversible:
            return 2 * rows
        maps = [shear.map for shear in self.shears if shear.map is not None]
        return sum(map_.stored + rows for map_ in maps) - rows + self.rows_out  # the first input is y_0

    @cached_property
    def stage_matrix(self) -> Any:
        """The matrix M, csr_array of shape (shears with parameters, N); θ(t) is linear between layers."""
        own = [shear for shear in self.shears if shear.map is not None]
        steps, nodes = [shear.step for shear in own], [shear.node for shear in own]
        return stage_matrix(self.layers, steps, nodes, "linear")

    def by_shear(self, theta: Array) -> list[Array | None]:
        """Return the parameters of each shear, None for one without.

        Parameters
        ----------
        theta : array
            Shape (layout.size,).

        Returns
        -------
        list of array or None
            Shape (layer.layout.size,) each.
        """
        Theta = self.by_layer(theta)
        M = backend_of(theta).csr_from_host(self.stage_matrix.astype(str(theta.dtype)))
        rows = iter(M @ Theta)
        return [None if shear.map is None else next(rows) for shear in self.shears]

    def directions(self, dtheta: Array | None) -> list[Array | None]:
        """Return directions of the shears' parameters, each of them None where dθ is."""
        return [None] * len(self.shears) if dtheta is None else self.by_shear(dtheta)

    def by_shear_transposed(self, gradients: list[Array]) -> Array:
        """Return the gradient with respect to θ of those of the shears with parameters, in order.

        Parameters
        ----------
        gradients : list of array
            Shape (layer.layout.size,) each.

        Returns
        -------
        array
            Shape (layout.size,).
        """
        backend, dtype = backend_of(*gradients), str(gradients[0].dtype)
        M = backend.csr_from_host(self.stage_matrix.T.tocsr().astype(dtype))
        return (M @ backend.xp.stack(gradients)).reshape(-1)

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return y_N; parameters as for :meth:`TimeStepping.apply`."""
        return self.joined(self.final_state(theta, Y))

    def final_state(self, theta: Array, Y: Array) -> State:
        """Return both halves at the end; parameters as for :meth:`apply`."""
        state = self.start(theta, Y)
        for shear, own in zip(self.shears, self.by_shear(theta), strict=True):
            w = state[1 - shear.moves]
            state = sheared(state, shear, w if shear.map is None else shear.map.apply(own, w))
        return state

    def linearize(self, theta: Array, Y: Array) -> Linearization:
        """Return the propagation linearised at (θ, y_0); parameters as for :meth:`apply`."""
        if self.reversible:
            end = self.final_state(theta, Y)
            output = self.joined(end)
            y, z = self.split(output)  # which shares the memory of the output
            return ReversibleLinearization(self, output, theta, Y, (y, end[1] if z is None else z))
        state, maps = self.start(theta, Y), list[Linearization | None]()
        for shear, own in zip(self.shears, self.by_shear(theta), strict=True):
            w = state[1 - shear.moves]
            maps.append(None if shear.map is None else shear.map.linearize(own, w))
            state = sheared(state, shear, w if maps[-1] is None else maps[-1].output)
        return StoredLinearization(self, self.joined(state), tuple(maps))

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return the intermediates ``sheark/…`` and the halves ``y`` and ``z``, ``output`` last.

        The halves at the beginning stand first (a half that is zero is left out), and after each shear the
        half that it moved, as ``sheark/y`` or ``sheark/z``.
        """
        state = self.start(theta, Y)
        named = {name: half for name, half in zip("yz", state, strict=True) if half is not None}
        for s, (shear, own) in enumerate(zip(self.shears, self.by_shear(theta), strict=True)):
            w = state[1 - shear.moves]
            inner = {"output": w} if shear.map is None else shear.map.trace(own, w)
            named.update({f"shear{s}/{key}": value for key, value in inner.items()})
            state = sheared(state, shear, inner["output"])
            named[f"shear{s}/{'yz'[shear.moves]}"] = state[shear.moves]
        return {**named, "output": self.joined(state)}

    def start(self, theta: Array, Y: Array) -> State:
        """Return the state at the beginning, after looking over what was given."""
        require_same_precision(theta=theta, Y=Y)
        require_shape(Y, (self.rows_in, None), "Y", "(channels * cells, examples)")
        return self.split(Y)
