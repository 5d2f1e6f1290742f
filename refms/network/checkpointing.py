"""Less memory for more work: linearised propagation that keeps every √N-th state, and recomputes the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from refms.backend import backend_of, zeros_like
from refms.errors import Array
from refms.network.composition import Sequence
from refms.network.euler_step import linearized_step, step, stored_by_step
from refms.network.integrators.shears import ShearPropagation
from refms.network.mapping import Linearization, Mapping
from refms.network.propagation import ForwardEuler, ForwardEulerLinearization
from refms.network.second_order import ChainTangent


@dataclass(frozen=True)
class CheckpointedEuler(ForwardEuler):
    """Forward Euler that linearises segment by segment when it is asked for products.

    Parameters
    ----------
    layer, layers, final_time
        As for :class:`~refms.network.propagation.ForwardEuler`, whose results it gives bit for bit.

    Notes
    -----
    The states at the beginnings of segments of s = ⌈√N⌉ layers are kept, N/s of them; a product with the
    Jacobian, or with its transpose, makes one segment's linearisation at a time. Memory falls from N layers
    to about 2√N, and every product costs one forward pass more.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.network.architectures.residual import Residual
    >>> steps = Residual(Grid((8, 8)), channels=2, layers=64).propagation
    >>> steps.stored, checkpointed(steps).stored
    (16384, 3072)
    """

    @property
    def segment(self) -> int:
        """Layers of a segment, the last one perhaps excepted."""
        return math.isqrt(self.layers - 1) + 1

    @property
    def stored(self) -> int:
        """Numbers kept per example: the first states of all segments and the linearisation of one."""
        segments = -(-self.layers // self.segment)
        return segments * self.rows_out + min(self.segment, self.layers) * stored_by_step(self.layer)

    def linearize(self, theta: Array, Y: Array) -> CheckpointedEulerLinearization:  # type: ignore[override]  # the contract is kept
        """Return the propagation at (θ, y_0), its segments still to be linearised."""
        starts = []
        for k, theta_k in enumerate(self.by_layer(theta)):
            if k % self.segment == 0:
                starts.append(Y)
            Y = step(self.layer, theta_k, Y, self.time_step)
        return CheckpointedEulerLinearization(self, theta, tuple(starts), Y)


@dataclass(frozen=True, eq=False)
class CheckpointedEulerLinearization:
    """Forward Euler at a point, of which only the first states of segments are kept."""

    propagation: CheckpointedEuler
    theta: Array
    starts: tuple[Array, ...]
    output: Array

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return dY_N for directions dθ (layout.size,) and dY_0."""
        if dtheta is None and dY is None:
            return zeros_like(self.output)
        for index in range(len(self.starts)):
            part = None if dtheta is None else self.part(dtheta, index)
            dY = self.segment_at(index).jvp(part, dY)
        return dY

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the gradient with respect to θ and, if asked for, y_0."""
        parts: list[Array] = []
        gY: Array | None = G
        for index in reversed(range(len(self.starts))):
            gtheta, gY = self.segment_at(index).vjp(gY, wrt_input=wrt_input or index > 0)
            parts.append(gtheta)
        return backend_of(G).xp.concatenate(parts[::-1]), gY

    def pull_back(self, G: Array) -> Array:
        """Return the gradient with respect to y_0."""
        for index in reversed(range(len(self.starts))):
            G = self.segment_at(index).pull_back(G)
        return G

    def linearize_adjoint(
        self, G: Array, *, wrt_input: bool = True
    ) -> tuple[CheckpointedEulerAdjoint, Array | None]:
        """Return the adjoint at G, its segments still to be linearised, and the gradient of y_0."""
        ends: list[Array] = []
        gY: Array | None = G
        for index in reversed(range(len(self.starts))):
            ends.append(gY)
            if wrt_input or index > 0:
                _, gY = self.segment_at(index).linearize_adjoint(gY)
        return CheckpointedEulerAdjoint(self, tuple(ends[::-1]), wrt_input), (gY if wrt_input else None)

    def part(self, theta: Array, index: int) -> Array:
        """Return the parameters of one segment."""
        size = self.propagation.segment * self.propagation.layer.layout.size
        return theta[index * size : (index + 1) * size]

    def segment_at(self, index: int) -> ForwardEulerLinearization:
        """Return the linearisation of one segment, made anew."""
        whole, Y, steps = self.propagation, self.starts[index], list[Linearization]()
        own = self.part(self.theta, index)
        layers = min(whole.segment, whole.layers - index * whole.segment)
        for theta_k in own.reshape(layers, whole.layer.layout.size):
            steps.append(linearized_step(whole.layer, theta_k, Y, whole.time_step))
            Y = steps[-1].output
        part = ForwardEuler(whole.layer, layers, whole.time_step * layers)
        return ForwardEulerLinearization(part, tuple(steps), Y)


@dataclass(frozen=True, eq=False)
class CheckpointedEulerAdjoint:
    """The adjoint of the propagation, of which only the cotangents at the ends of segments are kept.

    Parameters
    ----------
    at : CheckpointedEulerLinearization
        The propagation at a point.
    ends : tuple of array
        Cotangent of the output of each segment.
    wrt_input : bool
        Whether y_0 varies.
    """

    at: CheckpointedEulerLinearization
    ends: tuple[Array, ...]
    wrt_input: bool

    def along(self, dtheta: Array | None, dY: Array | None = None) -> CheckpointedEulerTangent:
        """Return the derivatives along (dθ, dY_0), with dY kept at the beginnings of segments."""
        starts = []
        for index in range(len(self.ends)):
            starts.append(dY)
            dY = self.segment(index, dtheta, dY).output
        return CheckpointedEulerTangent(self, dtheta, tuple(starts), dY)

    def segment(self, index: int, dtheta: Array | None, dY: Array | None) -> ChainTangent:
        """Return the derivatives of one segment, made anew."""
        varies = self.wrt_input or index > 0
        adjoint, _ = self.at.segment_at(index).linearize_adjoint(self.ends[index], wrt_input=varies)
        return adjoint.along(None if dtheta is None else self.at.part(dtheta, index), dY)


@dataclass(frozen=True, eq=False)
class CheckpointedEulerTangent:
    """The derivatives of the propagation and of its adjoint, segment by segment."""

    at: CheckpointedEulerAdjoint
    dtheta: Array | None
    starts: tuple[Array | None, ...]
    output: Array

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the derivatives of the gradients with respect to θ and, if asked for, y_0."""
        parts: list[Array] = []
        dgY: Array | None = dG
        for index in reversed(range(len(self.starts))):
            one = self.at.segment(index, self.dtheta, self.starts[index])
            dgtheta, dgY = one.vjp(dgY, wrt_input=wrt_input or index > 0)
            parts.append(dgtheta)
        return backend_of(dG).xp.concatenate(parts[::-1]), dgY

    def pull_back(self, dG: Array) -> Array:
        """Return the derivative of the gradient with respect to y_0."""
        for index in reversed(range(len(self.starts))):
            dG = self.at.segment(index, self.dtheta, self.starts[index]).pull_back(dG)
        return dG


def checkpointed(map_: Mapping) -> Mapping:
    """Return a map that gives the same results and keeps less in its linearisation.

    Parameters
    ----------
    map_ : Mapping
        A propagation by forward Euler or by shears (Verlet, leapfrog), or a sequence in which there is one.
        Others, and those of so few layers that nothing would be saved, are returned as they are.

    Returns
    -------
    Mapping
        Forward Euler with checkpoints in time, whose results are the same bit for bit; shears without
        stored states, whose results are the same and whose derivatives differ by round-off.
    """
    if isinstance(map_, ForwardEuler):
        sparing = CheckpointedEuler(map_.layer, map_.layers, map_.final_time)
        return sparing if sparing.stored < map_.stored else map_
    if isinstance(map_, ShearPropagation):
        return replace(map_, reversible=True)
    if isinstance(map_, Sequence):
        return replace(map_, maps=tuple((name, checkpointed(part)) for name, part in map_.maps))
    return map_
