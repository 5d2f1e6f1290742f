"""Composition, written once: maps in sequence, and maps whose parameters are held fixed."""

from __future__ import annotations

from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass
from itertools import pairwise

from refms.backend import backend_of, zeros_like
from refms.errors import Array, InputError
from refms.network.mapping import AdjointLinearization, AdjointTangent, Linearization, Mapping
from refms.network.parameters import EMPTY, Layout
from refms.network.second_order import ChainAdjoint, chain_adjoint, linearized_adjoint


@dataclass(frozen=True)
class Sequence:
    """Maps one after the other, F = F_last ∘ … ∘ F_first, their parameters joined in this order.

    Parameters
    ----------
    maps : tuple of (str, Mapping)
        Name and map, first map first; names prefix the parts of the joined layout.

    Raises
    ------
    InputError
        If neighbouring maps do not fit or there is none.

    Notes
    -----
    Chain rule: dY_{i+1} = J_θi dθ_i + J_Yi dY_i forwards, G_i = J_Yiᵀ G_{i+1} backwards. The backward sweep
    ends at the first map with parameters when nobody asks for the gradient of the input.
    """

    maps: tuple[tuple[str, Mapping], ...]

    def __post_init__(self) -> None:
        if not self.maps:
            raise InputError("a sequence needs at least one map.")
        for (before, first), (after, second) in pairwise(self.maps):
            if first.rows_out != second.rows_in:
                raise InputError(
                    f"map {before!r} gives {first.rows_out} rows but {after!r} takes {second.rows_in}; "
                    "expected equal numbers (channels * cells)."
                )

    @property
    def layout(self) -> Layout:
        """The joined layouts, parts named ``map/part``."""
        return sum((map_.layout.prefixed(name) for name, map_ in self.maps), EMPTY)

    @property
    def rows_in(self) -> int:
        """Rows of the first map's input."""
        return self.maps[0][1].rows_in

    @property
    def rows_out(self) -> int:
        """Rows of the last map's output."""
        return self.maps[-1][1].rows_out

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all maps for one example."""
        return sum(map_.multiply_adds for _, map_ in self.maps)

    @property
    def stored(self) -> int:
        """Numbers kept per example by all maps."""
        return sum(map_.stored for _, map_ in self.maps)

    def split(self, theta: Array) -> list[Array]:
        """Return the parameter vectors of the single maps, as views.

        Parameters
        ----------
        theta : array
            Shape (layout.size,).

        Returns
        -------
        list of array
            One vector per map.

        Raises
        ------
        InputError
            If the vector has another length.
        """
        if tuple(theta.shape) != (self.layout.size,):
            self.layout.unpack(theta)  # raises with the names of the parts
        pieces, start = [], 0
        for _, map_ in self.maps:
            pieces.append(theta[start : start + map_.layout.size])
            start += map_.layout.size
        return pieces

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return F(θ, Y), shape (rows_out, m)."""
        for (_, map_), part in zip(self.maps, self.split(theta), strict=True):
            Y = map_.apply(part, Y)
        return Y

    def linearize(self, theta: Array, Y: Array) -> SequenceLinearization:
        """Return F linearised at (θ, Y)."""
        steps: list[Linearization] = []
        for (_, map_), part in zip(self.maps, self.split(theta), strict=True):
            steps.append(map_.linearize(part, Y))
            Y = steps[-1].output
        return SequenceLinearization(self, tuple(steps))

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return the intermediates of every map, named ``map/intermediate``, ``output`` last."""
        named: dict[str, Array] = {}
        for (name, map_), part in zip(self.maps, self.split(theta), strict=True):
            inner = map_.trace(part, Y)
            Y = inner["output"]
            named.update({f"{name}/{key}": value for key, value in inner.items()})
        return {**named, "output": Y}


@dataclass(frozen=True, eq=False)
class SequenceLinearization:
    """A sequence at a point: the linearisations of its maps."""

    sequence: Sequence
    steps: SequenceABC[Linearization]

    @property
    def output(self) -> Array:
        """Output of the last map."""
        return self.steps[-1].output

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return the derivative of the sequence in direction (dθ, dY)."""
        parts = [None] * len(self.steps) if dtheta is None else self.sequence.split(dtheta)
        for step, part in zip(self.steps, parts, strict=True):
            varies = part is not None and part.size > 0
            if varies or dY is not None:
                dY = step.jvp(part if varies else None, dY)
        return zeros_like(self.output) if dY is None else dY

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the gradients with respect to all parameters and, if asked for, the input."""
        sizes = [map_.layout.size for _, map_ in self.sequence.maps]
        parts: list[Array] = []
        gY: Array | None = G
        for index in reversed(range(len(self.steps))):
            needed = wrt_input or any(sizes[:index])
            gtheta, gY = self.steps[index].vjp(gY, wrt_input=needed)
            parts.append(gtheta)
            if gY is None:  # no map before this one has parameters
                break
        return backend_of(G).xp.concatenate(parts[::-1]), gY

    def pull_back(self, G: Array) -> Array:
        """Return the gradient with respect to the input."""
        for one in reversed(self.steps):
            G = one.pull_back(G)
        return G

    def linearize_adjoint(self, G: Array, *, wrt_input: bool = True) -> tuple[ChainAdjoint, Array | None]:
        """Return the adjoint linearised at G, and the gradient with respect to the input."""
        sizes = [map_.layout.size for _, map_ in self.sequence.maps]
        return chain_adjoint(self.steps, sizes, G, wrt_input)


@dataclass(frozen=True, eq=False)
class Frozen:
    """A map whose parameters are held fixed: a map of Y alone.

    Parameters
    ----------
    map : Mapping
        The map.
    theta : array
        Its parameters, shape (map.layout.size,).

    Raises
    ------
    InputError
        If the parameters do not fit the map.
    """

    map: Mapping
    theta: Array

    def __post_init__(self) -> None:
        self.map.layout.unpack(self.theta)

    @property
    def layout(self) -> Layout:
        """No free parameters."""
        return EMPTY

    @property
    def rows_in(self) -> int:
        """Rows of Y."""
        return self.map.rows_in

    @property
    def rows_out(self) -> int:
        """Rows of the output."""
        return self.map.rows_out

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one example."""
        return self.map.multiply_adds

    @property
    def stored(self) -> int:
        """Numbers kept per example."""
        return self.map.stored

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return F(fixed θ, Y); the argument ``theta`` is the empty vector."""
        self.layout.unpack(theta)
        return self.map.apply(self.theta, Y)

    def linearize(self, theta: Array, Y: Array) -> FrozenLinearization:
        """Return the map of Y linearised at Y."""
        self.layout.unpack(theta)
        return FrozenLinearization(self.map.linearize(self.theta, Y), self.theta[:0])

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return the intermediates of the map."""
        self.layout.unpack(theta)
        return self.map.trace(self.theta, Y)


