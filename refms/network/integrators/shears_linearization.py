"""Propagation by shears at a point: its Jacobian and the adjoint, with and without stored states."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from refms.backend import zeros_like
from refms.errors import Array
from refms.network.integrators.shear import State, sheared
from refms.network.integrators.shears_adjoint import ShearsAdjoint
from refms.network.mapping import Linearization

if TYPE_CHECKING:
    from refms.network.integrators.shears import ShearPropagation


@dataclass(frozen=True, eq=False)
class ShearsLinearization(ABC):
    """A propagation by shears at a point; the formulas are those of ``ShearPropagation``.

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
        return self.propagation.joined(self.pushed(dtheta, dY))

    def pushed(self, dtheta: Array | None, dY: Array | None) -> State:
        """Return the derivative of both halves at the end."""
        steps = self.propagation
        own = steps.directions(dtheta)
        state: State = (None, None) if dY is None else steps.split(dY)
        for shear, part, at in zip(steps.shears, own, self.forwards(), strict=True):
            value = state[1 - shear.moves]
            if at is not None and not (part is None and value is None):
                value = at.jvp(part, value)
            state = sheared(state, shear, value)
        return state

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the gradient with respect to θ and, if asked for, y_0."""
        steps, gradients, state = self.propagation, list[Array](), self.cotangents(G)
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
        steps, state = self.propagation, self.cotangents(G)
        for shear, at in zip(reversed(steps.shears), self.backwards(), strict=True):
            value = state[shear.moves]
            value = value if at is None else at.pull_back(value)
            state = sheared(state, replace(shear, moves=1 - shear.moves), value)
        return steps.joined(state)

    def linearize_adjoint(self, G: Array, *, wrt_input: bool = True) -> tuple[ShearsAdjoint, Array | None]:
        """Return the adjoint at G, still to be linearised, and the gradient with respect to y_0."""
        return ShearsAdjoint(self, G, wrt_input), (self.pull_back(G) if wrt_input else None)

    def cotangents(self, G: Array) -> State:
        """Return the cotangents of both halves at the end, for a cotangent of the output."""
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
