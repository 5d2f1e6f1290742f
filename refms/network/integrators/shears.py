"""Reversible propagation: one half of the state is moved by a function of the other, and in turn.

A shear u ← u + α F(θ, w) is undone by u ← u − α F(θ, w): the states of a net of shears need not be stored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from refms.backend import backend_of, zeros_like
from refms.errors import Array, require_same_precision, require_shape
from refms.network.integrators.stage_parameters import stage_matrix
from refms.network.mapping import Linearization, Mapping
from refms.network.time_stepping import TimeStepping

State = tuple[Array | None, Array | None]
"""The two halves (y, z), or tangents or cotangents of them, each (rows of the layer, m); None is zero."""


@dataclass(frozen=True)
class Shear:
    """One half of the state moved by a function of the other, u ← u + α F(θ, w).

    Parameters
    ----------
    moves : int
        0: u = y and w = z. 1: u = z and w = y.
    map : Mapping or None
        F; None for F(θ, w) = w, which has no parameters.
    factor : float
        α.
    step : int
        The parameters are those of the time t = (step + node) δt.
    node : float
        0 to 1.
    """

    moves: int
    map: Mapping | None
    factor: float
    step: int
    node: float = 0.0


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


def sheared(state: State, shear: Shear, value: Array | None, sign: int = 1) -> State:
    """Return the state after a shear, or with ``sign`` -1 before it.

    Parameters
    ----------
    state : tuple of array or None
        (y, z), or a tangent.
    shear : Shear
        Which half moves, and how far.
    value : array or None
        F(θ, w), or its derivative.
    sign : int
        1 or -1.

    Returns
    -------
    tuple of array or None
        Of which the half that stays is the same array.
    """
    u = state[shear.moves]
    if value is not None:
        update = (sign * shear.factor) * value
        u = update if u is None else u + update
    return (u, state[1]) if shear.moves == 0 else (state[0], u)


@dataclass(frozen=True, eq=False)
class ShearsLinearization(ABC):
    """A propagation by shears at a point; the formulas are those of :class:`ShearPropagation`.

    Where the linearised maps of the shears come from is left to the subclasses.
    """

    propagation: ShearPropagation
    output: Array

    @abstractmethod
    def forwards(self) -> Iterator[Linearization | None]:
        """Yield the linearised map of each shear in order, None for a shear without one."""

    @abstractmethod
    def backwards(self) -> Iterator[Linearization | None]:
        """Yield the same from the last shear to the first."""

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return dY_N for directions dθ (layout.size,) and dY_0."""
        if dtheta is None and dY is None:
            return zeros_like(self.output)
        steps = self.propagation
        own = [None] * len(steps.shears) if dtheta is None else steps.by_shear(dtheta)
        state: State = (None, None) if dY is None else steps.split(dY)
        for shear, part, at in zip(steps.shears, own, self.forwards(), strict=True):
            value = state[1 - shear.moves]
            if at is not None and not (part is None and value is None):
                value = at.jvp(part, value)
            state = sheared(state, shear, value)
        return steps.joined(state)

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the gradient with respect to θ and, if asked for, y_0."""
        steps, gradients, state = self.propagation, list[Array](), self._cotangents(G)
        last = len(steps.shears) - 1
        for s, at in enumerate(self.backwards()):
            shear = steps.shears[last - s]
            value = state[shear.moves]
            if at is not None:
                gtheta, value = at.vjp(value, wrt_input=wrt_input or s < last)
                gradients.append(shear.factor * gtheta)
            state = sheared(state, replace(shear, moves=1 - shear.moves), value)
        return steps.by_shear_transposed(gradients[::-1]), steps.joined(state) if wrt_input else None

    def pull_back(self, G: Array) -> Array:
        """Return the gradient with respect to y_0."""
        steps, state = self.propagation, self._cotangents(G)
        for shear, at in zip(reversed(steps.shears), self.backwards(), strict=True):
            value = state[shear.moves]
            value = value if at is None else at.pull_back(value)
            state = sheared(state, replace(shear, moves=1 - shear.moves), value)
        return steps.joined(state)

    def _cotangents(self, G: Array) -> State:
        """Return the cotangents of both halves at the end."""
        y, z = self.propagation.split(G)
        return y, zeros_like(y) if z is None else z


@dataclass(frozen=True, eq=False)
class StoredLinearization(ShearsLinearization):
    """Shears at a point, all their maps' linearisations kept."""

    maps: tuple[Linearization | None, ...]

    def forwards(self) -> Iterator[Linearization | None]:
        """Yield what is kept."""
        return iter(self.maps)

    def backwards(self) -> Iterator[Linearization | None]:
        """Yield what is kept, from the last."""
        return reversed(self.maps)


@dataclass(frozen=True, eq=False)
class ReversibleLinearization(ShearsLinearization):
    """Shears at a point, of which only the last state is kept; y_0 belongs to whoever made it."""

    theta: Array
    Y: Array
    end: State

    def forwards(self) -> Iterator[Linearization | None]:
        """Yield each map linearised anew, from y_0."""
        steps = self.propagation
        state = steps.split(self.Y)
        for shear, own in zip(steps.shears, steps.by_shear(self.theta), strict=True):
            w = state[1 - shear.moves]
            at = None if shear.map is None else shear.map.linearize(own, w)
            yield at
            state = sheared(state, shear, w if at is None else at.output)

    def backwards(self) -> Iterator[Linearization | None]:
        """Yield each map linearised at the states that are reconstructed from the last one."""
        for at, _ in self._reversed():
            yield at

    def reconstructed(self) -> State:
        """Return the state at the beginning as it is had back from the end: E y_0 up to rounding."""
        state = self.end
        for _, before in self._reversed():
            state = before
        return state

    def _reversed(self) -> Iterator[tuple[Linearization | None, State]]:
        """Yield the map of each shear, linearised, and the state before it, from the last shear."""
        steps, state = self.propagation, self.end
        for shear, own in zip(reversed(steps.shears), reversed(steps.by_shear(self.theta)), strict=True):
            w = state[1 - shear.moves]
            at = None if shear.map is None else shear.map.linearize(own, w)
            state = sheared(state, shear, w if at is None else at.output, sign=-1)
            yield at, state
