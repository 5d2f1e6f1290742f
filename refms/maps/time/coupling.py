"""Reversible propagation: one half of the state is moved by a function of the other, and in turn.

A coupling u ← u + α F(θ, w) is undone by u ← u − α F(θ, w): the states of a net of couplings need not be
stored. Störmer–Verlet for y′ = σ(K z + b), z′ = −σ(Kᵀ y + b) and leapfrog for y″ = F(θ(t), y) are such nets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from refms.backend import backend_of, zeros_like
from refms.errors import Array
from refms.maps.activation import Activation
from refms.maps.layers.convolution import convolution_layer
from refms.maps.layers.tied import transposed_layer
from refms.maps.map import Along, At, Gradients, Map, Tangent, second_of
from refms.maps.time.interpolation import stage_matrix
from refms.maps.time.steps import TimeSteps
from refms.stencils.convolution import Convolution

State = tuple[Array | None, Array | None]
"""The two halves (y, z), or tangents or cotangents of them, each (rows of the layer, m); None is zero."""


@dataclass(frozen=True)
class Coupling:
    """One half of the state moved by a function of the other, u ← u + α F(θ, w).

    Parameters
    ----------
    moves : int
        0: u = y and w = z. 1: u = z and w = y.
    map : Map or None
        F; None for F(θ, w) = w, which has no parameters.
    factor : float
        α.
    step : int
        The parameters are those of the time t = (step + node) δt.
    node : float
        0 to 1.
    """

    moves: int
    map: Map | None
    factor: float
    step: int
    node: float = 0.0


def verlet(
    convolution: Convolution,
    activation: Activation,
    layers: int,
    final_time: float,
    *,
    reversible: bool = False,
) -> Map:
    """Return N Verlet steps for two halves of the channels that move each other.

    Parameters
    ----------
    convolution : Convolution
        Geometry of K(S) from z to y, c/2 channels in and out; y and z are the first and second c/2 channels.
    activation : Activation
        σ.
    layers, final_time
        As for :func:`~refms.maps.time.euler.forward_euler`.
    reversible : bool
        True: derivatives need no stored states; every product costs one pass more.

    Returns
    -------
    Map
        From (y_0, z_0) to (y_N, z_N).

    Notes
    -----
    Of second order, explicit, symmetric in time. With K_k = K(θ(t_k)), σ_k(u) = σ(K_k u + b_k), σ_kᵀ(u) =
    σ(K_kᵀ u + b_k), and z_{-½} = z_0 (so that the first step of z is half as long):

        z_{½} = z_0 − δt/2 σ_0ᵀ(y_0),   z_{k+½} = z_{k−½} − δt σ_kᵀ(y_k),
        y_{k+1} = y_k + δt σ_{k+½}(z_{k+½}),   z_N = z_{N−½} − δt/2 σ_Nᵀ(y_N).

    θ(t) is linear between layers and constant beyond t_{N−1}: θ_{k+½} = (θ_k + θ_{k+1})/2, θ_N = θ_{N−1}.

    The Jacobian of the right-hand side, [[0, D_1 K], [−D_2 Kᵀ, 0]] with D = σ′ ≥ 0, has imaginary
    eigenvalues only (it is similar to an antisymmetric matrix where D > 0), and every step has determinant 1.
    Where σ is the identity, ‖y‖² + ‖z‖² of the exact flow is constant, and the steps are stable for
    δt ‖K‖₂ < 2.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.maps.activation import TANH
    >>> steps = verlet(Convolution(Grid((8, 8)), 2, 2), TANH, layers=64, final_time=1.0)
    >>> steps.rows_in, steps.stored, steps.frugal().stored
    (256, 49664, 256)
    """
    F, other = convolution_layer(convolution, activation), transposed_layer(convolution, activation)
    steps = TimeSteps(F, layers, final_time)
    N, dt, half = layers, steps.time_step, F.rows_out
    found = [Coupling(1, other, -dt / 2, 0)]
    for k in range(N):
        found.append(Coupling(0, F, dt, k, 0.5))
        found.append(Coupling(1, other, -dt if k < N - 1 else -dt / 2, k, 1.0))

    def split(Y: Array) -> State:
        return Y[:half], Y[half:]

    def join(state: State) -> Array:
        y, z = state
        some = y if z is None else z
        parts = [zeros_like(some) if part is None else part for part in (y, z)]
        return backend_of(some).xp.concatenate(parts)

    return couplings(CoupledNet(steps, found, split, join), 2 * half, reversible)


def leapfrog(layer: Map, layers: int, final_time: float, *, reversible: bool = False) -> Map:
    """Return N leapfrog steps for y″ = F(θ(t), y), y(0) = y_0, y′(0) = 0.

    Parameters
    ----------
    layer, layers, final_time
        As for :func:`~refms.maps.time.euler.forward_euler`.
    reversible : bool
        True: derivatives need no stored states; every product costs one pass more.

    Returns
    -------
    Map
        From y_0 to y_N.

    Notes
    -----
    Of second order, explicit, symmetric in time; with the velocity v at half steps,

        v_{½} = δt/2 F(θ_0, y_0),   v_{k+½} = v_{k−½} + δt F(θ_k, y_k),   y_{k+1} = y_k + δt v_{k+½},

    which is y_{k+1} = 2 y_k − y_{k−1} + δt² F(θ_k, y_k), with fewer roundings. Only the parameters at the
    times t_0 … t_{N−1} of the layers are asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.maps.layers.linear import matrix_map
    >>> steps = leapfrog(matrix_map(-np.eye(1)), layers=100, final_time=np.pi)  # y'' = -y
    >>> round(steps.apply(np.zeros(0), np.ones((1, 1))).item(), 3)
    -1.0
    """
    steps = TimeSteps(layer, layers, final_time)
    dt, found = steps.time_step, list[Coupling]()
    for k in range(layers):
        found += [Coupling(1, layer, dt if k else dt / 2, k), Coupling(0, None, dt, k)]
    net = CoupledNet(steps, found, lambda Y: (Y, None), lambda state: state[0])
    return couplings(net, layer.rows_out, reversible)


def couplings(net: CoupledNet, rows: int, reversible: bool) -> Map:
    """Return a sequence of couplings as a map of y_0.

    With J_w = α F_w and J_θ = α F_θ at (θ_s, w): du' = du + J_θ dθ_s + J_w dw forwards; backwards

        gradient of θ_s: J_θᵀ G_u,   G_w ← G_w + J_wᵀ G_u,   G_u as it is,

    and with H = α G_u the cotangent of F, differentiated once more,

        dG_w ← dG_w + α F_wᵀ dG_u + D(F_wᵀ)[dθ_s, dw] H,   likewise for the gradient of θ_s,

    while the tangent at the end is taken back like a state: du ← du − α (F_θ dθ_s + F_w dw).

    A coupling does not change w, so that in the backward sweep it is at hand, and u comes back by subtracting
    what was added. Each subtraction is off by a rounding of u, which later ones carry on as the propagation
    backwards in time carries a perturbation: the states come back up to about (number of couplings) · eps ·
    ‖state‖ where perturbations do not grow. The parameters are M Θ with M of ``stage_matrix``.
    """
    layer = net.steps.layer

    def evaluate(theta: Array, Y: Array) -> Array:
        found: Array = net.join(net.final_state(theta, Y))
        return found

    def linearize(theta: Array, Y: Array) -> At:
        if reversible:
            end = net.final_state(theta, Y)
            output = net.join(end)
            y, z = net.split(output)  # which shares the memory of the output
            kept: State = (y, end[1] if z is None else z)
            return _couplings_at(
                net, output, lambda: net.forwards(theta, Y), lambda: net.backwards(theta, kept)
            )
        points, state = list[At | None](), net.split(Y)
        for one, F in zip(net.sequence, net.forwards(theta, Y), strict=True):
            points.append(F)
            state = _move(state, one, state[1 - one.moves] if F is None else F.output)
        return _couplings_at(net, net.join(state), lambda: iter(points), lambda: reversed(points))

    def record(theta: Array, Y: Array) -> dict[str, Array]:
        """Return the halves ``y`` and ``z`` at the beginning and after each move, and ``couplings/…``."""
        state = net.split(Y)
        named = {name: half for name, half in zip("yz", state, strict=True) if half is not None}
        for s, (one, part) in enumerate(zip(net.sequence, net.by_coupling(theta), strict=True)):
            w = state[1 - one.moves]
            inner = {"output": w} if one.map is None else one.map.recorded(part, w)
            named.update({f"coupling{s}/{key}": value for key, value in inner.items()})
            state = _move(state, one, inner["output"])
            named[f"coupling{s}/{'yz'[one.moves]}"] = state[one.moves]
        return {**named, "output": net.join(state)}

    maps = [one.map for one in net.sequence if one.map is not None]
    if reversible:
        stored = 2 * layer.rows_out  # the last state
    else:  # each map's own with its input, of which the first is y_0, and the output
        stored = sum(F.stored + layer.rows_out for F in maps) - layer.rows_out + rows
    return Map(
        net.steps.layout,
        rows,
        rows,
        evaluate,
        linearize,
        record,
        multiply_adds=sum(F.multiply_adds for F in maps),
        stored=stored,
        frugal=None if reversible else lambda: couplings(net, rows, True),
        times=((0, net.steps),),
        constants=layer.constants,
    )


@dataclass(frozen=True, eq=False)
class CoupledNet:
    """A sequence of couplings; ``split`` is y_0 ↦ E y_0 with EᵀE = I, ``join`` its transpose Eᵀ."""

    steps: TimeSteps
    sequence: Sequence[Coupling]
    split: Callable[[Array], State]
    join: Callable[[State], Any]

    @cached_property
    def matrix(self) -> Any:
        """M, which takes the parameters of the layers to those of the couplings that have some."""
        own = [one for one in self.sequence if one.map is not None]
        steps, nodes = [one.step for one in own], [one.node for one in own]
        return stage_matrix(self.steps.layers, steps, nodes, "linear")

    def by_coupling(self, theta: Array | None) -> list[Array | None]:
        """Return the parameters of each coupling, or directions of them; None for one without."""
        if theta is None:
            return [None] * len(self.sequence)
        rows_of = iter(self.steps.at_times(self.matrix, theta))
        return [None if one.map is None else next(rows_of) for one in self.sequence]

    def by_coupling_transposed(self, gradients: list[Array]) -> Array:
        """Return the gradient of θ from those of the couplings with parameters, the last one first."""
        stacked = backend_of(*gradients).xp.stack(gradients[::-1])
        return self.steps.at_times_transposed(self.matrix, stacked)

    def cotangents(self, G: Array) -> State:
        """Return the cotangents of both halves at the end, for a cotangent of the output."""
        y, z = self.split(G)
        return y, zeros_like(y) if z is None else z

    def final_state(self, theta: Array, Y: Array) -> State:
        """Return both halves at the end."""
        state = self.split(Y)
        for one, part in zip(self.sequence, self.by_coupling(theta), strict=True):
            w = state[1 - one.moves]
            state = _move(state, one, w if one.map is None else one.map.evaluate(part, w))
        return state

    def forwards(self, theta: Array, Y: Array) -> Iterator[At | None]:
        """Yield the map of each coupling at its point, from y_0; None for a coupling without one."""
        return self._points(self.split(Y), self.sequence, self.by_coupling(theta), 1)

    def backwards(self, theta: Array, end: State) -> Iterator[At | None]:
        """Yield the same from the last coupling, at the states that come back from the last one."""
        return self._points(end, self.sequence[::-1], self.by_coupling(theta)[::-1], -1)

    def _points(
        self, state: State, sequence: Sequence[Coupling], parts: list[Array | None], sign: int
    ) -> Iterator[At | None]:
        for one, part in zip(sequence, parts, strict=True):
            w = state[1 - one.moves]
            F = None if one.map is None else one.map.linearize(part, w)
            yield F
            state = _move(state, one, w if F is None else F.output, sign)


def _couplings_at(
    net: CoupledNet,
    output: Array,
    forwards: Callable[[], Iterator[At | None]],
    backwards: Callable[[], Iterator[At | None]],
) -> At:
    """Return the propagation at a point, from the points of its maps in both orders."""
    last = len(net.sequence) - 1

    def push(dtheta: Array | None, dY: Array | None) -> State:
        state: State = (None, None) if dY is None else net.split(dY)
        for one, part, F in zip(net.sequence, net.by_coupling(dtheta), forwards(), strict=True):
            value = state[1 - one.moves]
            if F is not None and not (part is None and value is None):
                value = F.jvp(part, value)
            state = _move(state, one, value)
        return state

    def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
        found: Array = net.join(push(dtheta, dY))
        return found

    def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
        gradients, state = list[Array](), net.cotangents(G)
        for s, F in enumerate(backwards()):
            one = net.sequence[last - s]
            value: Any = state[one.moves]
            if F is not None:
                gtheta, value = F.vjp(value, wrt_theta=wrt_theta, wrt_input=wrt_input or s < last)
                gradients += [] if gtheta is None else [one.factor * gtheta]
            state = _move(state, _other(one), value)
        gtheta = net.by_coupling_transposed(gradients) if wrt_theta else None
        return gtheta, (net.join(state) if wrt_input else None)

    def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
            pairs = zip(net.cotangents(G), push(dtheta, dY), strict=True)
            y, z = (zeros_like(here) if part is None else part for here, part in pairs)
            own = net.by_coupling(dtheta)
            return Tangent(
                net.join((y, z)), partial(_pull_tangents, net, backwards, own, (y, z), G, wrt_input)
            )

        return along, (vjp(G, wrt_theta=False)[1] if wrt_input else None)

    return At(output, jvp, vjp, second)


def _pull_tangents(
    net: CoupledNet,
    backwards: Callable[[], Iterator[At | None]],
    own: list[Array | None],
    tangents: State,
    G: Array,
    varies: bool,
    dG: Array,
    *,
    wrt_theta: bool = True,
    wrt_input: bool = True,
) -> Gradients:
    """Return the derivatives of the gradients, coupling by coupling; formulas in :func:`couplings`.

    ``own`` are the directions dθ_s, ``tangents`` those of the last state; ``varies`` says if y_0 varies.
    """
    last, gradients = len(net.sequence) - 1, list[Array]()
    states, dstates = net.cotangents(G), net.cotangents(dG)
    for s, F in enumerate(backwards()):
        one = net.sequence[last - s]
        other = _other(one)
        value: Any = states[one.moves]  # none is left out: cotangents begin as arrays
        dvalue: Any = dstates[one.moves]
        moved = tangents[1 - one.moves]
        if F is not None:
            needed = s < last or varies
            along, value = second_of(F)(one.factor * value, wrt_input=needed)
            tangent = along(own[last - s], moved if needed else None)
            moved = tangent.output
            needed = wrt_input or s < last
            gradient, dvalue = tangent.vjp(one.factor * dvalue, wrt_theta=wrt_theta, wrt_input=needed)
            gradients += [] if gradient is None else [gradient]
            other = replace(other, factor=1.0)  # the adjoint was taken at α G_u
        tangents = _move(tangents, one, moved, sign=-1)
        states, dstates = _move(states, other, value), _move(dstates, other, dvalue)
    gtheta = net.by_coupling_transposed(gradients) if wrt_theta else None
    return gtheta, (net.join(dstates) if wrt_input else None)


def _move(state: State, one: Coupling, value: Array | None, sign: int = 1) -> State:
    """Return the state after a coupling, or with ``sign`` -1 before it; one half is the same array."""
    u = state[one.moves]
    if value is not None:
        update = (sign * one.factor) * value
        u = update if u is None else u + update
    return (u, state[1]) if one.moves == 0 else (state[0], u)


def _other(one: Coupling) -> Coupling:
    """Return the coupling that moves the other half: that of the cotangents."""
    return replace(one, moves=1 - one.moves)