@dataclass(frozen=True, eq=False)
class FrozenLinearization:
    """A frozen map at a point: only its input varies."""

    inner: Linearization
    empty: Array

    @property
    def output(self) -> Array:
        """Output of the map."""
        return self.inner.output

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return ∂F/∂Y dY."""
        return self.inner.jvp(None, dY)

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the empty vector and (∂F/∂Y)ᵀ G."""
        return self.empty, (self.inner.pull_back(G) if wrt_input else None)

    def pull_back(self, G: Array) -> Array:
        """Return (∂F/∂Y)ᵀ G."""
        return self.inner.pull_back(G)

    def linearize_adjoint(self, G: Array, *, wrt_input: bool = True) -> tuple[FrozenAdjoint, Array | None]:
        """Return the adjoint Y ↦ (∂F/∂Y)ᵀ G linearised, and its value."""
        inner, gY = linearized_adjoint(self.inner, G, wrt_input=wrt_input)
        return FrozenAdjoint(inner, self.empty), gY


@dataclass(frozen=True, eq=False)
class FrozenAdjoint:
    """The adjoint of a frozen map, linearised: only Y and the cotangent vary."""

    inner: AdjointLinearization
    empty: Array

    def along(self, dtheta: Array | None, dY: Array | None = None) -> FrozenTangent:
        """Return the derivatives along dY."""
        return FrozenTangent(self.inner.along(None, dY), self.empty)


@dataclass(frozen=True, eq=False)
class FrozenTangent:
    """The derivatives of a frozen map and of its adjoint along dY."""

    inner: AdjointTangent
    empty: Array

    @property
    def output(self) -> Array:
        """∂F/∂Y dY."""
        return self.inner.output

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the empty vector and the derivative of (∂F/∂Y)ᵀ G."""
        return self.empty, (self.inner.pull_back(dG) if wrt_input else None)

    def pull_back(self, dG: Array) -> Array:
        """Return the derivative of (∂F/∂Y)ᵀ G."""
        return self.inner.pull_back(dG)
